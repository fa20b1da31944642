//! What becomes of sockets and timers when their runtime goes, and where there never was one: a
//! clear error, never a hang.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    fmt::Debug,
    future::{Future, poll_fn},
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::mpsc,
    task::Poll,
    thread,
    time::Duration,
};

use edgewake::{
    AsyncFd, Interest, Runtime,
    net::{TcpListener, TcpStream},
    time::sleep,
};
use futures::{AsyncReadExt, AsyncWriteExt, executor::block_on};

use crate::{
    peer::{accepted, connect, listener, pair},
    support::{WakeCount, deadline, message, quietly},
};

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

#[track_caller]
fn assert_shut<T: Debug>(outcome: io::Result<T>) {
    let error = outcome.expect_err("its runtime has gone");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{error}");
    assert!(error.to_string().contains("has shut down"), "{error}");
}

#[track_caller]
fn assert_no_driver<T: Debug>(outcome: io::Result<T>) {
    let error = outcome.expect_err("there is no runtime");
    assert_eq!(error.kind(), io::ErrorKind::NotConnected, "{error}");
    assert!(error.to_string().contains("no edgewake driver is running here"), "{error}");
}

/// A future that somebody polls, its output reduced to an error or not.
type Pending<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + 'a>>;

/// Every operation that waits for a silent connection.
fn waits<'a>(stream: &'a TcpStream, room: &'a mut [[u8; 4]; 2]) -> Vec<Pending<'a>> {
    let mut reader = stream;
    let [read, peek] = room;
    vec![
        Box::pin(async move { reader.read(read).await.map(drop) }),
        Box::pin(stream.readable()),
        Box::pin(async move { stream.ready(Interest::READABLE).await.map(drop) }),
        Box::pin(async move { stream.closed().await }),
        Box::pin(async move { stream.peek(peek).await.map(drop) }),
        Box::pin(poll_fn(|cx| stream.poll_read_ready(cx))),
    ]
}

// T79. Goal: whoever waits when the runtime goes is woken and gets an error; so does who would have
// to wait later; what needs no wait still works. Method: the futures are polled by another executor
// before and after.
#[test]
fn t79_pending_reads_end_with_an_error() {
    deadline(|| {
        let runtime = runtime();
        let (stream, mut peer) = runtime.block_on(pair());
        let mut room = [[0; 4]; 2];
        let mut waits = waits(&stream, &mut room);
        let counts: Vec<_> = waits.iter().map(|_| WakeCount::new()).collect();
        runtime.block_on(async {
            for (wait, count) in waits.iter_mut().zip(&counts) {
                assert!(count.poll(wait).is_pending());
            }
        });
        drop(runtime);
        for (mut wait, count) in waits.into_iter().zip(&counts) {
            assert!(count.wakes() > 0, "it waits for nothing any more");
            assert_shut(block_on(&mut wait));
        }
        // Later waits.
        assert_shut(block_on((&stream).read(&mut [0; 4])));
        assert_shut(block_on(stream.readable()));
        assert_shut(block_on(stream.writable()));
        assert_shut(block_on(stream.closed()));
        assert_shut(block_on(stream.ready(Interest::READABLE | Interest::WRITABLE)));
        // What does not wait.
        assert_eq!(stream.try_read(&mut [0; 4]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        peer.write_all(b"ping").expect("room");
        support::eventually("the data comes", || {
            stream.try_read(&mut [0; 4]).is_ok_and(|count| count == 4)
        });
        peer.write_all(b"more").expect("room");
        support::eventually("the data comes", || {
            // It need not wait, so it is no error.
            block_on((&stream).read(&mut [0; 4])).is_ok_and(|count| count == 4)
        });
        assert_eq!(stream.try_write(b"pong").expect("room"), 4);
        block_on((&stream).write_all(b"done")).expect("there is room, so it need not wait");
        peer.read_exact(&mut [0; 8]).expect("data");
        // Full, it would have to wait.
        assert_shut(block_on((&stream).write_all(&vec![0; 32 << 20])));
    });
}

// T79. Goal: the same for a listener and for a descriptor of `AsyncFd`.
#[test]
fn t79_pending_accepts_end_with_an_error() {
    deadline(|| {
        let runtime = runtime();
        let listener = runtime.block_on(listener());
        let (ours, _peer) = UnixStream::pair().expect("a pair");
        let ours = runtime.block_on(async { AsyncFd::new(ours).expect("it can be polled") });
        let counts = [(); 4].map(|()| WakeCount::new());
        let mut accept = Box::pin(listener.accept());
        let mut incoming = Box::pin(poll_fn(|cx| listener.poll_accept(cx)));
        let mut read = Box::pin(ours.async_io(Interest::READABLE, |mut s| s.read(&mut [0; 4])));
        let mut guard = Box::pin(ours.readable());
        runtime.block_on(async {
            assert!(counts[0].poll(&mut accept).is_pending());
            assert!(counts[1].poll(&mut incoming).is_pending());
            assert!(counts[2].poll(&mut read).is_pending());
            assert!(counts[3].poll(&mut guard).is_pending());
        });
        drop(runtime);
        assert!(counts.iter().all(|count| count.wakes() > 0), "{counts:?}");
        assert_shut(block_on(accept));
        assert_shut(block_on(incoming));
        assert_shut(block_on(read));
        assert_shut(block_on(guard));
        assert_shut(ours.readiness(Interest::READABLE));
        assert_eq!(listener.try_accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let peer = connect(&listener);
        let (_, from) = block_on(listener.accept()).expect("it is queued, so it need not wait");
        assert_eq!(from, peer.local_addr().expect("a socket"));
        // Taken out of the library, a descriptor is as good as new.
        let again = self::runtime();
        let mut ours = again.block_on(async { AsyncFd::new(ours.into_inner()) }).expect("free");
        again.block_on(ours.write_all(b"x")).expect("room");
    });
}

// T79. Goal: a connect that is under way when the runtime goes is woken and fails. Where the kernel
// completes it at once there is none under way.
#[test]
fn t79_a_pending_connect_ends_with_an_error() {
    deadline(|| {
        let (making, runtime) = (runtime(), runtime());
        let listener = making.block_on(listener());
        let address = listener.local_addr().expect("bound");
        let count = WakeCount::new();
        let mut connecting = Box::pin(TcpStream::connect(address));
        let connected = runtime.block_on(async { count.poll(&mut connecting).is_ready() });
        drop(runtime);
        if !connected {
            assert!(count.wakes() > 0);
            assert_shut(block_on(connecting));
        }
    });
}

// T79. Goal: a timer whose runtime has gone cannot return an error: it panics with a sentence that
// names the place where it was made, unless its deadline has passed.
#[test]
fn t79_a_pending_sleep_panics() {
    deadline(|| {
        let runtime = runtime();
        let count = WakeCount::new();
        let mut far = sleep(Duration::from_secs(3600));
        let mut near = sleep(Duration::from_millis(1));
        runtime.block_on(async {
            assert!(count.poll(&mut far).is_pending());
            assert!(count.poll(&mut near).is_pending());
        });
        drop(runtime);
        assert!(count.wakes() >= 2);
        let poll = AssertUnwindSafe(|| block_on(far));
        let panic = quietly("can never fire", || catch_unwind(poll)).expect_err("it cannot fire");
        assert!(message(&*panic).contains(file!()), "{}", message(&*panic));
        support::eventually("its deadline passes", || near.is_elapsed());
        assert!(matches!(count.poll(&mut near), Poll::Ready(())));
    });
}

// T79. Goal: an object that never had to wait is bound to no runtime: made in one that has gone, it
// waits in another; also from one thread to another.
#[test]
fn t79_objects_outlive_the_runtime_that_made_them() {
    deadline(|| {
        let first = runtime();
        let listener = first.block_on(listener());
        let (mut stream, mut peer) = first.block_on(accepted(&listener));
        drop(first);
        let (go, waits) = mpsc::channel();
        let elsewhere = thread::spawn(move || {
            runtime().block_on(async move {
                let mut text = [0; 4];
                stream.ready(Interest::WRITABLE).await.expect("a driver");
                let mut wait = Box::pin(listener.accept());
                assert!(WakeCount::new().poll(&mut wait).is_pending());
                drop(wait);
                go.send(()).expect("the test waits");
                stream.read_exact(&mut text).await.expect("data");
                stream.write_all(&text).await.expect("room");
                let (mut late, _) = listener.accept().await.expect("a connection");
                late.write_all(b"late").await.expect("room");
                (stream, listener)
            })
        });
        waits.recv().expect("both are registered there");
        peer.write_all(b"ping").expect("room");
        let mut text = [0; 4];
        peer.read_exact(&mut text).expect("the echo");
        assert_eq!(&text, b"ping");
        let address = peer.peer_addr().expect("connected");
        let mut late = std::net::TcpStream::connect(address).expect("it listens");
        late.read_exact(&mut text).expect("data");
        assert_eq!(&text, b"late");
        // Bound to the second one by now, and that has gone.
        let (stream, listener) = elsewhere.join().expect("no panic");
        assert_shut(block_on(stream.readable()));
        assert_shut(block_on(listener.accept()));
        assert_shut(runtime().block_on(stream.readable()));
    });
}

// Goal: an object that is made in one runtime and first awaited in another works there, while both
// live.
#[test]
fn objects_are_bound_where_they_first_wait() {
    deadline(|| {
        let (maker, user) = (runtime(), runtime());
        let (mut stream, mut peer) = maker.block_on(pair());
        peer.write_all(b"ping").expect("room");
        user.block_on(async {
            stream.readable().await.expect("a driver");
            stream.read_exact(&mut [0; 4]).await.expect("data");
        });
        drop(maker);
        peer.write_all(b"ping").expect("room");
        user.block_on(stream.read_exact(&mut [0; 4])).expect("data");
    });
}

// T77. Goal: without a runtime every operation that would have to wait says what is missing, and
// what need not wait works.
#[test]
fn t77_without_a_runtime_waiting_is_an_error() {
    deadline(|| {
        let listener = block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        assert_no_driver(block_on(listener.accept()));
        assert_no_driver(block_on(poll_fn(|cx| listener.poll_accept(cx))));
        let mut peer = connect(&listener);
        let (stream, _) = block_on(listener.accept()).expect("it is queued");
        let mut room = [[0; 4]; 2];
        for wait in waits(&stream, &mut room) {
            assert_no_driver(block_on(wait));
        }
        assert_no_driver(block_on(stream.writable()));
        assert_no_driver(block_on((&stream).write_all(&vec![0; 32 << 20])));
        let address = listener.local_addr().expect("bound");
        match block_on(TcpStream::connect(address)) {
            // Some kernels complete a loopback connect at once, and then there is no wait.
            Ok(_) => {}
            Err(error) => assert_no_driver::<()>(Err(error)),
        }
        let (ours, _other) = UnixStream::pair().expect("a pair");
        assert_no_driver(AsyncFd::new(ours));
        peer.write_all(b"ping").expect("room");
        support::eventually("the data comes", || {
            block_on((&stream).read(&mut [0; 4])).is_ok_and(|count| count == 4)
        });
        // It was refused, not spoilt: a runtime that comes later serves it.
        let later = runtime();
        peer.write_all(b"ping").expect("room");
        later.block_on((&stream).read_exact(&mut [0; 4])).expect("data");
        later.block_on(async {
            let mut wait = Box::pin(stream.readable());
            assert!(WakeCount::new().poll(&mut wait).is_pending());
            peer.write_all(b"x").expect("room");
            wait.await.expect("a driver");
        });
    });
}

// T77. Goal: a timer outside of a runtime panics with a sentence, also one that is over.
#[test]
fn t77_a_sleep_outside_of_a_runtime_panics() {
    for duration in [Duration::ZERO, Duration::from_secs(1)] {
        let panic = quietly("no edgewake runtime is running", || {
            catch_unwind(|| block_on(sleep(duration)))
        });
        let text = message(&*panic.expect_err("nothing could wake it"));
        assert!(text.contains("no edgewake runtime is running"), "{text}");
        assert!(text.contains(file!()), "{text}");
    }
}

// T79, T23. Goal: dropping a runtime inside another one's task, while its sockets are in use there,
// ends their waits with an error and not the outer one's.
#[test]
fn t79_a_runtime_dropped_inside_another() {
    deadline(|| {
        let outer = runtime();
        outer.block_on(async {
            let (mine, mut peer) = pair().await;
            let inner = runtime();
            let (ours, _other) = UnixStream::pair().expect("a pair");
            let handle = inner.handle();
            // The inner one cannot run here, but its tasks and sockets can be made from outside.
            let task = handle.spawn(async move { AsyncFd::new(ours).map(drop) });
            drop(inner);
            assert!(task.await.expect_err("never run").is_cancelled());
            let count = WakeCount::new();
            let mut wait = Box::pin(mine.readable());
            assert!(count.poll(&mut wait).is_pending());
            peer.write_all(b"x").expect("room");
            wait.await.expect("its own runtime lives");
        });
    });
}
