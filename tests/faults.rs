//! The Nth system call fails, or comes short: a connection is made, three messages are echoed, it
//! is closed, and this is repeated until no call is left to strike.
//!
//! Whatever call is struck: nothing hangs, nothing panics, no byte is lost or doubled, the error
//! that comes out is the one that went in, no descriptor is left open, and the next connection
//! works. Runs with `RUSTFLAGS="--cfg edgewake_faults"`.
//!
//! A struck call is not made. So it fails only with what the kernel says of calls that have done
//! nothing: not with `EINTR` of a connect, which goes on, nor with `EAGAIN`, which promises an
//! edge.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(edgewake_faults)]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    io::{self, Read, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use edgewake::{
    Runtime,
    net::{TcpListener, TcpStream},
    spawn_local,
    time::timeout,
};
use edgewake_sys::faults::{Action, Plan, install};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    os::errno::{
        EADDRINUSE, EADDRNOTAVAIL, ECONNABORTED, ECONNREFUSED, ECONNRESET, EINTR, EINVAL, EMFILE,
        ENFILE, ENOBUFS, ENOMEM, ENOSPC, ENOSYS, EPERM, EPIPE,
    },
    peer::pattern,
    support::deadline,
};

/// The tests count the descriptors of the process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the system may say to a call that it has not made.
fn plausible(call: &str) -> &'static [i32] {
    match call {
        "recv" | "read" | "readv" => &[EINTR, ECONNRESET, ENOMEM, ENOBUFS],
        "send" | "write" | "sendmsg" => &[EINTR, ECONNRESET, EPIPE, ENOMEM, ENOBUFS],
        "accept" | "accept4" => &[EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM],
        "socket" => &[EMFILE, ENFILE, ENOBUFS, ENOMEM],
        "connect" => &[ECONNREFUSED, EADDRNOTAVAIL, ENOBUFS],
        "bind" => &[EADDRINUSE, EADDRNOTAVAIL],
        "listen" => &[EADDRINUSE],
        "epoll_create1" | "eventfd" | "pipe" | "pipe2" | "kqueue" | "kqueue1" => {
            &[EMFILE, ENFILE, ENOMEM]
        }
        "epoll_ctl" => &[ENOMEM, ENOSPC],
        "epoll_wait" => &[EINTR],
        "epoll_pwait2" => &[EINTR, ENOSYS, EPERM],
        // A wait or a list of changes: only the latter can want memory.
        "kevent" | "kevent_wait" => &[EINTR],
        "shutdown" => &[ENOBUFS],
        "fcntl" | "setsockopt" | "getsockopt" | "getsockname" | "getpeername" => &[EINVAL, ENOBUFS],
        other => panic!("what can go wrong with {other}?"),
    }
}

/// Whether the library deals with it, so that nobody above learns of it.
fn is_absorbed(call: &str, errno: i32) -> bool {
    errno == EINTR || call == "epoll_pwait2" || call.starts_with("accept")
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut room = [0; 4096];
    loop {
        match stream.read(&mut room).await? {
            0 => return stream.close().await,
            count => stream.write_all(&room[..count]).await?,
        }
    }
}

async fn echo(address: std::net::SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    for (seed, length) in [(1, 1), (2, 3000), (3, 50_000)] {
        let message = pattern(seed, length);
        let mut back = vec![0; length];
        // Together: neither side's buffer need hold all of it.
        let (mut reader, mut writer) = (&stream, &stream);
        let read = async { reader.read_exact(&mut back).await };
        futures::try_join!(writer.write_all(&message), read)?;
        assert!(back == message, "message {seed} came back changed");
    }
    stream.close().await?;
    assert_eq!(stream.read(&mut [0; 8]).await?, 0, "nothing comes after the end");
    Ok(())
}

/// Both ends on this thread. Returns what each came to.
async fn connection() -> [io::Result<()>; 2] {
    let listener = match TcpListener::bind("127.0.0.1:0").await {
        Ok(listener) => listener,
        Err(error) => return [Err(error), Ok(())],
    };
    let address = match listener.local_addr() {
        Ok(address) => address,
        Err(error) => return [Err(error), Ok(())],
    };
    let server = spawn_local(async move { serve(listener.accept().await?.0).await });
    let client = echo(address).await;
    if client.is_err() && !server.is_finished() {
        // It may be waiting for a connection that was never made.
        server.abort();
    }
    let server = match server.await {
        Ok(outcome) => outcome,
        Err(ended) => {
            assert!(ended.is_cancelled(), "the server panicked");
            Ok(())
        }
    };
    [client, server]
}

/// Runs the scenario once, with the `nth` call struck by `errno`. Returns the call, if there was
/// one.
fn strike(nth: u64, errno: i32) -> Option<&'static str> {
    let before = os::open_descriptors();
    let plan = install(Plan { call: None, nth, action: Action::Fail(errno) });
    let runtime = Runtime::new();
    let outcomes = match &runtime {
        Ok(runtime) => {
            let run = runtime.block_on(timeout(Duration::from_secs(20), connection()));
            run.unwrap_or_else(|_| panic!("hangs: call {nth}, {:?}, {errno}", plan.struck()))
        }
        Err(error) => [Err(io::Error::from_raw_os_error(error.raw_os_error()?)), Ok(())],
    };
    let struck = plan.struck();
    drop(plan);
    let what = format!("call {nth}, {struck:?}, {}", io::Error::from_raw_os_error(errno));
    let failed = outcomes.iter().any(|outcome| outcome.is_err());
    match struck {
        None => assert!(!failed, "{what}: {outcomes:?}"),
        Some(call) if is_absorbed(call, errno) => assert!(!failed, "{what}: {outcomes:?}"),
        Some(_) if failed => {
            let told = |outcome: &io::Result<()>| {
                outcome.as_ref().is_err_and(|error| error.raw_os_error() == Some(errno))
            };
            assert!(outcomes.iter().any(told), "{what}: {outcomes:?}");
        }
        Some(_) => {}
    }
    if let Ok(runtime) = &runtime {
        let again = runtime.block_on(timeout(Duration::from_secs(20), connection()));
        let again = again.unwrap_or_else(|_| panic!("the next connection hangs: {what}"));
        assert!(again.iter().all(|outcome| outcome.is_ok()), "the next one: {what}: {again:?}");
    }
    drop(runtime);
    assert_eq!(os::open_descriptors(), before, "{what}");
    struck
}

// T24, T33, T57, T72. Goal: see the head of this file. Method: a first sweep learns the names of
// the calls, a second one strikes each with all that it could say.
#[test]
#[allow(clippy::print_stdout, reason = "the number shows that the sweep was none of nothing")]
fn t24_every_call_of_a_connection_may_fail() {
    let _alone = alone();
    deadline(|| {
        let mut calls = Vec::new();
        loop {
            let plan = install(Plan {
                call: None,
                nth: calls.len() as u64 + 1,
                action: Action::Fail(EINVAL),
            });
            // Only to learn its name: what becomes of it is the next sweep's question.
            if let Ok(runtime) = Runtime::new() {
                let run = timeout(Duration::from_secs(20), connection());
                let _whatever = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    support::quietly("ask the kernel for events", || runtime.block_on(run))
                }));
            }
            match plan.struck() {
                Some(call) => calls.push(call),
                None => break,
            }
        }
        let mut survived = 0;
        for (index, call) in calls.iter().enumerate() {
            for errno in plausible(call) {
                let struck = strike(index as u64 + 1, *errno);
                survived += usize::from(struck.is_some());
            }
        }
        let mut names = calls.clone();
        names.sort_unstable();
        names.dedup();
        println!("survived {survived} failures of {} calls: {names:?}", calls.len());
        assert!(survived > 60, "the sweep found only {survived} calls to strike");
    });
}

/// One connection of a server here, whose client is nobody that a plan could strike.
fn serve_one(most: usize, nth: u64, call: &'static str) -> Option<&'static str> {
    let runtime = Runtime::new().expect("no plan is installed");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let mut client = peer::connect(&listener);
    let plan = install(Plan { call: Some(call), nth, action: Action::Short(most) });
    let message = pattern(9, 20_000);
    let elsewhere = thread::spawn({
        let message = message.clone();
        move || {
            for piece in message.chunks(3001) {
                client.write_all(piece).expect("it reads");
                let mut back = vec![0; piece.len()];
                client.read_exact(&mut back).expect("it answers");
                assert!(back == piece, "changed on its way");
            }
        }
    });
    runtime.block_on(async {
        let (stream, _) = listener.accept().await.expect("not struck");
        // A cut read leaves data behind as only urgent data or kernel TLS would.
        stream.read_until_would_block();
        timeout(Duration::from_secs(20), serve(stream)).await.expect("no hang").expect("no error");
    });
    elsewhere.join().expect("no panic");
    plan.struck()
}

// T1, T4. Goal: a transfer that comes short, whichever it is, is continued where it ended. Method:
// the server's reads, and its writes, which never had to wait and so were never promised an edge.
#[test]
#[allow(clippy::print_stdout, reason = "the number shows that the sweep was none of nothing")]
fn t04_every_transfer_may_come_short() {
    let _alone = alone();
    deadline(|| {
        let mut survived = 0;
        for call in ["recv", "send"] {
            for most in [1, 1000] {
                let mut nth = 1;
                while serve_one(most, nth, call).is_some() {
                    nth += 1;
                    survived += 1;
                }
            }
        }
        println!("survived {survived} short transfers");
        assert!(survived >= 28, "seven messages, read and written, cut twice: {survived}");
    });
}
