//! Unix sockets: every form of address on a real kernel, pairs, credentials, the full backlog.

mod common;

use std::{
    fs, io,
    net::UdpSocket,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::PermissionsExt},
    },
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use common::{recv_all, retry, send_all, wait_for};
use edgewake_sys::{
    fd,
    sockaddr::UnixAddr,
    socket::{self, Domain, Progress, Type},
};

const ABSTRACT: bool = cfg!(edgewake_has = "unix_abstract");

/// A path that nobody else has; the file goes when it drops.
struct TemporaryPath(PathBuf);

impl TemporaryPath {
    fn new() -> TemporaryPath {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("edgewake-sys-{}-{count}", process::id());
        TemporaryPath(std::env::temp_dir().join(name))
    }

    /// Made longer until it has `length` bytes.
    fn of_length(length: usize) -> TemporaryPath {
        let path = TemporaryPath::new();
        let mut bytes = path.0.as_os_str().as_bytes().to_vec();
        assert!(bytes.len() <= length, "the folder for temporary files has a long name");
        bytes.resize(length, b'x');
        TemporaryPath(PathBuf::from(std::ffi::OsStr::from_bytes(&bytes)))
    }
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        // It may never have been made.
        let _absent: io::Result<()> = fs::remove_file(&self.0);
    }
}

fn bound(address: &UnixAddr, kind: Type) -> OwnedFd {
    let socket = socket::create(Domain::UNIX, kind).unwrap();
    socket::bind_unix(socket.as_fd(), address).unwrap();
    socket
}

fn listener(address: &UnixAddr, backlog: i32) -> OwnedFd {
    let socket = bound(address, Type::STREAM);
    socket::listen(socket.as_fd(), backlog).unwrap();
    socket
}

fn client(address: &UnixAddr) -> io::Result<OwnedFd> {
    let socket = socket::create(Domain::UNIX, Type::STREAM)?;
    assert_eq!(socket::connect_unix(socket.as_fd(), address)?, Progress::Done);
    Ok(socket)
}

fn is_cloexec(fd: &OwnedFd) -> bool {
    // SAFETY: F_GETFD takes no argument.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) & libc::FD_CLOEXEC != 0 }
}

// T53. Goal: the kernel gives back the address that it was given, and clients reach it there; the
// longest that this system takes included.
#[test]
fn t53_kernel_gives_addresses_back() {
    let longest = if ABSTRACT { 108 } else { 103 };
    let paths = [TemporaryPath::new(), TemporaryPath::of_length(longest)];
    let mut addresses: Vec<UnixAddr> =
        paths.iter().map(|path| UnixAddr::from_path(&path.0).unwrap()).collect();
    if ABSTRACT {
        let mut name = format!("edgewake-{}", process::id()).into_bytes();
        addresses.push(UnixAddr::from_abstract_name(&name).unwrap());
        name.extend(b"\0inside\0");
        addresses.push(UnixAddr::from_abstract_name(&name).unwrap());
        name.resize(107, 0xff);
        addresses.push(UnixAddr::from_abstract_name(&name).unwrap());
    }
    for address in addresses {
        let listener = listener(&address, 4);
        assert_eq!(socket::local_unix_addr(listener.as_fd()).unwrap(), address);
        let client = client(&address).unwrap();
        assert_eq!(socket::peer_unix_addr(client.as_fd()).unwrap(), address);
        assert!(socket::local_unix_addr(client.as_fd()).unwrap().is_unnamed());
        let accept = || socket::accept_unix(listener.as_fd());
        let (server, peer) = retry(listener.as_fd(), libc::POLLIN, accept).unwrap();
        assert!(peer.is_unnamed());
        assert!(socket::peer_unix_addr(server.as_fd()).unwrap().is_unnamed());
        assert_eq!(socket::local_unix_addr(server.as_fd()).unwrap(), address);
        send_all(&client, b"hello");
        drop(client);
        assert_eq!(recv_all(&server, 5), b"hello");
    }
}

// T53. Goal: a client that has an address is seen with it.
#[test]
fn t53_named_clients() {
    let (here, there) = (TemporaryPath::new(), TemporaryPath::new());
    let address = UnixAddr::from_path(&here.0).unwrap();
    let listener = listener(&address, 4);
    let own = UnixAddr::from_path(&there.0).unwrap();
    let client = bound(&own, Type::STREAM);
    assert_eq!(socket::connect_unix(client.as_fd(), &address).unwrap(), Progress::Done);
    let accept = || socket::accept_unix(listener.as_fd());
    let (server, peer) = retry(listener.as_fd(), libc::POLLIN, accept).unwrap();
    assert_eq!(peer, own);
    assert_eq!(socket::peer_unix_addr(server.as_fd()).unwrap(), own);
}

// Goal: binding to no address has Linux choose an abstract name; the others refuse.
#[test]
fn autobind() {
    let socket = socket::create(Domain::UNIX, Type::DATAGRAM).unwrap();
    let outcome = socket::bind_unix(socket.as_fd(), &UnixAddr::unnamed());
    if ABSTRACT {
        outcome.unwrap();
        let address = socket::local_unix_addr(socket.as_fd()).unwrap();
        assert!(address.as_abstract_name().is_some_and(|name| name.len() == 5), "{address:?}");
    } else {
        outcome.unwrap_err();
        assert!(socket::local_unix_addr(socket.as_fd()).unwrap().is_unnamed());
    }
}

// T51, T68. Goal: both ends of a pair are born with their flags and connected, of every type.
#[test]
fn t51_pairs_are_born_with_their_flags() {
    for kind in [Type::STREAM, Type::DATAGRAM, Type::SEQPACKET] {
        if !socket::has_unix(kind) {
            socket::pair(kind).unwrap_err();
            continue;
        }
        let (first, second) = socket::pair(kind).unwrap();
        for end in [&first, &second] {
            assert!(fd::is_nonblocking(end.as_fd()).unwrap());
            assert!(is_cloexec(end));
            assert!(socket::local_unix_addr(end.as_fd()).unwrap().is_unnamed());
        }
        assert_eq!(socket::send(first.as_fd(), b"there").unwrap(), 5);
        let mut bytes = [0; 8];
        assert_eq!(socket::recv(second.as_fd(), &mut bytes).unwrap(), 5);
        assert_eq!(&bytes[..5], b"there");
    }
}

// T50. Goal: writing to an end whose other is gone is EPIPE, and no signal ends this process.
#[test]
fn t50_pair_without_its_other_end() {
    let (first, second) = socket::pair(Type::STREAM).unwrap();
    drop(second);
    let error = socket::send(first.as_fd(), b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

// Goal: who is at the other end, of a pair and of a connection by both its ends.
#[test]
fn credentials() {
    // SAFETY: have no preconditions.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let pid = i32::try_from(process::id()).unwrap();
    let path = TemporaryPath::new();
    let address = UnixAddr::from_path(&path.0).unwrap();
    let listener = listener(&address, 4);
    let client = client(&address).unwrap();
    let accept = || socket::accept_unix(listener.as_fd());
    let (server, _) = retry(listener.as_fd(), libc::POLLIN, accept).unwrap();
    let mut ends = vec![client, server];
    // NetBSD's and OpenBSD's pairs have none (unp_connect2 takes none).
    if cfg!(edgewake_has = "peer_ucred") {
        let (first, second) = socket::pair(Type::STREAM).unwrap();
        ends.extend([first, second]);
    }
    for end in ends {
        let found = socket::peer_credentials(end.as_fd()).unwrap();
        assert_eq!((found.uid, found.gid), (uid, gid));
        if cfg!(not(edgewake_has = "getpeereid")) {
            assert_eq!(found.pid, Some(pid));
        }
    }
}

// Goal: a socket that has no other end, or none that is a process, says so.
#[test]
fn no_credentials() {
    let alone = socket::create(Domain::UNIX, Type::STREAM).unwrap();
    socket::peer_credentials(alone.as_fd()).unwrap_err();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket::peer_credentials(udp.as_fd()).unwrap_err();
}

// T56. Goal: a full backlog is an error at once, EAGAIN on Linux, and never "in progress".
#[test]
fn t56_full_backlog_is_not_in_progress() {
    let path = TemporaryPath::new();
    let address = UnixAddr::from_path(&path.0).unwrap();
    let listener = listener(&address, 1);
    let mut waiting = Vec::new();
    let error = loop {
        match client(&address) {
            Ok(client) => waiting.push(client),
            Err(error) => break error,
        }
        assert!(waiting.len() < 64, "a backlog of one takes no end of clients");
    };
    let expected = if ABSTRACT { libc::EAGAIN } else { libc::ECONNREFUSED };
    assert_eq!(error.raw_os_error(), Some(expected));
    socket::accept_unix(listener.as_fd()).unwrap();
    waiting.push(client(&address).unwrap());
}

// T45. Goal: what a full queue at the target looks like: an error that is no ENOBUFS on Linux, and
// a sender that counts as writable all the while, so that waiting for that would spin.
#[test]
fn t45_full_queue_at_an_unconnected_target() {
    let path = TemporaryPath::new();
    let address = UnixAddr::from_path(&path.0).unwrap();
    let target = bound(&address, Type::DATAGRAM);
    let fillers: Vec<OwnedFd> =
        (0..2).map(|_| socket::create(Domain::UNIX, Type::DATAGRAM).unwrap()).collect();
    let fill = |sender: &OwnedFd| {
        (0..100_000).find_map(|_| socket::send_to_unix(sender.as_fd(), b"x", &address).err())
    };
    fill(&fillers[0]).expect("the queue is full at last");
    let error = fill(&fillers[1]).expect("the queue is full");
    let expected = if ABSTRACT { libc::EAGAIN } else { libc::ENOBUFS };
    assert_eq!(error.raw_os_error(), Some(expected));
    assert_eq!(socket::as_queue_full(error).raw_os_error(), Some(libc::ENOBUFS));
    // At once, although nothing has changed.
    wait_for(fillers[1].as_fd(), libc::POLLOUT);
    let mut buffer = [0; 8];
    let (count, source) = socket::recv_from_unix(target.as_fd(), &mut buffer).unwrap();
    assert_eq!((count, source), (1, UnixAddr::unnamed()));
    assert_eq!(socket::send_to_unix(fillers[1].as_fd(), b"", &address).unwrap(), 0);
}

// Goal: whether a socket is held is found out without its holder's notice, of every type, bound
// only or listening, with room in its queue or without.
#[test]
fn holders_are_found_and_do_not_notice() {
    for kind in [Type::STREAM, Type::DATAGRAM, Type::SEQPACKET] {
        if !socket::has_unix(kind) {
            continue;
        }
        let path = TemporaryPath::new();
        let address = UnixAddr::from_path(&path.0).unwrap();
        assert!(!socket::is_alive(&address).unwrap());
        let holder = bound(&address, kind);
        assert!(socket::is_alive(&address).unwrap());
        if kind != Type::DATAGRAM {
            socket::listen(holder.as_fd(), 1).unwrap();
            assert!(socket::is_alive(&address).unwrap());
            let error = socket::accept_unix(holder.as_fd()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            let clients: Vec<OwnedFd> = (0..8)
                .map_while(|_| {
                    let client = socket::create(Domain::UNIX, kind).unwrap();
                    socket::connect_unix(client.as_fd(), &address).ok().map(|_| client)
                })
                .collect();
            assert!(!clients.is_empty() && clients.len() < 8);
            assert!(socket::is_alive(&address).unwrap());
        }
        drop(holder);
        assert!(!socket::is_alive(&address).unwrap());
    }
}

// Goal: the path stays when its socket is closed, and connecting to it is refused then.
#[test]
fn path_outlives_its_socket() {
    let path = TemporaryPath::new();
    let address = UnixAddr::from_path(&path.0).unwrap();
    drop(listener(&address, 4));
    assert!(Path::exists(&path.0));
    assert_eq!(client(&address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let again = socket::create(Domain::UNIX, Type::STREAM).unwrap();
    let error = socket::bind_unix(again.as_fd(), &address).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

// Goal: where a socket has permissions of its own, the file is made with them, and none is changed
// afterwards. Method: such as no usual umask takes away.
#[test]
fn file_is_born_with_its_permissions() {
    if cfg!(not(edgewake_has = "unix_bind_mode")) {
        return;
    }
    for mode in [0o600, 0o400] {
        let path = TemporaryPath::new();
        let socket = socket::create(Domain::UNIX, Type::STREAM).unwrap();
        socket::set_bind_mode(socket.as_fd(), mode).unwrap();
        let address = UnixAddr::from_path(&path.0).unwrap();
        socket::bind_unix(socket.as_fd(), &address).unwrap();
        let found = fs::symlink_metadata(&path.0).unwrap().permissions();
        assert_eq!(found.mode() & 0o7777, mode);
    }
}
