//! Who is at the other end, and who has sent.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    fs,
    io::{self, IoSlice, IoSliceMut},
    os::unix::fs::MetadataExt,
};

use edgewake::net::{
    UnixDatagram, UnixListener, UnixSeqpacket, UnixSeqpacketListener, UnixStream,
    unix::{Control, Credentials, Message, SendControl},
};
use tcp::{kind, run};
use unix::{LINUX, SocketPath, connection};

/// Which of the systems tells no process id.
const HAS_PID: bool = cfg!(not(target_os = "dragonfly"));

/// Storage for the credentials of any system, DragonFly's with its groups the largest.
fn storage() -> Control {
    Control::with_capacity(256)
}

fn credentials_in(control: &mut Control) -> Option<Credentials> {
    control.messages().find_map(|message| match message {
        Message::Credentials(who) => Some(who),
        _ => None,
    })
}

#[track_caller]
fn assert_own(found: Credentials, uid: u32, gid: u32) {
    assert_eq!((found.uid, found.gid), (uid, gid));
    if HAS_PID {
        assert_eq!(found.pid, i32::try_from(std::process::id()).ok());
    }
}

/// The effective user and group of this process. Method: those of a file that it has just made; of
/// the group that is so on Linux only, where the folder has no set-group-id bit.
fn effective() -> (u32, u32) {
    let path = SocketPath::new();
    fs::write(&*path, b"").expect("a file");
    let found = fs::metadata(&*path).expect("the file");
    (found.uid(), if LINUX { found.gid() } else { Credentials::own().gid })
}

// Goal: both ends of a connection know who is at the other, of streams and of seqpackets.
#[test]
fn peer_of_a_connection() {
    run(|| async {
        let (uid, gid) = effective();
        let (client, server) = connection().await;
        assert_own(client.peer_credentials().unwrap(), uid, gid);
        assert_own(server.peer_credentials().unwrap(), uid, gid);
        let path = SocketPath::new();
        if cfg!(target_vendor = "apple") {
            return;
        }
        let listener = UnixSeqpacketListener::bind(&*path).unwrap();
        let client = UnixSeqpacket::connect(&*path).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        assert_own(client.peer_credentials().unwrap(), uid, gid);
        assert_own(server.peer_credentials().unwrap(), uid, gid);
    });
}

// Goal: of a pair and of datagrams Linux tells too; a socket that has no peer is an error.
#[test]
fn peer_of_others() {
    run(|| async {
        let (uid, gid) = effective();
        if LINUX {
            let (here, there) = UnixStream::pair().unwrap();
            assert_own(here.peer_credentials().unwrap(), uid, gid);
            assert_own(there.peer_credentials().unwrap(), uid, gid);
            let (datagram, _peer) = UnixDatagram::pair().unwrap();
            assert_own(datagram.peer_credentials().unwrap(), uid, gid);
        }
        let alone = UnixDatagram::unbound().unwrap();
        alone.peer_credentials().unwrap_err();
    });
}

// Goal: a receiver that asks for them gets the sender's credentials, though the sender does nothing
// for it; where the system cannot, asking is Unsupported by name.
#[test]
fn credentials_on_request() {
    run(|| async {
        let (here, there) = UnixDatagram::pair().unwrap();
        match there.set_pass_credentials(true) {
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::Unsupported);
                assert!(error.to_string().contains("SO_PASSCRED"), "{error}");
                return;
            }
            Ok(()) => assert!(there.pass_credentials().unwrap()),
        }
        here.send(b"who is it?").await.unwrap();
        let mut buffer = [0; 64];
        let mut control = storage();
        let mut data = [IoSliceMut::new(&mut buffer)];
        let received = there.recv_message(&mut data, &mut control).await.unwrap();
        assert_eq!(received.length, 10);
        let own = Credentials::own();
        let found = credentials_in(&mut control).expect("credentials");
        assert_eq!((found.uid, found.gid), (own.uid, own.gid));
    });
}

// Goal: over a stream too, beside the bytes that they belong to (Linux: beside all of them).
#[test]
fn credentials_beside_a_stream() {
    run(|| async {
        let (here, there) = UnixStream::pair().unwrap();
        if there.set_pass_credentials(true).is_err() {
            return;
        }
        let own = Credentials::own();
        assert_eq!(here.try_write(b"bytes").unwrap(), 5);
        let mut buffer = [0; 64];
        let mut control = storage();
        let mut data = [IoSliceMut::new(&mut buffer)];
        assert_eq!(there.recv_message(&mut data, &mut control).await.unwrap().length, 5);
        let found = credentials_in(&mut control).expect("credentials");
        assert_eq!((found.uid, found.gid), (own.uid, own.gid));
    });
}

// Goal: a sender can attach its own credentials; claiming another's process takes privilege, and is
// refused or granted, but never cut.
#[test]
fn credentials_that_are_sent() {
    run(|| async {
        let (here, there) = UnixDatagram::pair().unwrap();
        let mut claim = SendControl::new();
        let own = Credentials::own();
        if let Err(error) = claim.push_credentials(own) {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            return;
        }
        if LINUX {
            there.set_pass_credentials(true).unwrap();
        }
        here.send_message(&[IoSlice::new(b"it is me")], &claim).await.unwrap();
        let mut buffer = [0; 64];
        let mut control = storage();
        let mut data = [IoSliceMut::new(&mut buffer)];
        there.recv_message(&mut data, &mut control).await.unwrap();
        assert_eq!(credentials_in(&mut control), Some(own));

        if LINUX {
            let mut lie = SendControl::new();
            // A process that is not there, which nobody may claim to be, not even the privileged.
            lie.push_credentials(Credentials::new(Some(i32::MAX), own.uid, own.gid)).unwrap();
            let outcome = here.send_message(&[IoSlice::new(b"a lie")], &lie).await;
            assert!(outcome.is_err(), "{outcome:?}");
            assert_eq!(kind(there.try_recv(&mut buffer)), io::ErrorKind::WouldBlock);
        }
    });
}

// Goal: what a listener asks for, its connections have (Linux), so that nothing slips by between
// accepting and asking.
#[test]
fn listeners_pass_it_on() {
    run(|| async {
        let path = SocketPath::new();
        let listener = UnixListener::bind(&*path).unwrap();
        let option = edgewake::net::sockopt::PASS_CREDENTIALS;
        if !LINUX || listener.set_option(&option, true).is_err() {
            return;
        }
        let client = UnixStream::connect(&*path).await.unwrap();
        client.try_write(b"early").unwrap();
        let (server, _) = listener.accept().await.unwrap();
        assert!(server.pass_credentials().unwrap());
        let mut buffer = [0; 64];
        let mut control = storage();
        let mut data = [IoSliceMut::new(&mut buffer)];
        server.recv_message(&mut data, &mut control).await.unwrap();
        assert!(credentials_in(&mut control).is_some());
    });
}
