//! The storage that control messages are received into, and the descriptors in it.
//!
//! # Who owns a descriptor
//!
//! From the moment the kernel has written it: the [`Control`], which remembers up to where its
//! messages were taken (`at`). Taking a message moves `at` past it *before* handing it out, so its
//! descriptors then belong to the [`Fds`], and each that is taken from there to its `OwnedFd`.
//! Which messages have descriptors is said by `carries_descriptors`, and nowhere else.
//! Each of the three closes what it still owns when it is dropped. So each descriptor is owned
//! once, whatever is taken, dropped or forgotten.

use std::{
    fmt,
    os::fd::{OwnedFd, RawFd},
};

use super::{
    layout::{self, BLOCK, Block},
    message::Message,
};
use crate::fd;

/// Reusable storage for the control messages of one received message.
///
/// [`socket::recv_message`](crate::socket::recv_message) fills it, [`messages`](Self::messages)
/// takes the messages out. Descriptors that were received and not taken are closed when it is
/// filled again, and when it is dropped.
///
/// # Examples
///
/// ```
/// use std::{io::IoSliceMut, os::{fd::AsFd, unix::net::UnixStream}};
/// use edgewake_sys::{cmsg::{Control, Message, SendControl}, socket::{self, RecvFlags, SendFlags}};
///
/// let (near, far) = UnixStream::pair()?;
/// let mut sending = SendControl::new();
/// sending.push_fds(&[near.as_fd()]);
/// let data = [std::io::IoSlice::new(b"x")];
/// socket::send_message(near.as_fd(), &data, None, Some(&sending), SendFlags::NONE)?;
///
/// let mut control = Control::for_fds(1);
/// let mut buffer = [0];
/// let mut data = [IoSliceMut::new(&mut buffer)];
/// socket::recv_message(far.as_fd(), &mut data, Some(&mut control), RecvFlags::NONE)?;
/// let mut received = Vec::new();
/// for message in control.messages() {
///     if let Message::Fds(fds) = message {
///         received.extend(fds);
///     }
/// }
/// assert_eq!(received.len(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Control {
    blocks: Box<[Block]>,
    /// How many bytes are offered to the kernel.
    capacity: usize,
    /// How many of them it has filled.
    filled: usize,
    /// Where the first message lies that was not taken yet.
    at: usize,
}

impl Control {
    /// Storage of `bytes` bytes; [`space`](super::space) says how many a message takes. What does
    /// not fit is lost and reported
    /// ([`control_truncated`](crate::socket::Received::control_truncated)).
    #[inline]
    pub fn with_capacity(bytes: usize) -> Control {
        let blocks = vec![Block::ZERO; bytes.div_ceil(BLOCK)];
        Control { blocks: blocks.into(), capacity: bytes, filled: 0, at: 0 }
    }

    /// Storage for one message of `count` descriptors. Padding can make room for one more.
    #[inline]
    pub fn for_fds(count: usize) -> Control {
        Control::with_capacity(layout::space(count * size_of::<RawFd>()))
    }

    /// How many bytes the kernel may fill.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes out the messages that are in it. What the iterator is not asked for stays, until the
    /// storage is filled again.
    #[inline]
    pub fn messages(&mut self) -> Messages<'_> {
        let (bytes, at) = self.split();
        Messages { bytes, at }
    }

    /// Drops whatever is in it: descriptors that were not taken are closed.
    #[inline]
    pub fn clear(&mut self) {
        self.messages().for_each(drop);
        self.filled = 0;
        self.at = 0;
    }

    /// Empties it and gives the kernel the room: a pointer to [`capacity`](Self::capacity) bytes.
    #[inline]
    pub(crate) fn room(&mut self) -> *mut libc::c_void {
        self.clear();
        self.blocks.as_mut_ptr().cast()
    }

    /// Takes over what the kernel has written to [`room`](Self::room).
    ///
    /// # Safety
    ///
    /// The kernel wrote `length` bytes of control messages to the room since it was given out, and
    /// the descriptors in them belong to nobody else.
    #[inline]
    pub(crate) unsafe fn set_filled(&mut self, length: usize) {
        self.filled = length.min(self.capacity);
        self.at = 0;
    }

    /// Makes the descriptors in it close-on-exec, where receiving could not (T51).
    #[cfg(not(edgewake_has = "msg_cmsg_cloexec"))]
    pub(crate) fn close_on_exec(&self) -> std::io::Result<()> {
        use std::os::fd::BorrowedFd;
        let (bytes, mut at) = (self.bytes(), self.at);
        while let Some(found) = layout::find(bytes, at) {
            if carries_descriptors(found.level, found.kind) {
                for fd in descriptors(&bytes[found.payload]) {
                    // SAFETY: it is open until `self` closes it or gives it away.
                    fd::set_cloexec(unsafe { BorrowedFd::borrow_raw(fd) })?;
                }
            }
            at = found.next;
        }
        Ok(())
    }

    #[cfg(not(edgewake_has = "msg_cmsg_cloexec"))]
    fn bytes(&self) -> &[u8] {
        let start = self.blocks.as_ptr().cast();
        // SAFETY: as in `split`.
        unsafe { std::slice::from_raw_parts(start, self.filled) }
    }

    fn split(&mut self) -> (&[u8], &mut usize) {
        let start = self.blocks.as_ptr().cast();
        // SAFETY: the blocks are one array of initialised bytes of at least `capacity` bytes, and
        // `filled` is at most that.
        (unsafe { std::slice::from_raw_parts(start, self.filled) }, &mut self.at)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Control {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("capacity", &self.capacity)
            .field("untaken", &self.filled.saturating_sub(self.at))
            .finish()
    }
}

/// Takes the messages out of a [`Control`], in their order.
pub struct Messages<'a> {
    bytes: &'a [u8],
    at: &'a mut usize,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let found = layout::find(self.bytes, *self.at)?;
        // Before anything can own what is in it: see the module's page.
        *self.at = found.next;
        let payload = &self.bytes[found.payload];
        if !carries_descriptors(found.level, found.kind) {
            return Some(Message::decode(found.level, found.kind, payload));
        }
        let mut fds = Fds { left: payload };
        if found.kind == libc::SCM_RIGHTS {
            return Some(Message::Fds(fds));
        }
        // Where the kernel could not make one, it writes a negative error.
        Some(match fds.next() {
            Some(process) => Message::PidFd(process),
            None => Message::Unknown { level: found.level, kind: found.kind, bytes: payload },
        })
    }
}

impl fmt::Debug for Messages<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Received descriptors, which it owns: iterate to take them; the rest is closed with it.
pub struct Fds<'a> {
    left: &'a [u8],
}

impl Iterator for Fds<'_> {
    type Item = OwnedFd;

    fn next(&mut self) -> Option<OwnedFd> {
        while let Some((number, left)) = self.left.split_first_chunk() {
            // Before the number becomes an owner.
            self.left = left;
            let number = RawFd::from_ne_bytes(*number);
            if number >= 0 {
                // SAFETY: the kernel made the descriptor for this process and wrote its number
                // here; it was taken out above, so nobody else owns it.
                return Some(unsafe { fd::own(number) });
            }
        }
        None
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left.len() / size_of::<RawFd>()))
    }
}

impl Drop for Fds<'_> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

impl fmt::Debug for Fds<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(descriptors(self.left)).finish()
    }
}

/// `SCM_PIDFD` of `<linux/socket.h>`, which libc lacks.
#[cfg(edgewake_has = "scm_pidfd")]
const SCM_PIDFD: i32 = 4;

/// Whether the payload of such a message is descriptors that were made for this process.
#[inline]
fn carries_descriptors(level: i32, kind: i32) -> bool {
    #[cfg(edgewake_has = "scm_pidfd")]
    let process = kind == SCM_PIDFD;
    #[cfg(not(edgewake_has = "scm_pidfd"))]
    let process = false;
    level == libc::SOL_SOCKET && (kind == libc::SCM_RIGHTS || process)
}

/// The descriptor numbers in a payload. A number that is cut is none; neither is a negative one,
/// which no kernel should write.
#[inline]
fn descriptors(payload: &[u8]) -> impl Iterator<Item = RawFd> + '_ {
    let numbers = payload.chunks_exact(size_of::<RawFd>());
    let numbers = numbers.filter_map(|bytes| bytes.try_into().map(RawFd::from_ne_bytes).ok());
    numbers.filter(|number| *number >= 0)
}

#[cfg(test)]
mod tests;
