//! T85. Futures that are large beside the stack of those who spawn and run them.
//!
//! What holds: a future is polled and dropped in place, so running it needs no stack for it at
//! all. Spawning it moves it, in unoptimised code by a copy each time: measured on x86-64 Linux
//! with rustc 1.95, five times its size from the caller's expression to its place (ten before it
//! was boxed on the way), of which two are the caller's own. `block_on` takes three. Whoever has
//! less room makes the future inside a box.
//!
//! An overflow ends the process: then this file fails as a whole.

mod support;

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    thread,
};

use edgewake::{JoinHandle, Runtime, spawn, spawn_local, yield_now};

use crate::support::deadline;

const MIB: usize = 1 << 20;
const SIZE: usize = 64 * 1024;

/// A future that holds `SIZE` bytes across a wait, and returns them.
async fn large(seed: u8) -> [u8; SIZE] {
    let mut bytes = [seed; SIZE];
    yield_now().await;
    bytes[SIZE - 1] ^= 1;
    bytes
}

// T85. Goal: a large future with a large output can be spawned, awaited, aborted and dropped with
// the runtime on a stack that holds it some thirty times (2 MiB), in a build without optimisation.
#[test]
fn t85_a_large_future_fits_a_small_stack() {
    deadline(|| {
        let small = thread::Builder::new().stack_size(32 * SIZE).spawn(|| {
            let runtime = Runtime::new().expect("a runtime");
            let awaited = runtime.spawn(large(7));
            let aborted = runtime.spawn_local(large(8));
            runtime.block_on(async {
                let bytes = awaited.await.expect("no panic");
                assert_eq!((bytes[0], bytes[SIZE - 1]), (7, 6));
                aborted.abort();
                let _finished_or_cancelled = aborted.await.map(|bytes| bytes[0]);
            });
            drop(runtime.spawn(large(9)));
        });
        small.expect("a thread").join().expect("no panic");
    });
}

/// Each in a function of its own, as below.
const BLOCKING_WAYS: [fn(&Runtime); 3] = [
    |runtime| {
        let large = [7_u8; SIZE];
        let read = runtime.spawn_blocking(move || large[SIZE - 1]);
        assert_eq!(runtime.block_on(read).expect("no panic"), 7);
    },
    |runtime| {
        let made = runtime.spawn_blocking(|| [7_u8; SIZE]);
        assert_eq!(runtime.block_on(made).expect("no panic")[SIZE - 1], 7);
    },
    |runtime| {
        let large = [7_u8; SIZE];
        runtime.spawn_blocking(move || large[SIZE - 1]).abort();
    },
];

// T85. Goal: a large closure that may block, and one with a large output, are run and aborted from
// a stack that holds them some thirty times, by a thread of the pool whose stack is as large.
#[test]
fn t85_a_large_closure_fits_a_small_stack() {
    deadline(|| {
        for way in BLOCKING_WAYS {
            on_a_stack((32 * SIZE) >> 10, move || way(&Runtime::new().expect("a runtime")));
        }
    });
}

// T85. Goal: waiting for a socket adds little to the future that waits: hundreds of bytes, not
// thousands, however deeply it is nested.
#[cfg(feature = "net")]
#[test]
fn t85_waiting_is_a_small_future() {
    use edgewake::net::TcpStream;

    async fn read(stream: &TcpStream) -> std::io::Result<()> {
        stream.readable().await?;
        stream.peek(&mut [0; 1]).await.map(drop)
    }
    let size = |future: &dyn Future<Output = std::io::Result<()>>| size_of_val(future);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let stream = std::net::TcpStream::connect(listener.local_addr().expect("bound"));
    let stream = TcpStream::try_from(stream.expect("it listens")).expect("a socket");
    assert!(size(&read(&stream)) <= 256, "{}", size(&read(&stream)));
    assert!(size(&stream.readable()) <= 64, "{}", size(&stream.readable()));
    assert!(size(&stream.closed()) <= 128, "{}", size(&stream.closed()));
}

/// Pending twice, then ready with how often it was polled.
struct Large {
    polls: usize,
    ballast: [u8; MIB],
}

impl Large {
    const NEW: Large = Large { polls: 0, ballast: [1; MIB] };
}

impl Future for Large {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        self.polls += 1;
        let last = self.polls;
        self.ballast[MIB - last] = 0;
        if self.polls < 3 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.ballast.iter().rev().take_while(|byte| **byte == 0).count())
    }
}

/// Runs `body` on a stack of so many KiB.
#[track_caller]
fn on_a_stack<R: Send + 'static>(kib: usize, body: impl FnOnce() -> R + Send + 'static) -> R {
    let thread = thread::Builder::new().stack_size(kib << 10).spawn(body);
    thread.expect("a thread").join().expect("no panic")
}

/// Each way to spawn it in a function of its own: unoptimised code gives a function stack for all
/// its expressions at once.
const WAYS: [fn(&Runtime) -> JoinHandle<usize>; 4] = [
    |runtime| runtime.spawn(Large::NEW),
    |runtime| runtime.spawn_local(Large::NEW),
    |runtime| runtime.handle().spawn(Large::NEW),
    |runtime| runtime.spawn(Box::pin(Large::NEW)),
];

// T85. Goal: a future of 1 MiB is spawned from a stack of 8 MiB, which a main thread has, in every
// way there is.
#[test]
fn t85_a_large_future_is_spawned_from_a_main_threads_stack() {
    on_a_stack(8 << 10, || {
        let runtime = Runtime::new().expect("a runtime");
        for way in WAYS {
            let task = way(&runtime);
            assert_eq!(runtime.block_on(task).expect("not cancelled"), 3);
        }
        let free: [fn() -> JoinHandle<usize>; 2] =
            [|| spawn(Large::NEW), || spawn_local(Large::NEW)];
        for way in free {
            let count = runtime.block_on(async move { way().await });
            assert_eq!(count.expect("not cancelled"), 3);
        }
    });
}

// T85. Goal: `block_on` takes one, too.
#[test]
fn t85_block_on_takes_a_large_future() {
    on_a_stack(8 << 10, || {
        let runtime = Runtime::new().expect("a runtime");
        assert_eq!(runtime.block_on(Large::NEW), 3);
    });
}

// T85. Goal: whoever polls, aborts or drops a large future needs no stack for it. Method: it is
// made on a large stack and sent to a runtime on a small one.
#[test]
fn t85_a_large_future_runs_on_a_small_stack() {
    let outcomes = on_a_stack(256, || {
        let runtime = Runtime::new().expect("a runtime");
        let handle = runtime.handle();
        let tasks = on_a_stack(32 << 10, move || [(); 3].map(|()| handle.spawn(Large::NEW)));
        let [polled, aborted, left] = tasks;
        aborted.abort();
        let count = runtime.block_on(polled).expect("not cancelled");
        let error = runtime.block_on(aborted).expect_err("it was aborted");
        drop(runtime);
        (count, error.is_cancelled(), left.is_finished())
    });
    assert_eq!(outcomes, (3, true, true));
}
