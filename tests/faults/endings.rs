//! Endings: futures that are dropped while they wait, and a runtime that is dropped under its
//! tasks.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use edgewake::{
    Runtime,
    net::{TcpListener, TcpStream, UdpSocket, UnixStream},
    spawn_blocking, spawn_local,
    time::sleep,
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    os,
    peer::pattern,
    sweep::{Outcomes, Scenario, both, drive, dropped_once, task},
    tcp,
};

pub(crate) static CANCELLED: Scenario = Scenario::new("cancellation", cancelled);
pub(crate) static SHUTDOWN: Scenario = Scenario::new("shutdown", shutdown);

/// Every future that has to wait is dropped and made again.
fn cancelled(runtime: &Runtime) -> Outcomes {
    drive(runtime, async {
        let (listener, address) = match tcp::bound().await {
            Ok(bound) => bound,
            Err(error) => return vec![Err(error)],
        };
        let mut outcomes = both(exchange(address), serve(listener)).await;
        outcomes.push(messages().await);
        outcomes
    })
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    let (mut stream, _) = dropped_once!(listener.accept())?;
    let mut room = [0; 512];
    loop {
        dropped_once!(stream.readable())?;
        let count = dropped_once!(stream.read(&mut room))?;
        if count == 0 {
            return Ok(());
        }
        let mut sent = 0;
        while sent < count {
            dropped_once!(stream.writable())?;
            sent += dropped_once!(stream.write(&room[sent..count]))?;
        }
    }
}

async fn exchange(address: SocketAddr) -> io::Result<()> {
    // An attempt that is dropped is a connection that may come about all the same: the server takes
    // one only, so this one is awaited.
    let mut stream = TcpStream::connect(address).await?;
    for seed in 1..=3 {
        let message = pattern(seed, 400);
        stream.write_all(&message).await?;
        let mut back = Vec::new();
        while back.len() < message.len() {
            let mut room = [0; 300];
            let count = dropped_once!(stream.read(&mut room))?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            back.extend_from_slice(&room[..count]);
        }
        assert!(back == message, "a dropped read took bytes with it");
    }
    Ok(())
}

/// A message, and a descriptor beside one, that come after who waited for them was dropped.
async fn messages() -> io::Result<()> {
    use std::os::fd::AsFd;
    let (here, there) =
        (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    let (to, mut room) = (there.local_addr()?, [0; 16]);
    let mut later = task(async move {
        sleep(Duration::from_millis(1)).await;
        here.send_to(b"late", to).await
    });
    let received = async {
        let (length, _) = dropped_once!(there.recv_from(&mut room))?;
        assert_eq!(&room[..length], b"late");
        Ok(())
    };
    let sent = async { later.outcome().await.expect("nobody aborts it") };
    futures::try_join!(sent, received)?;
    let (one, other) = UnixStream::pair()?;
    let (mut bytes, mut fds) = ([0; 8], Vec::new());
    let wait = Duration::from_millis(2);
    let start = Instant::now();
    dropped_once!(sleep(wait));
    assert!(start.elapsed() >= wait, "a sleep ended early");
    let give = async { one.send_with_fds(b"fd", &[one.as_fd()]).await };
    let take = async { dropped_once!(other.recv_with_fds(&mut bytes, &mut fds)) };
    let (taken, _) = futures::try_join!(take, give)?;
    assert_eq!((taken.length > 0, fds.len()), (true, 1), "a dropped receive took a descriptor");
    Ok(())
}

/// A runtime is dropped while its tasks wait for everything that there is to wait for. What waits
/// on it from elsewhere gets an error, and nothing of the tasks is left.
fn shutdown(outer: &Runtime) -> Outcomes {
    let inner = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Err(error)],
    };
    let made = inner.block_on(async {
        let (listener, address) = tcp::bound().await?;
        let (stream, accepted) =
            futures::try_join!(TcpStream::connect(address), listener.accept())?;
        let (mut pair, other) = UnixStream::pair()?;
        drop(spawn_local(async move { pair.read(&mut [0; 8]).await }));
        drop(spawn_local(async move { listener.accept().await }));
        drop(spawn_local(async { sleep(Duration::from_secs(1000)).await }));
        drop(spawn_local(async { spawn_blocking(|| ()).await }));
        let waiting = spawn_local(async move { (&stream).read(&mut [0; 8]).await });
        for _ in 0..3 {
            edgewake::yield_now().await;
        }
        waiting.abort();
        // Has it wait once on this runtime, so that it stays there.
        let (mut accepted, mut room) = (accepted.0, [0; 8]);
        if let Some(Ok(count)) = crate::sweep::once(accepted.read(&mut room)).await {
            assert_eq!(count, 0, "bytes from nowhere");
        }
        Ok((accepted, other))
    });
    drop(inner);
    let (mut accepted, other) = match made {
        Ok(made) => made,
        Err(error) => return vec![Err(error)],
    };
    drive(outer, async {
        let mut outcomes = vec![Ok(())];
        // Its task has gone, and its other end with it.
        match accepted.read(&mut [0; 8]).await {
            Ok(count) => assert_eq!(count, 0, "bytes from nowhere"),
            Err(error) => {
                let code = error.raw_os_error();
                assert!(
                    error.kind() == io::ErrorKind::BrokenPipe || code.is_some(),
                    "another error: {error}"
                );
                if code.is_some_and(|code| code != os::errno::EPIPE) {
                    outcomes.push(Err(error));
                }
            }
        }
        match (&other).read(&mut [0; 8]).await {
            Ok(count) => assert_eq!(count, 0, "bytes from nowhere"),
            Err(error) => outcomes.push(Err(error)),
        }
        outcomes
    })
}
