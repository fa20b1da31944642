//! Sends without copying (Linux's `MSG_ZEROCOPY`): the network device reads the caller's memory,
//! some time after the call.
//!
//! # Who holds the memory
//!
//! The socket, from the send until the error queue says that the kernel is done with it. The kernel
//! keeps the pages, not their contents: memory that was freed and used again would be sent as it is
//! then. So what a socket still holds when it is dropped is leaked, not freed.
//!
//! # The numbers
//!
//! The kernel numbers such sends from 0, per socket, and tells nobody the number of a send: it is
//! counted here as well. That is exact only if every such send is made here, and if it is known of
//! each whether the kernel has counted it. So everything that could change either goes through one
//! lock, and where it ends to be known, the socket copies from then on (`counted`): after its
//! descriptor was lent, of a socket that came from elsewhere, and after most errors, since a send
//! that fails on its way out (firewall, full queue) keeps its number, one that fails before has
//! none. What was numbered until then is numbered right, and is freed in its time; the memory of
//! the send that failed, of which a fragment may be on its way, is never freed.

use std::{collections::VecDeque, io, mem, net::SocketAddr, os::fd::BorrowedFd};

use bytes::Bytes;
use edgewake_sys::{
    cmsg::ExtendedError,
    sockaddr::RawAddr,
    socket::{self, SendFlags},
};

use super::UdpSocket;
use crate::{
    net::sockopt,
    sync::{Mutex, lock},
};

/// What a socket holds for the kernel.
#[derive(Debug)]
pub(super) struct Held(Mutex<Sends>);

#[derive(Debug)]
struct Sends {
    /// Whether the option is set.
    on: bool,
    /// Whether `next` is the kernel's number too. Once it is not, it never is again.
    counted: bool,
    next: u32,
    /// In the order of their numbers. Without one: nobody knows when the kernel is done with it.
    pending: VecDeque<(Option<u32>, Bytes)>,
}

impl Held {
    /// `own` says that this library made the socket just now.
    #[inline]
    pub(super) fn new(own: bool) -> Held {
        let pending = VecDeque::new();
        Held(Mutex::new(Sends { on: false, counted: own, next: 0, pending }))
    }

    /// Notes that from now on others can send on the socket.
    #[inline]
    pub(super) fn lend(&self) {
        lock(&self.0).counted = false;
    }

    /// Changes an option, which may be one that sends look at, when no send is under way.
    pub(super) fn change_option<R>(
        &self,
        fd: BorrowedFd<'_>,
        change: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        let mut sends = lock(&self.0);
        let outcome = change();
        if sends.counted {
            // An error: a system that does not have it.
            sends.on = sockopt::ZERO_COPY.get(fd).unwrap_or(false);
        }
        outcome
    }

    /// Sends, and holds the data until the kernel is done with it. `None` where it was copied.
    fn send(
        &self,
        fd: BorrowedFd<'_>,
        data: &Bytes,
        address: Option<&RawAddr>,
    ) -> io::Result<Option<u32>> {
        let mut sends = lock(&self.0);
        // A datagram of no bytes has no pages, and the kernel does not number it.
        if sends.on && sends.counted && !data.is_empty() {
            match socket::send_message_zero_copy(fd, data, address) {
                Ok(_) => {
                    let number = sends.next;
                    sends.next = number.wrapping_add(1);
                    sends.pending.push_back((Some(number), data.clone()));
                    return Ok(Some(number));
                }
                Err(error) if is_before_all(&error) => return Err(error),
                // The bound on what may be pending: an ordinary send needs no part of it.
                Err(error) if socket::is_queue_full(&error) && !tells_of_queues(fd) => {}
                Err(error) => {
                    sends.counted = false;
                    sends.pending.push_back((None, data.clone()));
                    // Perhaps the same bound.
                    if !socket::is_queue_full(&error) {
                        return Err(error);
                    }
                }
            }
        }
        let pieces = [io::IoSlice::new(data)];
        socket::send_message(fd, &pieces, address, None, SendFlags::NONE).map(|_| None)
    }

    #[inline]
    pub(super) fn release(&self, done: ZeroCopyDone) {
        let freed: VecDeque<_> = {
            let mut sends = lock(&self.0);
            let all = mem::take(&mut sends.pending);
            let is_done = |number: Option<u32>| number.is_some_and(|number| done.covers(number));
            let (freed, pending) = all.into_iter().partition(|(number, _)| is_done(*number));
            sends.pending = pending;
            freed
        };
        // Outside the lock: it may be the last handle, with a destructor of the caller's.
        drop(freed);
    }

    fn count(&self) -> usize {
        lock(&self.0).pending.len()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // See the module's page. The list of them is ours alone, and is freed.
        lock(&self.0).pending.drain(..).for_each(|(_, data)| mem::forget(data));
    }
}

/// Whether a send that failed so has not begun: no room in the send buffer, or a signal. The kernel
/// takes its number back.
#[inline]
fn is_before_all(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Whether `ENOBUFS` can come from a device's queue, behind the counting: Linux hides that from
/// sockets that did not ask for errors (ip(7), `IP_RECVERR`). For them it is the bound on what may
/// be pending, or a lack of memory, before a number is taken.
#[inline]
fn tells_of_queues(fd: BorrowedFd<'_>) -> bool {
    // IPv6 sockets have both, for the IPv4 that they carry; IPv4 ones lack the second. Not to know
    // is to have asked.
    sockopt::RECV_ERRORS.get(fd).unwrap_or(true) || sockopt::RECV_ERRORS_V6.get(fd).unwrap_or(false)
}

/// Zero-copy sends that are done with their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroCopyDone {
    first: u32,
    last: u32,
    copied: bool,
}

impl ZeroCopyDone {
    #[inline]
    pub(super) fn of(entry: &ExtendedError) -> ZeroCopyDone {
        // `SO_EE_CODE_ZEROCOPY_COPIED` of Linux's `<linux/errqueue.h>`.
        let copied = entry.icmp_code & 1 != 0;
        ZeroCopyDone { first: entry.info, last: entry.data, copied }
    }

    /// Whether the send of this number is among them. Numbers begin again after `u32::MAX`.
    #[inline]
    pub fn covers(&self, number: u32) -> bool {
        number.wrapping_sub(self.first) <= self.last.wrapping_sub(self.first)
    }

    /// Whether the data was copied after all, as it is on the loopback: then an ordinary send is
    /// cheaper.
    #[inline]
    pub fn was_copied(&self) -> bool {
        self.copied
    }
}

/// # Sending without copying (Linux)
///
/// It pays off for data of 10 KiB and more, that is with segments or jumbo frames, over real
/// devices: the bookkeeping costs more than copying less. The loopback copies all the same.
impl UdpSocket {
    /// Allows [`send_zerocopy`](Self::send_zerocopy) to send without copying. Off by default.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux (not Android), and
    /// `EOPNOTSUPP` before 5.0.
    ///
    /// # References
    ///
    /// [MSG_ZEROCOPY](https://docs.kernel.org/networking/msg_zerocopy.html)
    #[doc(alias = "SO_ZEROCOPY")]
    #[inline]
    pub fn set_zerocopy(&self, on: bool) -> io::Result<()> {
        self.set_option(&sockopt::ZERO_COPY, on)
    }

    /// Sends a datagram to `target`, or to the peer of a connected socket, without copying it where
    /// that can be. Returns the number of the send, or `None` if the data was copied:
    ///
    /// - [`set_zerocopy`](Self::set_zerocopy) was not called, too many sends are pending, or there
    ///   is no data;
    /// - the socket was converted from something else, or its descriptor has been lent
    ///   ([`as_fd`](std::os::fd::AsFd::as_fd)): the kernel counts what others send too;
    /// - a send without copying has failed, other than for want of room: from then on everything is
    ///   copied, since the kernel may have counted it, or not.
    ///
    /// The socket holds `data` until [`recv_error`](Self::recv_error) or
    /// [`try_recv_error`](Self::try_recv_error) has taken the entry that says it is done, so take
    /// them: what is held when the socket is dropped is leaked. So is the data of the one send that
    /// has failed.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has not sent.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to).
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use edgewake::net::UdpSocket;
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// if socket.set_zerocopy(true).is_err() {
    ///     return Ok(()); // Not Linux, or an old one.
    /// }
    /// let data = Bytes::from(vec![7; 1200]);
    /// let number = socket.send_zerocopy(data, Some(socket.local_addr()?)).await?;
    /// let done = socket.recv_error().await?.zero_copy().unwrap();
    /// assert!(done.covers(number.unwrap()));
    /// assert_eq!(socket.zerocopy_pending(), 0);
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [MSG_ZEROCOPY](https://docs.kernel.org/networking/msg_zerocopy.html)
    #[doc(alias = "MSG_ZEROCOPY")]
    #[inline]
    pub async fn send_zerocopy(
        &self,
        data: Bytes,
        target: Option<SocketAddr>,
    ) -> io::Result<Option<u32>> {
        let address = target.as_ref().map(RawAddr::from);
        self.io().send_message(|fd| self.held().send(fd, &data, address.as_ref())).await
    }

    /// How many zero-copy sends the socket holds data for, one that has failed included.
    #[inline]
    pub fn zerocopy_pending(&self) -> usize {
        self.held().count()
    }
}
