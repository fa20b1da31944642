//! Wake-ups from other threads, and waits that signals interrupt: nothing is lost.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use edgewake::{
    Builder, Runtime, spawn,
    time::{interval, sleep, timeout},
};
use futures::{
    AsyncReadExt, AsyncWriteExt, StreamExt,
    channel::{mpsc as futures_mpsc, oneshot},
};

use crate::{
    os::{INTERRUPTIONS, Interruptible},
    peer::{listener, pattern},
    support::deadline,
};

const THREADS: usize = 4;

/// The runtimes that wait differently.
fn runtimes() -> [Runtime; 2] {
    let spinning = Builder::new().busy_poll(Duration::from_micros(50)).build();
    [Runtime::new().expect("a runtime"), spinning.expect("a runtime")]
}

// T69, T72, T78. Goal: of 100,000 messages that four threads send, each with a wake-up, none is
// lost, whether the runtime runs, is about to wait, or waits.
#[test]
fn t69_no_message_of_many_threads_is_lost() {
    deadline(|| {
        for runtime in runtimes() {
            let (sender, mut receiver) = futures_mpsc::unbounded();
            let threads = [0, 1, 2, 3].map(|thread| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for number in 0..25_000 {
                        sender.unbounded_send((thread, number)).expect("somebody receives");
                    }
                })
            });
            drop(sender);
            let mut next = [0; THREADS];
            runtime.block_on(async {
                while let Some((thread, number)) = receiver.next().await {
                    assert_eq!(number, next[thread], "in order");
                    next[thread] += 1;
                }
            });
            assert_eq!(next, [25_000; THREADS]);
            for thread in threads {
                thread.join().expect("no panic");
            }
        }
    });
}

/// A request of another thread, and the thread's waiting for the answer.
#[derive(Default)]
struct Request {
    made: AtomicBool,
    answered: AtomicUsize,
}

// T69, T70, T73. Goal: a single wake-up is enough, each time. Method: every thread waits for the
// answer to its one request before it makes the next, so a lost wake-up is a hang; the runtime goes
// to wait between any two of them.
#[test]
fn t69_a_single_wake_is_enough_each_time() {
    const ROUNDS: usize = 1000;
    deadline(|| {
        for runtime in runtimes() {
            let requests: Arc<[Request; THREADS]> = Arc::default();
            let (registered, wakers) = mpsc::channel();
            let task = runtime.spawn({
                let requests = Arc::clone(&requests);
                let mut left = THREADS * ROUNDS;
                let mut registered = Some(registered);
                poll_fn(move |cx| {
                    if let Some(registered) = registered.take() {
                        registered.send(cx.waker().clone()).expect("the test waits");
                    }
                    for request in requests.iter() {
                        if request.made.swap(false, Ordering::SeqCst) {
                            request.answered.fetch_add(1, Ordering::SeqCst);
                            left -= 1;
                        }
                    }
                    if left == 0 { Poll::Ready(()) } else { Poll::Pending }
                })
            });
            let asking = thread::spawn(move || {
                let waker = wakers.recv().expect("the task is polled");
                thread::scope(|scope| {
                    for index in 0..THREADS {
                        let (waker, requests) = (waker.clone(), &requests);
                        scope.spawn(move || {
                            let request = &requests[index];
                            for round in 0..ROUNDS {
                                request.made.store(true, Ordering::SeqCst);
                                waker.wake_by_ref();
                                while request.answered.load(Ordering::SeqCst) == round {
                                    thread::yield_now();
                                }
                            }
                        });
                    }
                });
            });
            runtime.block_on(task).expect("no panic");
            asking.join().expect("no panic");
        }
    });
}

// T69. Goal: wakes that come before the runtime ever waits, more than any pipe holds, neither block
// those who wake nor are lost.
#[test]
fn t69_more_wakes_than_a_pipe_holds() {
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        let handle = runtime.handle();
        let waking = thread::spawn(move || {
            (0..100_000).map(|_| handle.spawn(async { 1 })).collect::<Vec<_>>()
        });
        // Turns publish that pushes must kick, and nobody drains in between.
        while !waking.is_finished() {
            let _wait = runtime.turn().expect("a turn");
        }
        let tasks = waking.join().expect("no panic");
        let sum = runtime.block_on(async {
            let mut sum = 0;
            for task in tasks {
                sum += task.await.expect("no panic");
            }
            sum
        });
        assert_eq!(sum, 100_000);
    });
}

// T73. Goal: a timer that another thread sets, earlier than what the runtime waits for, is on time.
#[test]
fn t73_an_earlier_timer_of_another_thread_wakes_the_runtime() {
    deadline(|| {
        let runtime = Runtime::new().expect("a runtime");
        let handle = runtime.handle();
        runtime.block_on(async {
            let (done, finished) = oneshot::channel();
            let elsewhere = thread::spawn(move || {
                handle.spawn(async move {
                    sleep(Duration::from_millis(1)).await;
                    done.send(()).expect("the test waits");
                })
            });
            let wait = timeout(Duration::from_secs(3600), finished).await;
            wait.expect("not an hour").expect("it fires");
            drop(elsewhere.join().expect("no panic"));
        });
    });
}

/// Interrupts the calling thread about a thousand times a second while `body` runs.
fn interrupted<R>(body: impl FnOnce() -> R) -> R {
    let target = Interruptible::this_thread();
    let (stop, stopped) = mpsc::channel::<()>();
    let storm = thread::spawn(move || {
        // The pace is not the point: any number of interruptions at any moment must do.
        while stopped.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
            target.interrupt();
        }
    });
    let result = body();
    drop(stop);
    storm.join().expect("no panic");
    result
}

// T72. Goal: under a storm of signals, whose handlers interrupt whatever call the runtime is in,
// echoes are exact, timers not early, and wake-ups not lost.
#[test]
fn t72_a_storm_of_signals_loses_nothing() {
    deadline(|| {
        let before = INTERRUPTIONS.load(Ordering::SeqCst);
        interrupted(|| {
            Runtime::new().expect("a runtime").block_on(async {
                let echoes: Vec<_> = (0..8).map(|seed| spawn(echo(seed))).collect();
                let (sender, receiver) = oneshot::channel();
                let elsewhere = thread::spawn(move || sender.send(7));
                assert_eq!(receiver.await, Ok(7));
                elsewhere.join().expect("no panic").expect("it was received");
                let mut ticks = interval(Duration::from_millis(2));
                let start = Instant::now();
                for _ in 0..100 {
                    ticks.tick().await;
                }
                assert!(start.elapsed() >= Duration::from_millis(198), "the first is at once");
                for echo in echoes {
                    echo.await.expect("no panic");
                }
                // Waiting with nothing else to do, so that the signals find it in the kernel.
                while INTERRUPTIONS.load(Ordering::SeqCst) < before + 20 {
                    let start = Instant::now();
                    sleep(Duration::from_millis(20)).await;
                    assert!(start.elapsed() >= Duration::from_millis(20));
                }
            });
        });
    });
}

/// One connection, over which a hundred messages come back as they were.
async fn echo(seed: u64) {
    let listener = listener().await;
    let address = listener.local_addr().expect("bound");
    let server = spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let copied = futures::io::copy(&stream, &mut &stream).await;
        copied.expect("no reset")
    });
    let mut client = edgewake::net::TcpStream::connect(address).await.expect("it listens");
    let message = pattern(seed + 1, 5000);
    let mut back = vec![0; message.len()];
    for _ in 0..100 {
        client.write_all(&message).await.expect("room");
        client.read_exact(&mut back).await.expect("the echo");
        assert!(back == message);
    }
    client.close().await.expect("connected");
    assert_eq!(server.await.expect("no panic"), 500_000);
}
