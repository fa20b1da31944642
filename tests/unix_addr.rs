//! UnixAddr on real sockets: what is bound is what is told, in every form and on each system.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use edgewake::net::{UnixAddr, UnixListener, UnixStream};
use tcp::{kind, run};
use unix::{LINUX, SocketPath};

fn abstract_name(what: &str) -> UnixAddr {
    let name = format!("edgewake-{what}-{}", std::process::id());
    UnixAddr::from_abstract_name(name).expect("Linux has abstract names")
}

async fn meet(listener: &UnixListener, address: &UnixAddr) {
    assert_eq!(listener.local_addr().unwrap(), *address);
    let client = UnixStream::connect(address).await.unwrap();
    let (server, peer) = listener.accept().await.unwrap();
    assert_eq!(client.peer_addr().unwrap(), *address);
    assert_eq!(server.local_addr().unwrap(), *address);
    assert!(peer.is_unnamed(), "{peer:?}");
    assert!(client.local_addr().unwrap().is_unnamed());
    assert!(server.peer_addr().unwrap().is_unnamed());
}

// T53. Goal: a path is told as it was bound, with nothing before, behind or missing.
#[test]
fn t53_paths() {
    run(|| async {
        let path = SocketPath::new();
        let listener = UnixListener::bind(&*path).unwrap();
        let address = UnixAddr::from_path(&*path).unwrap();
        meet(&listener, &address).await;
        assert_eq!(listener.local_addr().unwrap().as_path(), Some(&*path));
    });
}

// T53 (rust#118925). Goal: the longest path that the system takes is told to its last byte. Method:
// a name in the folder for temporary files, made as long as that.
#[test]
fn t53_longest_path() {
    run(|| async {
        let short = SocketPath::new();
        let longest = if LINUX { 108 } else { 103 };
        let mut bytes = short.as_os_str().as_bytes().to_vec();
        assert!(bytes.len() < longest, "the folder for temporary files has a long name");
        bytes.resize(longest, b'z');
        let path = Path::new(OsStr::from_bytes(&bytes));
        let listener = UnixListener::bind(path).unwrap();
        meet(&listener, &UnixAddr::from_path(path).unwrap()).await;
        std::fs::remove_file(path).unwrap();
        bytes.push(b'z');
        let outcome = UnixListener::bind(OsStr::from_bytes(&bytes));
        assert_eq!(kind(outcome), io::ErrorKind::InvalidInput);
    });
}

// T53 (tokio#6837, #6838). Goal: abstract names are what they are, NULs inside included, make no
// file and go with their socket; elsewhere they are refused by a sentence.
#[test]
fn t53_abstract_names() {
    run(|| async {
        if !LINUX {
            let error = UnixListener::bind("\0name").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().contains("abstract"), "{error}");
            return;
        }
        let plain = abstract_name("plain");
        let listener = UnixListener::bind(plain).unwrap();
        meet(&listener, &plain).await;
        // As tokio has it: a path with a leading NUL.
        let text = [b"\0".as_slice(), plain.as_abstract_name().unwrap()].concat();
        UnixStream::connect(OsStr::from_bytes(&text)).await.unwrap();
        assert_eq!(kind(UnixListener::bind(plain)), io::ErrorKind::AddrInUse);
        drop(listener);
        UnixListener::bind(plain).unwrap();

        let mut name = plain.as_abstract_name().unwrap().to_vec();
        name.extend(b"\0\0inside\0");
        let odd = UnixAddr::from_abstract_name(&name).unwrap();
        meet(&UnixListener::bind(odd).unwrap(), &odd).await;
    });
}

// Goal: binding to no address has Linux choose an abstract name that clients can use.
#[test]
fn autobind() {
    run(|| async {
        let outcome = UnixListener::bind(UnixAddr::unnamed());
        assert_eq!(outcome.is_ok(), LINUX, "{outcome:?}");
        if let Ok(listener) = outcome {
            let address = listener.local_addr().unwrap();
            assert!(address.as_abstract_name().is_some());
            meet(&listener, &address).await;
        }
    });
}

// Goal: every type that a path comes in, and std's address.
#[test]
fn forms_of_addresses() {
    run(|| async {
        let path = SocketPath::new();
        let _listener = UnixListener::bind(&*path).unwrap();
        let buffer: PathBuf = path.to_path_buf();
        let text: OsString = path.as_os_str().to_owned();
        let address = UnixAddr::from_path(&*path).unwrap();
        let std_address = std::os::unix::net::SocketAddr::try_from(&address).unwrap();
        UnixStream::connect(&buffer).await.unwrap();
        UnixStream::connect(buffer).await.unwrap();
        UnixStream::connect(&text).await.unwrap();
        UnixStream::connect(text.as_os_str()).await.unwrap();
        UnixStream::connect(text.into_string().unwrap()).await.unwrap();
        UnixStream::connect(address).await.unwrap();
        UnixStream::connect(&address).await.unwrap();
        UnixStream::connect(std_address).await.unwrap();
    });
}

// Goal: what cannot be an address is refused with a sentence, before any socket is made.
#[test]
fn refused_addresses() {
    run(|| async {
        for path in ["", "with\0nul"] {
            assert_eq!(kind(UnixListener::bind(path)), io::ErrorKind::InvalidInput);
            assert_eq!(kind(UnixStream::connect(path).await), io::ErrorKind::InvalidInput);
        }
    });
}
