//! Connecting to a listener, whose backlog may be full.
//!
//! Linux answers `EAGAIN` then, which is not "in progress": the socket reports that it is writable
//! and hung up, as one that was never connected does, and no event ever tells that there is room
//! (T56, measured on Linux 6.18). So the wait is one of time. The socket is registered only once
//! it is connected (T10).

use std::{
    future::poll_fn,
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use edgewake_sys::{
    sockaddr::UnixAddr,
    socket::{self, Domain, Progress, Type},
};

use super::options::unsupported_type;
use crate::{async_fd::AsyncFd, net::backoff::Backoff, reactor::Kind};

/// The first pause, and the longest: short, since a listener makes room by one system call.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// A socket of `kind` that is connected to `address`.
#[inline]
pub(super) async fn connected(
    address: &UnixAddr,
    kind: Type,
    reads: Kind,
) -> io::Result<AsyncFd<OwnedFd>> {
    let fd = create(kind)?;
    let mut backoff = Backoff::between(PAUSES.0, PAUSES.1);
    loop {
        match socket::connect_unix(fd.as_fd(), address) {
            Ok(Progress::Done) => return Ok(AsyncFd::lazy(fd, reads)),
            // As at a FreeBSD listener with LOCAL_CONNWAIT.
            Ok(Progress::InProgress) => return AsyncFd::unready(fd, reads).connected().await,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if !poll_fn(|cx| std::task::Poll::Ready(backoff.start(cx))).await {
                    return Err(error);
                }
                poll_fn(|cx| backoff.poll(cx)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The same where there is room, and `WouldBlock` where there is none.
#[inline]
pub(super) fn connected_at_once(
    address: &UnixAddr,
    kind: Type,
    reads: Kind,
) -> io::Result<AsyncFd<OwnedFd>> {
    let fd = create(kind)?;
    loop {
        match socket::connect_unix(fd.as_fd(), address) {
            Ok(Progress::Done) => return Ok(AsyncFd::lazy(fd, reads)),
            Ok(Progress::InProgress) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[inline]
fn create(kind: Type) -> io::Result<OwnedFd> {
    if !socket::has_unix(kind) {
        return Err(unsupported_type());
    }
    socket::create(Domain::UNIX, kind)
}
