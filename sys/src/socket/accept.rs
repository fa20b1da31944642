//! Accepting connections, and telling apart what a failed accept says.
//!
//! After any error the listener goes on listening (T57); whether and when to try again is what
//! [`AcceptError`] is for. Nothing here retries.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsRawFd, BorrowedFd, OwnedFd},
    ptr,
};

use crate::{fd, sockaddr::RawAddr};

/// What an error of [`accept`] says, and so what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcceptError {
    /// `EAGAIN`: no connection is waiting.
    WouldBlock,
    /// `EINTR`: a signal handler ran; the connection is still waiting.
    Interrupted,
    /// One connection failed before it was accepted and is gone from the queue; the next may be
    /// fine. `ECONNABORTED`, `EPROTO`, and the network errors that Linux reports here.
    Connection,
    /// The process or the system is out of descriptors or memory: `EMFILE`, `ENFILE`, `ENOBUFS`,
    /// `ENOMEM`. The connection is still waiting (measured on Linux 6.18), so trying again at
    /// once fails again: wait, or free something. No new edge tells that there is room.
    Resource,
    /// Anything else: trying again does not help. `EBADF`, `EINVAL` (not listening), `ENOTSOCK`.
    Fatal,
}

impl AcceptError {
    /// Classifies an error that [`accept`], [`accept_raw`] or [`accept_unnamed`] returned.
    ///
    /// # Platform notes
    ///
    /// Linux hands the pending network errors of the new connection to accept and asks for them
    /// to be treated as "try again" (accept(2), "RETURN VALUE"); `EPERM` is there the firewall's
    /// refusal of one connection. `EOPNOTSUPP` is among these and is also what a socket gets that
    /// cannot accept at all: look at [`ACCEPT_CONN`](crate::sockopt::ACCEPT_CONN) before looping
    /// on a descriptor of unknown origin.
    ///
    /// # References
    ///
    /// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
    #[inline]
    pub fn classify(error: &io::Error) -> AcceptError {
        let Some(code) = error.raw_os_error() else { return AcceptError::Fatal };
        match code {
            libc::EAGAIN => AcceptError::WouldBlock,
            libc::EINTR => AcceptError::Interrupted,
            libc::ECONNABORTED | libc::EPROTO => AcceptError::Connection,
            libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => AcceptError::Resource,
            code if PENDING_ERRORS.contains(&code) => AcceptError::Connection,
            _ => AcceptError::Fatal,
        }
    }
}

/// Network errors of the new connection that accept(2) lists for Linux.
#[cfg(edgewake_has = "accept_pending_errors")]
const PENDING_ERRORS: &[i32] = &[
    libc::ENETDOWN,
    libc::ENOPROTOOPT,
    libc::EHOSTDOWN,
    libc::ENONET,
    libc::EHOSTUNREACH,
    libc::EOPNOTSUPP,
    libc::ENETUNREACH,
    libc::EPERM,
    libc::ETIMEDOUT,
];
#[cfg(not(edgewake_has = "accept_pending_errors"))]
const PENDING_ERRORS: &[i32] = &[];

/// Takes the next waiting connection, non-blocking and close-on-exec, with the peer's address.
///
/// # Errors
///
/// [`AcceptError::classify`] sorts them. An address that is not of the IP families is
/// [`InvalidData`](io::ErrorKind::InvalidData), and the connection is closed.
///
/// # Platform notes
///
/// Apple has no `accept4`: three or four further calls set the flags and `SO_NOSIGPIPE`, and a
/// `fork` between them leaks the descriptor to the child. A connection that Apple hands over
/// without an address was reset while it waited: that is `ECONNABORTED` here.
///
/// # References
///
/// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
#[doc(alias = "accept4")]
#[inline]
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, SocketAddr)> {
    let (socket, raw) = accept_raw(listener)?;
    if raw.reported_length() == 0 {
        return Err(io::Error::from_raw_os_error(libc::ECONNABORTED));
    }
    Ok((socket, SocketAddr::try_from(&raw)?))
}

/// [`accept`] with the peer's address as the kernel wrote it, of any family.
///
/// # Errors
///
/// [`AcceptError::classify`] sorts them.
///
/// # References
///
/// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
#[inline]
pub fn accept_raw(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, RawAddr)> {
    let (socket, raw) = RawAddr::filled_by(|room, length| {
        // SAFETY: `room` is writable for `*length` bytes, and both outlive the call.
        unsafe { take(listener, room, length) }
    })?;
    Ok((finish(socket)?, raw))
}

/// [`accept`] without asking for the peer's address;
/// [`peer_addr`](crate::socket::peer_addr) has it as long as the connection lives.
///
/// # Errors
///
/// [`AcceptError::classify`] sorts them.
///
/// # References
///
/// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
#[inline]
pub fn accept_unnamed(listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: with a null address the length is not looked at either.
    let socket = unsafe { take(listener, ptr::null_mut(), ptr::null_mut()) }?;
    finish(socket)
}

/// The call itself.
///
/// # Safety
///
/// Both pointers are null, or `room` is writable for `*length` bytes and `length` for its own.
unsafe fn take(
    listener: BorrowedFd<'_>,
    room: *mut libc::sockaddr,
    length: *mut libc::socklen_t,
) -> io::Result<OwnedFd> {
    let listener = listener.as_raw_fd();
    #[cfg(edgewake_has = "accept4")]
    // SAFETY: forwarded to the caller.
    let socket = unsafe {
        syscall!(accept4(listener, room, length, libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK))
    }?;
    #[cfg(not(edgewake_has = "accept4"))]
    // SAFETY: forwarded to the caller.
    let socket = unsafe { syscall!(accept(listener, room, length)) }?;
    // SAFETY: the call succeeded, so `socket` is a new descriptor that nobody else owns.
    Ok(unsafe { fd::own(socket) })
}

#[cfg(edgewake_has = "accept4")]
fn finish(socket: OwnedFd) -> io::Result<OwnedFd> {
    // SO_NOSIGPIPE, where there is such a thing, comes with the listener's other options
    // (FreeBSD, NetBSD and DragonFly copy them in sonewconn).
    Ok(socket)
}

#[cfg(not(edgewake_has = "accept4"))]
fn finish(socket: OwnedFd) -> io::Result<OwnedFd> {
    use std::os::fd::AsFd;

    let socket = fd::finish_birth(socket)?;
    #[cfg(edgewake_has = "so_nosigpipe")]
    match crate::sockopt::NO_SIGPIPE.set(socket.as_fd(), true) {
        // The peer has reset the connection already (socket2#632). Reading it will tell; it is
        // no failure of the listener.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
        outcome => outcome?,
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::AcceptError;

    // T57. Goal: each error of accept(2) falls into the class that says what to do next.
    #[test]
    fn t57_errors_are_told_apart() {
        let classes: [(AcceptError, &[i32]); 5] = [
            (AcceptError::WouldBlock, &[libc::EAGAIN, libc::EWOULDBLOCK]),
            (AcceptError::Interrupted, &[libc::EINTR]),
            (AcceptError::Connection, &[libc::ECONNABORTED, libc::EPROTO]),
            (AcceptError::Resource, &[libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM]),
            (AcceptError::Fatal, &[libc::EBADF, libc::EINVAL, libc::ENOTSOCK, libc::EFAULT]),
        ];
        for (class, codes) in classes {
            for code in codes {
                let error = io::Error::from_raw_os_error(*code);
                assert_eq!(AcceptError::classify(&error), class, "{error}");
            }
        }
        let pending = AcceptError::classify(&io::Error::from_raw_os_error(libc::EHOSTUNREACH));
        let listed = cfg!(edgewake_has = "accept_pending_errors");
        assert_eq!(pending == AcceptError::Connection, listed);
        let decoding = io::Error::new(io::ErrorKind::InvalidData, "not an IP address");
        assert_eq!(AcceptError::classify(&decoding), AcceptError::Fatal);
    }
}
