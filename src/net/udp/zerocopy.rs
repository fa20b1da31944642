//! Sends without copying (Linux's `MSG_ZEROCOPY`): the network device reads the caller's memory,
//! some time after the call.
//!
//! # Who holds the memory
//!
//! The socket, from the send until the error queue says that the kernel is done with it. The kernel
//! keeps the pages, not their contents: memory that was freed and used again would be sent as it is
//! then. So what a socket still holds when it is dropped is leaked, not freed.
//!
//! The kernel numbers such sends from 0, per socket. The number is taken under the same lock as
//! the send, so that ours are the kernel's.

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

#[derive(Debug, Default)]
struct Sends {
    /// Whether the option was set here. The number of the next send is the kernel's only as long
    /// as nobody else sends so.
    on: bool,
    next: u32,
    /// In the order of their numbers.
    pending: VecDeque<(u32, Bytes)>,
}

impl Held {
    pub(super) fn new() -> Held {
        Held(Mutex::new(Sends::default()))
    }

    fn switch(&self, on: bool) {
        lock(&self.0).on = on;
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
        if sends.on && !data.is_empty() {
            match socket::send_message_zero_copy(fd, data, address) {
                Ok(_) => {
                    let number = sends.next;
                    sends.next = number.wrapping_add(1);
                    sends.pending.push_back((number, data.clone()));
                    return Ok(Some(number));
                }
                // The bound on what may be pending: an ordinary send needs no part of it.
                Err(error) if socket::is_queue_full(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let pieces = [io::IoSlice::new(data)];
        socket::send_message(fd, &pieces, address, None, SendFlags::NONE).map(|_| None)
    }

    pub(super) fn release(&self, done: ZeroCopyDone) {
        let freed: VecDeque<_> = {
            let mut sends = lock(&self.0);
            let all = mem::take(&mut sends.pending);
            let (freed, pending) = all.into_iter().partition(|(number, _)| done.covers(*number));
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
        // See the module's page.
        mem::forget(mem::take(&mut lock(&self.0).pending));
    }
}

/// Zero-copy sends that are done with their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroCopyDone {
    first: u32,
    last: u32,
    copied: bool,
}

impl ZeroCopyDone {
    pub(super) fn of(entry: &ExtendedError) -> ZeroCopyDone {
        // `SO_EE_CODE_ZEROCOPY_COPIED` of Linux's `<linux/errqueue.h>`.
        let copied = entry.icmp_code & 1 != 0;
        ZeroCopyDone { first: entry.info, last: entry.data, copied }
    }

    /// Whether the send of this number is among them. Numbers begin again after `u32::MAX`.
    pub fn covers(&self, number: u32) -> bool {
        number.wrapping_sub(self.first) <= self.last.wrapping_sub(self.first)
    }

    /// Whether the data was copied after all, as it is on the loopback: then an ordinary send is
    /// cheaper.
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
    pub fn set_zerocopy(&self, on: bool) -> io::Result<()> {
        sockopt::ZERO_COPY.set(self.fd(), on)?;
        self.held().switch(on);
        Ok(())
    }

    /// Sends a datagram to `target`, or to the peer of a connected socket, without copying it where
    /// that can be. Returns the number of the send, or `None` if the data was copied: because
    /// [`set_zerocopy`](Self::set_zerocopy) was not called, too many sends are pending, or there
    /// is no data.
    ///
    /// The socket holds `data` until [`recv_error`](Self::recv_error) or
    /// [`try_recv_error`](Self::try_recv_error) has taken the entry that says it is done, so take
    /// them: what is held when the socket is dropped is leaked.
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
    pub async fn send_zerocopy(
        &self,
        data: Bytes,
        target: Option<SocketAddr>,
    ) -> io::Result<Option<u32>> {
        let address = target.as_ref().map(RawAddr::from);
        self.io().send_message(|fd| self.held().send(fd, &data, address.as_ref())).await
    }

    /// How many zero-copy sends the socket holds data for.
    pub fn zerocopy_pending(&self) -> usize {
        self.held().count()
    }
}
