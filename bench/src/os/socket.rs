//! The socket calls of the baseline and the generator, and the few options they set.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use super::{check, check_len};
use crate::target::Target;

/// A non-blocking TCP listener with a deep backlog, whose connections inherit `TCP_NODELAY`.
///
/// On Linux an accepted socket copies the option from its listener (tcp(7) does not promise it,
/// every kernel since 2.4 does it), which saves a `setsockopt` a connection.
///
/// # Errors
///
/// Returns the error of the first call that fails.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(addr)?;
    listener.set_nonblocking(true)?;
    deepen_backlog(listener.as_fd())?;
    set_nodelay(listener.as_fd())?;
    Ok(listener)
}

/// A non-blocking Unix stream listener with a deep backlog, at a path that nothing has yet.
///
/// # Errors
///
/// Returns the error of the first call that fails.
pub fn listen_unix(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    deepen_backlog(listener.as_fd())?;
    Ok(listener)
}

fn deepen_backlog(listener: BorrowedFd<'_>) -> io::Result<()> {
    // A second listen(2) on a listening socket sets the backlog anew; std's own may be 128, which
    // a round of 512 connections overflows, and an overflow costs the client a second (SYN retry).
    // SAFETY: takes no pointer; the descriptor is borrowed for the call.
    check(unsafe { libc::listen(listener.as_raw_fd(), 4096) })?;
    Ok(())
}

/// Sets `TCP_NODELAY`.
///
/// # Errors
///
/// Returns the error of `setsockopt(2)`.
pub fn set_nodelay(fd: BorrowedFd<'_>) -> io::Result<()> {
    let on: libc::c_int = 1;
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `on` lives through the call and `len` is its size.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NODELAY,
            (&raw const on).cast(),
            len,
        )
    })?;
    Ok(())
}

/// Makes the close of a connection a reset: `SO_LINGER` with no time at all (socket(7)).
///
/// # Errors
///
/// Returns the error of `setsockopt(2)`.
pub fn reset_on_close(fd: BorrowedFd<'_>) -> io::Result<()> {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let len = size_of::<libc::linger>() as libc::socklen_t;
    // SAFETY: `linger` lives through the call and `len` is its size.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            len,
        )
    })?;
    Ok(())
}

/// Has a socket receive nothing any more, as if its machine had gone: a filter drops each segment
/// before TCP sees it, so that none is acknowledged, nor answered by a reset (socket(7),
/// `SO_ATTACH_FILTER`). What is sent still goes out, and the end of the stream with a close.
///
/// # Errors
///
/// Returns the error of `setsockopt(2)`.
pub fn receive_nothing(fd: BorrowedFd<'_>) -> io::Result<()> {
    let keep_no_byte = libc::BPF_RET | libc::BPF_K;
    let mut filter = libc::sock_filter { code: keep_no_byte as u16, jt: 0, jf: 0, k: 0 };
    let program = libc::sock_fprog { len: 1, filter: &raw mut filter };
    let len = size_of::<libc::sock_fprog>() as libc::socklen_t;
    // SAFETY: `program` and its one instruction live through the call, `len` is its size.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            len,
        )
    })?;
    Ok(())
}

/// Sets the size of both buffers, `SO_RCVBUF` and `SO_SNDBUF`, which then grow no more.
///
/// # Errors
///
/// Returns the error of `setsockopt(2)`.
pub fn limit_buffers(fd: BorrowedFd<'_>, size: usize) -> io::Result<()> {
    let size = libc::c_int::try_from(size).map_err(io::Error::other)?;
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    for option in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
        let (fd, value) = (fd.as_raw_fd(), (&raw const size).cast());
        // SAFETY: `size` lives through the call and `len` is its size.
        check(unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, option, value, len) })?;
    }
    Ok(())
}

/// Accepts a connection, non-blocking and close-on-exec from birth, without asking for the peer.
///
/// # Errors
///
/// Returns the error of `accept4(2)`.
#[inline]
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: null for the address and its length means that the peer is not wanted.
    let fd = check(unsafe {
        libc::accept4(
            listener.as_raw_fd(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
        )
    })?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Listens at a target of streams, non-blocking. Returns the target with the port that the kernel
/// chose.
///
/// # Errors
///
/// Returns the error of the first call that fails; `Unsupported` for datagrams.
pub fn listen_at(target: &Target) -> io::Result<(OwnedFd, Target)> {
    match target {
        Target::Tcp(addr) => {
            let listener = listen(*addr)?;
            let addr = listener.local_addr()?;
            Ok((listener.into(), Target::Tcp(addr)))
        }
        Target::Unix(path) => Ok((listen_unix(path)?.into(), target.clone())),
        Target::Udp(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Connects to a target of streams, blocking: on the loopback device the handshake is over when
/// connect(2) returns. The socket is non-blocking then, if that is asked for.
///
/// # Errors
///
/// Returns the error of the first call that fails; `Unsupported` for datagrams.
pub fn connect_to(target: &Target, non_blocking: bool) -> io::Result<OwnedFd> {
    match target {
        Target::Tcp(addr) => {
            let stream = TcpStream::connect(addr)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(non_blocking)?;
            Ok(stream.into())
        }
        Target::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_nonblocking(non_blocking)?;
            Ok(stream.into())
        }
        Target::Udp(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Sends the end of the stream. What the peer has broken off already counts as that.
///
/// # Errors
///
/// Returns the error of `shutdown(2)`.
pub fn shutdown_write(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes no pointer; the descriptor is borrowed for the call.
    match check(unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_WR) }) {
        Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(error),
        _ => Ok(()),
    }
}

/// Receives into `buffer`; 0 is end of file.
///
/// # Errors
///
/// Returns the error of `recv(2)`.
#[inline]
pub fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is borrowed mutably for the call and its length is given.
    check_len(unsafe { libc::recv(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) })
}

/// Receives from a Unix stream and tells whether something else than bytes came with them.
///
/// A receive stops at a message with descriptors or credentials, however many bytes are behind it:
/// a short count then proves nothing. Without room for them they are discarded and `MSG_CTRUNC`
/// says so; `MSG_OOB` does the same for an urgent byte (recvmsg(2), unix(7)).
///
/// # Errors
///
/// Returns the error of `recvmsg(2)`.
#[inline]
pub fn recv_marked(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: an all-zero msghdr is valid: no name, no vectors, no control buffer.
    let mut header = unsafe { std::mem::zeroed::<libc::msghdr>() };
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    // SAFETY: the header and its one vector live through the call, the vector's buffer is borrowed
    // mutably for it and its length is given; name and control are absent.
    let received = check_len(unsafe {
        libc::recvmsg(fd.as_raw_fd(), &raw mut header, libc::MSG_CMSG_CLOEXEC)
    })?;
    Ok((received, header.msg_flags & (libc::MSG_CTRUNC | libc::MSG_OOB) != 0))
}

/// Sends from `bytes`; a broken pipe is an error, never a signal.
///
/// # Errors
///
/// Returns the error of `send(2)`.
#[inline]
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the bytes are borrowed for the call and their length is given.
    check_len(unsafe {
        libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL)
    })
}
