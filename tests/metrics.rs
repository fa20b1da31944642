//! The counters of a runtime: each counts what it says, exactly where one thread decides what
//! happens, and what is nothing of the kind is not counted.

#![cfg(all(feature = "net", feature = "time"))]

mod support;

use std::{
    future::{Future, pending, poll_fn},
    io::{Read, Write},
    mem,
    os::unix::net::UnixStream,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use edgewake::{
    AsyncFd, Builder, Handle, Interest, Metrics, Runtime, net, spawn, spawn_local,
    time::{sleep, timeout},
    yield_now,
};

use futures::AsyncReadExt;

use crate::support::deadline;

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

/// Runs the loop as long as something is left to do, and never waits.
fn run(runtime: &Runtime) {
    while runtime.turn().expect("a turn") == Some(Duration::ZERO) {}
}

fn here() -> Metrics {
    Handle::current().metrics()
}

/// A future that leaves its waker behind and is ready when it is polled again.
#[derive(Clone, Debug, Default)]
struct Waits(Arc<Mutex<Stage>>);

#[derive(Debug, Default)]
enum Stage {
    #[default]
    New,
    Waiting(Waker),
    Woken,
}

impl Waits {
    fn take(&self) -> Waker {
        match mem::replace(&mut *self.0.lock().expect("no panic"), Stage::Woken) {
            Stage::Waiting(waker) => waker,
            stage => panic!("it is {stage:?}"),
        }
    }
}

impl Future for Waits {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut stage = self.0.lock().expect("no panic");
        if matches!(*stage, Stage::Woken) {
            return Poll::Ready(());
        }
        *stage = Stage::Waiting(cx.waker().clone());
        Poll::Pending
    }
}

// Goal: every turn counts, and nothing else does.
#[test]
fn turns_are_counted() {
    let runtime = runtime();
    runtime.block_on(async {});
    assert_eq!(runtime.metrics().turns, 0, "there was nothing to ask the kernel for");
    for turns in 1..=5 {
        runtime.turn().expect("a turn");
        assert_eq!(runtime.metrics().turns, turns);
    }
}

// Goal: an event is counted, as spurious only where nobody waits; the notifier's is not.
#[test]
fn events_are_counted_and_the_spurious_ones_apart() {
    let runtime = runtime();
    let (stream, mut theirs) = pair(&runtime);
    let reader = Arc::clone(&stream);
    let task = runtime.spawn(async move {
        let mut guard = reader.readable().await.expect("a live runtime");
        let read = guard.try_io(|socket| socket.get_ref().read(&mut [0; 8]));
        assert_eq!(read.expect("it is readable").expect("a byte"), 1);
        guard.clear_ready();
    });
    run(&runtime);
    let before = runtime.metrics();
    assert_eq!((before.events, before.sources), (0, 1));

    theirs.write_all(b"a").expect("room");
    run(&runtime);
    assert!(task.is_finished());
    let wanted = runtime.metrics();
    assert_eq!((wanted.events, wanted.spurious_events), (1, 0));
    assert_eq!((wanted.local_wakes, wanted.polls - before.polls), (1, 1));

    theirs.write_all(b"b").expect("room");
    run(&runtime);
    let unwanted = runtime.metrics();
    assert_eq!((unwanted.events, unwanted.spurious_events), (2, 1));

    let handle = runtime.handle();
    let kick = thread::spawn(move || drop(handle.spawn(async {})));
    kick.join().expect("no panic");
    run(&runtime);
    let kicked = runtime.metrics();
    assert_eq!((kicked.notifier_writes, kicked.events), (1, 2));

    drop(stream);
    assert_eq!(runtime.metrics().sources, 0);
}

// Goal: a listed waiter is as good as one in the slot, and an event that is not what it waits for
// is spurious.
#[test]
fn an_event_for_a_listed_waiter_is_not_spurious() {
    let runtime = runtime();
    let (stream, mut theirs) = pair(&runtime);
    let tasks = [0, 1, 2].map(|_| {
        let stream = Arc::clone(&stream);
        runtime.spawn(async move { stream.readable().await.map(|_guard| ()) })
    });
    run(&runtime);
    theirs.write_all(b"a").expect("room");
    run(&runtime);
    assert!(tasks.iter().all(|task| task.is_finished()));
    let metrics = runtime.metrics();
    assert_eq!((metrics.events, metrics.spurious_events, metrics.local_wakes), (1, 0, 3));
}

// Goal: so it is for a reader, of bytes and of the end.
#[test]
fn an_event_for_a_reader_is_not_spurious() {
    let runtime = runtime();
    let (ours, mut theirs) = UnixStream::pair().expect("a pair");
    let task = runtime.spawn(async move {
        let mut stream = net::UnixStream::try_from(ours).expect("a stream");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("it ends");
        assert_eq!(bytes, b"a");
    });
    run(&runtime);
    theirs.write_all(b"a").expect("room");
    run(&runtime);
    let metrics = runtime.metrics();
    assert_eq!((metrics.events, metrics.spurious_events), (1, 0));
    drop(theirs);
    run(&runtime);
    assert!(task.is_finished());
    let metrics = runtime.metrics();
    assert!(metrics.events >= 2 && metrics.spurious_events == 0, "{metrics:?}");
}

/// Closes its descriptor when it is woken.
struct Closes(Mutex<Option<AsyncFd<UnixStream>>>);

impl Wake for Closes {
    fn wake(self: Arc<Closes>) {
        let closed = self.0.lock().expect("no panic").take();
        drop(closed);
    }
}

// Goal: an event of a descriptor that was closed since, within the same batch, is spurious.
#[test]
fn an_event_for_a_closed_descriptor_is_spurious() {
    let runtime = runtime();
    let ([first, mut one], [second, mut other]) = {
        let pair = || UnixStream::pair().map(|(ours, theirs)| [ours, theirs]).expect("a pair");
        (pair(), pair())
    };
    let watched = runtime.block_on(async {
        [first, second].map(|socket| {
            let watched = AsyncFd::with_interest(socket, Interest::READABLE);
            Arc::new(Closes(Mutex::new(Some(watched.expect("a socket can be registered")))))
        })
    });
    // Whichever is woken first closes the other, which wakes that one's waiter in turn.
    for (ours, theirs) in [(&watched[0], &watched[1]), (&watched[1], &watched[0])] {
        let place = ours.0.lock().expect("no panic");
        let waker = Waker::from(Arc::clone(theirs));
        let watched = place.as_ref().expect("it is open");
        assert!(watched.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
    }
    one.write_all(b"a").expect("room");
    other.write_all(b"b").expect("room");
    run(&runtime);
    let metrics = runtime.metrics();
    assert_eq!((metrics.events, metrics.spurious_events, metrics.sources), (2, 1, 0));
}

// Goal: polls and wake-ups of tasks, and of the future of `block_on`; a wake-up without an effect
// is none.
#[test]
fn polls_and_local_wakes_are_counted() {
    let runtime = runtime();
    runtime.block_on(async { yield_now().await });
    let root = runtime.metrics();
    assert_eq!((root.polls, root.local_wakes, root.run_queue), (2, 1, 0));

    let task = runtime.spawn(async {
        for _ in 0..10 {
            yield_now().await;
        }
    });
    let queued = runtime.metrics();
    assert_eq!((queued.injection_queue, queued.run_queue), (1, 0), "from outside of the loop");
    run(&runtime);
    assert!(task.is_finished());
    let yields = runtime.metrics();
    assert_eq!((yields.polls - root.polls, yields.local_wakes - root.local_wakes), (11, 10));

    let waits = Waits::default();
    spawn_on(&runtime, waits.clone());
    run(&runtime);
    let before = runtime.metrics();
    let waker = waits.take();
    spawn_on(&runtime, async move {
        waker.wake_by_ref();
        waker.wake();
    });
    run(&runtime);
    let after = runtime.metrics();
    assert_eq!((after.polls - before.polls, after.local_wakes - before.local_wakes), (2, 1));
    assert_eq!(after.remote_wakes, 0);
}

/// A socket that is registered for reading, and the other end.
fn pair(runtime: &Runtime) -> (Arc<AsyncFd<UnixStream>>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let ours = runtime.block_on(async { AsyncFd::with_interest(ours, Interest::READABLE) });
    (Arc::new(ours.expect("a socket can be registered")), theirs)
}

/// Spawns from outside of the loop; the task is on its own.
fn spawn_on(runtime: &Runtime, future: impl Future<Output = ()> + Send + 'static) {
    drop(runtime.spawn(future));
}

// Goal: what other threads wake, and spawn, is counted where it waits to be taken over; kicks are
// counted, and given only where the loop waits.
#[test]
fn remote_wakes_and_kicks_are_counted() {
    let runtime = runtime();
    let (first, second) = (Waits::default(), Waits::default());
    spawn_on(&runtime, first.clone());
    spawn_on(&runtime, second.clone());
    // The last turn says that whoever pushes must kick.
    run(&runtime);
    let before = runtime.metrics();
    assert_eq!((before.remote_wakes, before.notifier_writes, before.injection_queue), (0, 0, 0));

    let (handle, wakers) = (runtime.handle(), [first.take(), second.take()]);
    let others = thread::spawn(move || {
        for waker in wakers {
            waker.wake_by_ref();
            waker.wake();
        }
        drop(handle.spawn(pending::<()>()));
        handle.metrics()
    });
    let seen = others.join().expect("no panic");
    assert_eq!((seen.remote_wakes, seen.notifier_writes), (2, 1));
    assert_eq!((seen.injection_queue, seen.run_queue), (3, 0));
    assert_eq!((seen.tasks_spawned, seen.tasks_alive), (3, 3));

    run(&runtime);
    let after = runtime.metrics();
    assert_eq!((after.injection_queue, after.run_queue, after.tasks_alive), (0, 0, 1));
    assert_eq!((after.polls - before.polls, after.local_wakes), (3, 0));
}

// Goal: the future of `block_on`, woken by another thread, likewise.
#[test]
fn a_remote_wake_of_the_root_is_counted() {
    deadline(|| {
        let runtime = runtime();
        let mut waker = None;
        runtime.block_on(poll_fn(|cx| match waker.take() {
            None => {
                let root = cx.waker().clone();
                waker = Some(thread::spawn(move || root.wake()));
                Poll::Pending
            }
            Some(thread) => {
                thread.join().expect("no panic");
                Poll::Ready(())
            }
        }));
        let metrics = runtime.metrics();
        assert_eq!((metrics.remote_wakes, metrics.local_wakes, metrics.polls), (1, 0, 2));
        assert_eq!(metrics.run_queue, 0);
    });
}

// Goal: timers that fire, and those that are to come; one that is dropped is neither.
#[test]
fn timers_are_counted() {
    deadline(|| {
        let runtime = runtime();
        let hour = Duration::from_secs(3600);
        spawn_on(&runtime, sleep(hour));
        let kept = runtime.block_on(async move {
            timeout(hour, yield_now()).await.expect("it is there at once");
            sleep(Duration::from_millis(2)).await;
            here()
        });
        assert_eq!((kept.timer_fires, kept.timers_pending), (1, 1));
        drop(runtime);
    });
}

// Goal: tasks are alive from their birth to their end, whatever it is.
#[test]
fn tasks_are_counted_from_birth_to_end() {
    let runtime = runtime();
    let handle = runtime.handle();
    runtime.block_on(async {
        let [first, second, third] = [(); 3].map(|()| spawn_local(pending::<()>()));
        let metrics = here();
        assert_eq!((metrics.tasks_spawned, metrics.tasks_alive, metrics.run_queue), (3, 3, 3));
        yield_now().await;
        let metrics = here();
        assert_eq!((metrics.tasks_alive, metrics.run_queue), (3, 0));
        first.abort();
        assert_eq!(here().run_queue, 1);
        assert!(first.await.is_err());
        assert_eq!(here().tasks_alive, 2);
        // Detached: they live on.
        drop((second, third));
        assert_eq!(here().tasks_alive, 2);
        spawn(async {}).await.expect("no panic");
        let metrics = here();
        assert_eq!((metrics.tasks_spawned, metrics.tasks_alive), (4, 2));
    });
    let waits = Waits::default();
    runtime.block_on(async {
        drop(spawn_local(waits.clone()));
        yield_now().await;
        waits.take().wake();
    });
    assert_eq!(handle.metrics().run_queue, 1);
    drop(runtime);
    let metrics = handle.metrics();
    assert_eq!((metrics.tasks_spawned, metrics.tasks_alive, metrics.run_queue), (5, 0, 0));
    assert!(handle.spawn(async {}).is_finished());
    assert_eq!(handle.metrics().tasks_spawned, 5, "it was refused");
}

// Goal: runtimes that take turns on a thread do not count for one another.
#[test]
fn runtimes_count_for_themselves() {
    let (outer, inner) = (runtime(), runtime());
    let waits = Waits::default();
    spawn_on(&inner, waits.clone());
    run(&inner);
    let before = inner.metrics();
    outer.block_on(async move { waits.take().wake() });
    // From another loop it comes as from another thread.
    let after = inner.metrics();
    assert_eq!((after.remote_wakes, after.local_wakes), (1, before.local_wakes));
    assert_eq!((outer.metrics().local_wakes, outer.metrics().remote_wakes), (0, 0));
}

/// Keeps the thread busy. A measured time, not a pause.
fn work(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

// Goal: the times are there only where they were asked for.
#[test]
fn times_are_measured_on_demand_only() {
    let runtime = runtime();
    runtime.turn().expect("a turn");
    let metrics = runtime.metrics();
    assert_eq!((metrics.time_busy, metrics.time_waiting), (None, None));
}

// Goal: work is busy time, waits are waiting time, what goes on outside of the loop is neither, and
// together they are no more than went by.
#[test]
fn busy_and_waiting_times_are_told_apart() {
    deadline(|| {
        let start = Instant::now();
        let runtime = Builder::new().measure_time(true).build().expect("a runtime");
        let times = || {
            let metrics = runtime.metrics();
            let measured = "measured";
            (metrics.time_busy.expect(measured), metrics.time_waiting.expect(measured))
        };
        let while_ = Duration::from_millis(20);
        runtime.block_on(async { work(while_) });
        let (busy, waiting) = times();
        assert!(busy >= while_ && waiting.is_zero(), "{busy:?}, {waiting:?}");

        work(while_);
        let again = Instant::now();
        runtime.block_on(async {});
        let (more, waiting) = times();
        assert!(more - busy <= again.elapsed() && waiting.is_zero(), "{more:?}, {waiting:?}");

        runtime.block_on(sleep(while_));
        let (all, waiting) = times();
        assert!(!waiting.is_zero() && all - more + waiting >= while_, "{all:?}, {waiting:?}");
        assert!(all + waiting <= start.elapsed());
    });
}
