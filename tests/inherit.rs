//! A program that is executed gets no descriptor of this library's.
//!
//! One test: it looks at all descriptors of the process, and starts a child.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/os.rs"]
mod os;
mod support;
#[path = "support/unix.rs"]
mod unix;

use std::{
    any::Any,
    collections::BTreeSet,
    net::Ipv4Addr,
    os::fd::AsFd,
    process::{Command, Stdio},
};

use edgewake::{
    AsyncFd, Runtime,
    io::{AsyncReadExt, AsyncWriteExt, CopyMethod, CopyOptions, pipe},
    net::{
        TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixSeqpacket,
        UnixSeqpacketListener, UnixStream, VsockAddr, VsockListener,
    },
};
use support::deadline;
use unix::SocketPath;

const LOCALHOST: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// What is held until everything has been looked at.
type Held = Vec<Box<dyn Any>>;

/// Holds each of these.
macro_rules! hold {
    ($held:expr, $($value:expr),+ $(,)?) => { $($held.push(Box::new($value));)+ };
}

async fn hold_internet_sockets(held: &mut Held) {
    let listener = TcpListener::bind(LOCALHOST).await.expect("a listener");
    let address = listener.local_addr().expect("bound");
    let client = TcpStream::connect(address).await.expect("it listens");
    let (server, _) = listener.accept().await.expect("a connection");
    let duplicate = listener.try_clone().expect("a duplicate");
    let polled = TcpStream::connect(address).await.expect("it listens");
    let (polled_server, _) = duplicate.accept().await.expect("a connection");
    hold!(held, listener, client, server, duplicate, polled, polled_server);
    hold!(held, TcpSocket::new_v4().expect("a socket"));
    hold!(held, UdpSocket::bind(LOCALHOST).await.expect("a socket"));
    let any = VsockAddr::new(VsockAddr::ANY, VsockAddr::ANY_PORT);
    // Many machines have no such sockets.
    if let Ok(listener) = VsockListener::bind(any).await {
        hold!(held, listener);
    }
}

async fn hold_unix_sockets(held: &mut Held) {
    let path = SocketPath::new();
    let listener = UnixListener::bind(&*path).expect("a listener");
    let client = UnixStream::connect(&*path).await.expect("it listens");
    let (server, _) = listener.accept().await.expect("a connection");
    hold!(held, listener.try_clone().expect("a duplicate"), listener, client, server);
    let path = SocketPath::new();
    let bound = UnixDatagram::bind(&*path).expect("a path");
    hold!(held, bound, UnixDatagram::unbound().expect("a socket"));
    hold!(held, UnixDatagram::pair().expect("a pair"), UnixStream::pair().expect("a pair"));
    // Apple has none.
    let path = SocketPath::new();
    if let Ok(listener) = UnixSeqpacketListener::bind(&*path) {
        let client = UnixSeqpacket::connect(&*path).await.expect("it listens");
        let (server, _) = listener.accept().await.expect("a connection");
        hold!(held, listener, client, server, UnixSeqpacket::pair().expect("a pair"));
    }
}

/// Descriptors that came over a socket, out of a pipe that a child would get.
async fn hold_received(held: &mut Held) {
    let (here, there) = UnixStream::pair().expect("a pair");
    let (_sender, receiver) = pipe::pipe().expect("a pipe");
    here.send_with_fds(b"x", &[receiver.as_fd(), here.as_fd()]).await.expect("room");
    let mut fds = Vec::new();
    there.recv_with_fds(&mut [0; 1], &mut fds).await.expect("what was sent");
    assert_eq!(fds.len(), 2);
    hold!(held, fds);
}

async fn hold_pipes(held: &mut Held) {
    let (mut sender, receiver) = pipe::pipe().expect("a pipe");
    // Closing a sender puts something else under its number.
    sender.close().await.expect("no error");
    hold!(held, sender, receiver, pipe::pipe().expect("a pipe"));
    if let Ok(packets) = pipe::packet_pipe() {
        hold!(held, packets);
    }
    let path = os::TemporaryPath::fifo("inherit");
    let receiver = pipe::OpenOptions::new().read_write(true).open_receiver(&path);
    let receiver = receiver.expect("a FIFO");
    let sender = pipe::OpenOptions::new().open_sender(&path).expect("it has a reader");
    let late = pipe::OpenOptions::new().open_sender_when_read(&path).await.expect("as above");
    hold!(held, receiver, sender, late);
}

/// The private pipe of a flow that is spliced stays with its thread.
async fn leave_a_spliced_flows_pipe() {
    let (mut from, mut source) = UnixStream::pair().expect("a pair");
    let (mut sink, mut to) = UnixStream::pair().expect("a pair");
    from.write_all(b"spliced").await.expect("room");
    from.close().await.expect("no error");
    let options = CopyOptions::new().method(CopyMethod::Splice);
    // Not every system can.
    if let Ok(count) = options.copy(&mut source, &mut sink).await {
        assert_eq!(count, 7);
        to.read_exact(&mut [0; 7]).await.expect("what was copied");
    }
}

/// What a child says that it has open, by number. Linux names the folder of it, and the others
/// have `/dev/fd`, of which some show the first three numbers only: `is_cloexec` is there for them.
fn open_in_a_child() -> BTreeSet<String> {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let child = Command::new("ls").arg(folder).stdin(Stdio::null()).output().expect("ls");
    let said = String::from_utf8(child.stdout).expect("numbers");
    said.lines().map(str::to_owned).collect()
}

// T51, T50. Goal: whatever makes, opens, accepts, duplicates or receives a descriptor makes it
// close-on-exec, the loop's own included, and none of it changes what is done with a signal, which
// a child would inherit too. Method: those of the process before and after everything has been
// made; then a child's.
#[test]
fn t51_a_child_gets_no_descriptor() {
    deadline(|| {
        let inheritable_before = os::inheritable_descriptors();
        let (open_before, child_before) = (os::open_descriptors(), open_in_a_child());
        let dispositions = os::dispositions();
        let mut held: Held = Vec::new();
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            hold_internet_sockets(&mut held).await;
            hold_unix_sockets(&mut held).await;
            hold_received(&mut held).await;
            hold_pipes(&mut held).await;
            leave_a_spliced_flows_pipe().await;
            let (any, _peer) = std::os::unix::net::UnixStream::pair().expect("a pair");
            hold!(held, AsyncFd::new(any).expect("a driver"));
        });
        // The loop's own, the pairs' second ends, and each socket above.
        assert!(os::open_descriptors() >= open_before + 30, "{}", os::open_descriptors());
        assert_eq!(os::inheritable_descriptors(), inheritable_before);
        assert_eq!(open_in_a_child(), child_before);
        assert_eq!(os::dispositions(), dispositions);
        drop((held, runtime));
    });
}
