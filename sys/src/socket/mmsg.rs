//! Many messages with one call: recvmmsg(2) and sendmmsg(2), and the same one by one where the
//! system has neither.
//!
//! # What a count means
//!
//! The messages before it, in order, were received or sent, each whole; nothing happened to the
//! others (T66). An error means that none was. Where an error stands behind some that went well,
//! they are told first. Sending, it is lost then if it was one that the kernel tells once
//! (sendmmsg(2), "BUGS"), and found again by trying again if not. Receiving, the next call returns
//! it, from the kernel's memory; received one by one, it is beside the messages
//! ([`MultiRecv::take_error`]): it belongs to the socket, of which this storage knows no more than
//! a number, that can be another socket's next time.
//!
//! Called by the library's datagram sockets. It never retries.

use std::{
    fmt, io,
    os::fd::{AsRawFd, BorrowedFd},
};

use super::{
    message::{Received, RecvFlags, SendFlags, blank, outgoing},
    stalled::explain,
};
#[cfg(edgewake_has = "recvmmsg")]
use crate::syscall::transfer_length;
use crate::{
    cmsg::{Control, SendControl},
    sockaddr::RawAddr,
};

cfg_if::cfg_if! {
    if #[cfg(edgewake_has = "recvmmsg")] {
        use libc::mmsghdr as Header;
    } else {
        /// Named as in C, where the systems that have it define it.
        #[repr(C)]
        struct Header {
            msg_hdr: libc::msghdr,
            msg_len: u32,
        }
    }
}

/// A way of receiving into many headers: how many, and what ended it.
type ReceiveCall = unsafe fn(BorrowedFd<'_>, &mut [Header], i32) -> (usize, Option<io::Error>);

/// A way of sending from many headers.
type SendCall = unsafe fn(BorrowedFd<'_>, &mut [Header], i32) -> io::Result<usize>;

/// Reusable storage for what comes beside many received messages.
///
/// # Examples
///
/// ```
/// use std::{net::UdpSocket, os::fd::AsFd};
/// use edgewake_sys::socket::{MultiRecv, RecvFlags};
///
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// for text in ["one", "two"] {
///     socket.send_to(text.as_bytes(), socket.local_addr()?)?;
/// }
/// let mut buffers = [[0; 16]; 4];
/// let mut batch = MultiRecv::new(4, 0);
/// socket.set_nonblocking(true)?;
/// let pieces = buffers.iter_mut().map(|buffer| &mut buffer[..]);
/// let count = batch.receive(socket.as_fd(), pieces, RecvFlags::NONE)?;
/// assert_eq!(count, 2);
/// assert_eq!(&buffers[1][..batch.received(1).unwrap().length], b"two");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct MultiRecv {
    // Both hold pointers that mean something within a call only.
    headers: Vec<Header>,
    pieces: Vec<libc::iovec>,
    addresses: Vec<RawAddr>,
    /// As many as addresses, or none.
    controls: Vec<Control>,
    count: usize,
    /// What the one-by-one loop met behind the messages of the last call.
    behind: Option<io::Error>,
}

// SAFETY: the raw pointers are written and used within one call that borrows what they point to;
// between calls nobody looks at them. All else is Send and Sync.
unsafe impl Send for MultiRecv {}
// SAFETY: as above; nothing is changed through a shared reference.
unsafe impl Sync for MultiRecv {}

impl MultiRecv {
    /// Storage for `capacity` messages, with `control` bytes of control messages each; see
    /// [`cmsg::space`](crate::cmsg::space).
    #[inline]
    pub fn new(capacity: usize, control: usize) -> MultiRecv {
        let with_control = if control > 0 { capacity } else { 0 };
        MultiRecv {
            headers: Vec::with_capacity(capacity),
            pieces: Vec::with_capacity(capacity),
            addresses: vec![RawAddr::empty(); capacity],
            controls: (0..with_control).map(|_| Control::with_capacity(control)).collect(),
            count: 0,
            behind: None,
        }
    }

    /// How many messages one call can receive.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.addresses.len()
    }

    /// How many messages the last call has received.
    #[inline]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The error that the last call met behind the messages it has received. The kernel will not
    /// tell it again: have the socket's next receive return it. The next call here forgets it.
    #[inline]
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.behind.take()
    }

    /// Receives messages that are there, the first into the first buffer and so on, and returns how
    /// many: at most [`capacity`](Self::capacity), and zero only if there is no buffer. What the
    /// last call has received is dropped first. Ask [`take_error`](Self::take_error) afterwards.
    ///
    /// # Errors
    ///
    /// As [`recv_message`](super::recv_message), where there is no message before it.
    ///
    /// # Platform notes
    ///
    /// Apple, FreeBSD, DragonFly and Android: one system call for each message. (FreeBSD's library
    /// does so too, and loses an error behind messages.)
    ///
    /// # References
    ///
    /// [recvmmsg(2)](https://man7.org/linux/man-pages/man2/recvmmsg.2.html)
    #[doc(alias = "recvmmsg")]
    #[inline]
    pub fn receive<'b>(
        &mut self,
        fd: BorrowedFd<'_>,
        buffers: impl IntoIterator<Item = &'b mut [u8]>,
        flags: RecvFlags,
    ) -> io::Result<usize> {
        #[cfg(edgewake_has = "recvmmsg")]
        return self.receive_by(fd, buffers, flags, receive_at_once);
        #[cfg(not(edgewake_has = "recvmmsg"))]
        return self.receive_by(fd, buffers, flags, receive_one_by_one);
    }

    fn receive_by<'b>(
        &mut self,
        fd: BorrowedFd<'_>,
        buffers: impl IntoIterator<Item = &'b mut [u8]>,
        flags: RecvFlags,
        call: ReceiveCall,
    ) -> io::Result<usize> {
        self.clear();
        self.behind = None;
        self.prepare(buffers);
        if self.headers.is_empty() {
            return Ok(0);
        }
        // SAFETY: `prepare` has filled each header with pointers to its own piece, address and
        // control storage, all of which stay in place for the call; the iterator gave distinct
        // buffers, borrowed for longer than this function runs.
        let (count, error) = unsafe { call(fd, &mut self.headers, flags.bits()) };
        match error {
            Some(error) if count == 0 => return Err(error),
            error => self.behind = error,
        }
        self.adopt(count)?;
        Ok(count)
    }

    /// Forgets what was received: descriptors that were not taken are closed.
    #[inline]
    pub fn clear(&mut self) {
        self.count = 0;
        self.controls.iter_mut().for_each(Control::clear);
    }

    /// What is known of the message at `index`.
    #[inline]
    pub fn received(&self, index: usize) -> Option<Received> {
        let header = self.headers[..self.count].get(index)?;
        let named = header.msg_hdr.msg_namelen > 0;
        let address = named.then(|| self.addresses[index]);
        Some(Received::new(header.msg_len as usize, header.msg_hdr.msg_flags, address))
    }

    /// The control messages of the message at `index`; `None` if there is no storage for any.
    #[inline]
    pub fn control(&mut self, index: usize) -> Option<&mut Control> {
        self.controls.iter_mut().take(self.count).nth(index)
    }

    fn prepare<'b>(&mut self, buffers: impl IntoIterator<Item = &'b mut [u8]>) {
        self.pieces.clear();
        self.headers.clear();
        for buffer in buffers.into_iter().take(self.addresses.len()) {
            let iov_base = buffer.as_mut_ptr().cast();
            self.pieces.push(libc::iovec { iov_base, iov_len: buffer.len() });
        }
        // Each is borrowed once: to borrow one by its index would borrow all of them, and end what
        // the pointers to the others may be used for.
        let mut controls = self.controls.iter_mut();
        for (piece, address) in self.pieces.iter_mut().zip(&mut self.addresses) {
            let mut message = blank();
            let (name, room) = address.room();
            message.msg_name = name.cast();
            message.msg_namelen = room;
            message.msg_iov = piece;
            message.msg_iovlen = 1;
            if let Some(control) = controls.next() {
                message.msg_controllen = control.capacity() as _;
                message.msg_control = control.room();
            }
            self.headers.push(Header { msg_hdr: message, msg_len: 0 });
        }
    }

    /// Takes over what the kernel has written for `count` messages.
    fn adopt(&mut self, count: usize) -> io::Result<()> {
        self.count = count;
        for (index, header) in self.headers[..count].iter().enumerate() {
            self.addresses[index].set_length(header.msg_hdr.msg_namelen);
            if let Some(control) = self.controls.get_mut(index) {
                // SAFETY: the call received this message, so the kernel wrote that many bytes to
                // the room that `prepare` gave it, and its descriptors are new.
                unsafe { control.set_filled(header.msg_hdr.msg_controllen as _) };
            }
        }
        #[cfg(not(edgewake_has = "msg_cmsg_cloexec"))]
        for control in self.controls.iter().take(count) {
            control.close_on_exec()?;
        }
        Ok(())
    }
}

impl fmt::Debug for MultiRecv {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiRecv")
            .field("capacity", &self.capacity())
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// A message to send with others.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The data.
    pub data: &'a [u8],
    /// Where to; `None` is the peer of a connected socket.
    pub address: Option<&'a RawAddr>,
    /// What goes beside it.
    pub control: Option<&'a SendControl<'a>>,
}

/// Reusable storage for sending many messages.
///
/// # Examples
///
/// ```
/// use std::{net::UdpSocket, os::fd::AsFd};
/// use edgewake_sys::{sockaddr::RawAddr, socket::{MultiSend, Outgoing, SendFlags}};
///
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// let address = RawAddr::from(&socket.local_addr()?);
/// let to_itself = |data| Outgoing { data, address: Some(&address), control: None };
/// let messages = [&b"one"[..], b"two"].map(to_itself);
/// let mut batch = MultiSend::new();
/// assert_eq!(batch.send(socket.as_fd(), messages, SendFlags::NONE)?, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
pub struct MultiSend {
    // Both hold pointers that mean something within a call only.
    headers: Vec<Header>,
    pieces: Vec<libc::iovec>,
}

// SAFETY: as for `MultiRecv`.
unsafe impl Send for MultiSend {}
// SAFETY: as for `MultiRecv`.
unsafe impl Sync for MultiSend {}

/// How many messages the kernels take with one call (`UIO_MAXIOV`).
const MOST_MESSAGES: usize = 1024;

impl MultiSend {
    /// No storage yet: it grows as it is used.
    pub const fn new() -> MultiSend {
        MultiSend { headers: Vec::new(), pieces: Vec::new() }
    }

    /// Sends messages in order until there is no room or one fails, and returns how many were
    /// sent: zero only if there was none to send. At most 1024 of them.
    ///
    /// # Errors
    ///
    /// As [`send_message`](super::send_message), for the first of them.
    ///
    /// # Platform notes
    ///
    /// Apple, FreeBSD, DragonFly and Android: one system call for each message, as FreeBSD's
    /// library does too.
    ///
    /// # References
    ///
    /// [sendmmsg(2)](https://man7.org/linux/man-pages/man2/sendmmsg.2.html)
    #[doc(alias = "sendmmsg")]
    #[inline]
    pub fn send<'b>(
        &mut self,
        fd: BorrowedFd<'_>,
        messages: impl IntoIterator<Item = Outgoing<'b>>,
        flags: SendFlags,
    ) -> io::Result<usize> {
        #[cfg(edgewake_has = "recvmmsg")]
        return self.send_by(fd, messages, flags, send_at_once);
        #[cfg(not(edgewake_has = "recvmmsg"))]
        return self.send_by(fd, messages, flags, send_one_by_one);
    }

    fn send_by<'b>(
        &mut self,
        fd: BorrowedFd<'_>,
        messages: impl IntoIterator<Item = Outgoing<'b>>,
        flags: SendFlags,
        call: SendCall,
    ) -> io::Result<usize> {
        self.pieces.clear();
        self.headers.clear();
        for message in messages.into_iter().take(MOST_MESSAGES) {
            let iov_base = message.data.as_ptr().cast_mut().cast();
            self.pieces.push(libc::iovec { iov_base, iov_len: message.data.len() });
            let msg_hdr = outgoing(message.address, message.control);
            self.headers.push(Header { msg_hdr, msg_len: 0 });
        }
        // Only now do the pieces stay where they are.
        for (header, piece) in self.headers.iter_mut().zip(&mut self.pieces) {
            header.msg_hdr.msg_iov = piece;
            header.msg_hdr.msg_iovlen = 1;
        }
        if self.headers.is_empty() {
            return Ok(0);
        }
        // SAFETY: each header names its own piece, and data, address and control messages that are
        // borrowed for longer than this function runs.
        match unsafe { call(fd, &mut self.headers, flags.bits()) } {
            // SAFETY: as for the call, which fails as its first message does.
            Err(error) => Err(unsafe { explain(fd, &self.headers[0].msg_hdr, error) }),
            outcome => outcome,
        }
    }
}

/// Whether an error of a message with a segment size
/// ([`push_segment_size`](SendControl::push_segment_size)) can mean that the kernel would not
/// segment it: `EIO`, where the device computes no checksums or the packet would be encrypted, and
/// `EINVAL`. `EMSGSIZE` is another matter: a segment is too long for the path (T65).
///
/// # References
///
/// [udp(7)](https://man7.org/linux/man-pages/man7/udp.7.html) `UDP_SEGMENT`
#[inline]
pub fn is_segmentation_refused(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL))
}

impl fmt::Debug for MultiSend {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiSend").finish_non_exhaustive()
    }
}

/// # Safety
///
/// The pointers of each header are valid for the call, for writing by recvmsg(2).
#[cfg(edgewake_has = "recvmmsg")]
unsafe fn receive_at_once(
    fd: BorrowedFd<'_>,
    headers: &mut [Header],
    flags: i32,
) -> (usize, Option<io::Error>) {
    let length = transfer_length("recvmmsg", headers.len());
    let (start, timeout) = (headers.as_mut_ptr(), std::ptr::null_mut());
    let call = || {
        // SAFETY: `start` points to at least `length` headers; the caller answers for what they
        // point to. No timeout: the socket is non-blocking.
        unsafe { syscall!(recvmmsg(fd.as_raw_fd(), start, length as _, flags as _, timeout)) }
    };
    match call() {
        Ok(count) => (count as usize, None),
        Err(error) => (0, Some(error)),
    }
}

/// # Safety
///
/// As [`receive_at_once`].
#[cfg(any(test, not(edgewake_has = "recvmmsg")))]
unsafe fn receive_one_by_one(
    fd: BorrowedFd<'_>,
    headers: &mut [Header],
    flags: i32,
) -> (usize, Option<io::Error>) {
    for (count, header) in headers.iter_mut().enumerate() {
        // SAFETY: the caller answers for what the header points to.
        match unsafe { syscall!(recvmsg(fd.as_raw_fd(), &mut header.msg_hdr, flags)) } {
            Ok(length) => header.msg_len = length as _,
            // Nothing that would not be found again.
            Err(error) if count > 0 && is_transient(&error) => return (count, None),
            Err(error) => return (count, Some(error)),
        }
    }
    (headers.len(), None)
}

/// # Safety
///
/// The pointers of each header are valid for the call, for reading by sendmsg(2).
#[cfg(edgewake_has = "recvmmsg")]
#[inline]
unsafe fn send_at_once(
    fd: BorrowedFd<'_>,
    headers: &mut [Header],
    flags: i32,
) -> io::Result<usize> {
    let (start, length) = (headers.as_mut_ptr(), transfer_length("sendmmsg", headers.len()));
    // SAFETY: `start` points to at least `length` headers; the caller answers for what they point
    // to.
    let count = unsafe { syscall!(sendmmsg(fd.as_raw_fd(), start, length as _, flags as _)) }?;
    Ok(count as usize)
}

/// # Safety
///
/// As [`send_at_once`].
#[cfg(any(test, not(edgewake_has = "recvmmsg")))]
unsafe fn send_one_by_one(
    fd: BorrowedFd<'_>,
    headers: &mut [Header],
    flags: i32,
) -> io::Result<usize> {
    for (count, header) in headers.iter_mut().enumerate() {
        // SAFETY: the caller answers for what the header points to.
        match unsafe { syscall!(sendmsg(fd.as_raw_fd(), &header.msg_hdr, flags)) } {
            Ok(length) => header.msg_len = length as _,
            Err(error) if count == 0 => return Err(error),
            // As sendmmsg(2): what was sent is told, and trying again finds the error again.
            Err(_) => return Ok(count),
        }
    }
    Ok(headers.len())
}

#[cfg(any(test, not(edgewake_has = "recvmmsg")))]
fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests;
