//! Futures that are large beside the stack: spawning moves them a few times and no more.

mod support;

use std::thread;

use edgewake::{Runtime, net::TcpStream, yield_now};

use crate::support::deadline;

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

// T85. Goal: waiting for a socket adds little to the future that waits: hundreds of bytes, not
// thousands, however deeply it is nested.
#[test]
fn t85_waiting_is_a_small_future() {
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
