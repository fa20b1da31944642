//! Which threads the library starts: none, but for what can only block.
//!
//! One test: it counts the threads of the process, which only Linux tells.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(target_os = "linux")]

mod support;

use std::{fs, time::Duration};

use edgewake::{
    Runtime,
    io::{self, AsyncReadExt, AsyncWriteExt, pipe},
    net::{TcpListener, TcpStream, UdpSocket, UnixStream, lookup_host},
    spawn,
    time::{sleep, timeout},
};
use support::deadline;

/// The names of the process's threads.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("proc is mounted");
    tasks
        // None for one that ends between the list and the look.
        .filter_map(|task| fs::read_to_string(task.expect("a thread").path().join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .collect()
}

async fn everything_that_does_not_block() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("bound").to_string();
    let server = spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (mut reader, mut writer) = (&stream, &stream);
        io::copy(&mut reader, &mut writer).await.expect("an echo")
    });
    let mut client = TcpStream::connect(&address).await.expect("it listens");
    client.write_all(b"ping").await.expect("room");
    client.close().await.expect("no error");
    client.read_exact(&mut [0; 4]).await.expect("the echo");
    assert_eq!(server.await.expect("no panic"), 4);
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let wait = timeout(Duration::from_millis(1), silent.recv(&mut [0; 4])).await;
    wait.expect_err("nobody sends");
    sleep(Duration::from_millis(1)).await;
    let _held = (UnixStream::pair().expect("a pair"), pipe::pipe().expect("a pipe"));
}

// Goal: sockets, pipes, timers, tasks and addresses that need no look-up start no thread; a name
// starts one, which says whose it is; and it goes with its runtime.
#[test]
fn only_what_blocks_starts_a_thread() {
    deadline(|| {
        let before = threads();
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(everything_that_does_not_block());
        assert_eq!(threads(), before);
        runtime.block_on(lookup_host("localhost:80")).expect("it is known").count();
        let after = threads();
        assert_eq!(after.len(), before.len() + 1, "{after:?}");
        assert!(after.iter().any(|name| name == "edgewake-pool"), "{after:?}");
        drop(runtime);
        support::eventually("the thread ends", || threads() == before);
    });
}
