//! Sockets between virtual machines, as far as one machine can try them: the listener, addresses,
//! errors; the stream's face over a pair of Unix sockets, which it takes as any stream socket; and
//! a connection of the machine with itself, where the kernel has `vsock_loopback`.

#![cfg(all(feature = "net", feature = "time"))]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod support;

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    time::Duration,
};

use edgewake::{
    Runtime,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{VsockAddr, VsockListener, VsockStream, vsock},
    time::timeout,
};
use support::{assert_debug, assert_send, assert_sync, deadline};

/// What says that this machine has no such sockets, or no driver for them.
fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::ENODEV))
}

/// A listener on a port of the system's choice, or nothing where there is no such thing.
async fn listener() -> Option<VsockListener> {
    let address = VsockAddr::new(VsockAddr::ANY, VsockAddr::ANY_PORT);
    match VsockListener::bind(address).await {
        Ok(listener) => Some(listener),
        Err(error) if is_absent(&error) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn pair() -> (VsockStream, VsockStream) {
    let (first, second) = UnixStream::pair().unwrap();
    let take = |socket| VsockStream::try_from(OwnedFd::from(socket)).unwrap();
    (take(first), take(second))
}

// Goal: the listener has the port that the system chose, and has nothing to accept; a second one
// on that port is refused.
#[test]
fn a_listener_is_bound_and_empty() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let Some(listener) = listener().await else { return };
            let address = listener.local_addr().unwrap();
            assert_eq!(address.cid(), VsockAddr::ANY);
            assert_ne!(address.port(), VsockAddr::ANY_PORT);
            let nobody = listener.try_accept().unwrap_err();
            assert_eq!(nobody.kind(), io::ErrorKind::WouldBlock, "{nobody}");
            assert!(futures::poll!(Box::pin(listener.accept())).is_pending());
            let taken = VsockListener::bind(address).await.unwrap_err();
            assert_eq!(taken.kind(), io::ErrorKind::AddrInUse, "{taken}");
            let listener = VsockListener::try_from(OwnedFd::from(listener)).unwrap();
            assert_eq!(listener.local_addr().unwrap(), address);
        });
    });
}

// Goal: a connection of the machine with itself carries bytes both ways and says who is there.
#[test]
fn a_machine_connects_with_itself() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let Some(listener) = listener().await else { return };
            let port = listener.local_addr().unwrap().port();
            let connect = VsockStream::connect(VsockAddr::new(VsockAddr::LOCAL, port));
            let mut client = match timeout(Duration::from_secs(5), connect).await {
                Ok(Ok(client)) => client,
                Ok(Err(error)) => return eprintln!("skipped, no vsock_loopback: {error}"),
                Err(_) => return eprintln!("skipped, no vsock_loopback: no answer"),
            };
            let (mut server, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            assert_eq!(client.peer_addr().unwrap().port(), port);
            client.write_all(b"ping").await.unwrap();
            let mut bytes = [0; 4];
            server.read_exact(&mut bytes).await.unwrap();
            server.write_all(&bytes).await.unwrap();
            server.close().await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer, b"ping");
        });
    });
}

// Goal: a connect to where nobody can be ends with an error, and can be given up before that.
#[test]
fn a_connect_to_nowhere_fails_or_is_given_up() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let nowhere = VsockAddr::new(0x7fff_fff0, 1);
            let mut first = Box::pin(VsockStream::connect(nowhere));
            if let std::task::Poll::Ready(outcome) = futures::poll!(&mut first) {
                outcome.unwrap_err();
            }
            drop(first);
            VsockStream::connect(nowhere).await.unwrap_err();
        });
    });
}

// Goal: the stream reads, waits, splits and shuts down as every stream does.
#[test]
fn a_stream_has_the_face_of_a_stream() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let (mut client, mut server) = pair();
            let reader = edgewake::spawn(async move {
                let mut received = Vec::new();
                let (mut read, _write) = VsockStream::split(&mut server);
                read.read_to_end(&mut received).await.unwrap();
                received
            });
            client.write_all(b"before ").await.unwrap();
            edgewake::yield_now().await;
            let (read, mut write) = client.into_split();
            write.write_all(b"after").await.unwrap();
            write.close().await.unwrap();
            let client = read.reunite(write).unwrap();
            assert_eq!(reader.await.unwrap(), b"before after");
            client.closed().await.unwrap();
            assert_eq!(client.try_read(&mut [0; 8]).unwrap(), 0);
        });
    });
}

// Goal: an address of another family is an error, and what does not listen is no listener.
#[test]
fn foreign_sockets_are_errors() {
    deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let (stream, _other) = pair();
            stream.local_addr().unwrap_err();
            stream.peer_addr().unwrap_err();
            let error = VsockListener::try_from(OwnedFd::from(stream)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        });
    });
}

// Goal: the machine's identifier is told, or why not.
#[test]
fn the_local_identifier_is_told() {
    match vsock::local_cid() {
        Ok(cid) => assert_ne!(cid, VsockAddr::LOCAL),
        Err(error) => assert!(
            matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::NotFound)
                || error.kind() == io::ErrorKind::PermissionDenied,
            "{error}"
        ),
    }
}

#[test]
fn types_are_send_sync_and_debug() {
    assert_send::<VsockStream>();
    assert_sync::<VsockStream>();
    assert_debug::<VsockStream>();
    assert_send::<VsockListener>();
    assert_sync::<VsockListener>();
    assert_debug::<VsockListener>();
}
