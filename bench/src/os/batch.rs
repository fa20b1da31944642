//! Many datagrams a call: `recvmmsg(2)` and `sendmmsg(2)` on a connected socket.
//!
//! A [`Batch`] owns the headers, the vectors and one buffer that is cut into equal slots; nothing
//! in it moves once it is made, so that the pointers are set once.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// Storage for a number of datagrams of at most so many bytes.
pub struct Batch {
    /// These three never grow, so that their elements stay where the headers point.
    buffer: Vec<u8>,
    _vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
    slot: usize,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { headers, slot, .. } = self;
        f.debug_struct("Batch").field("slots", &headers.len()).field("slot", slot).finish()
    }
}

// SAFETY: the pointers in it are to its own heap memory, which moves with it between threads.
unsafe impl Send for Batch {}

impl Batch {
    /// `count` slots of `slot` bytes.
    #[must_use]
    pub fn new(count: usize, slot: usize) -> Self {
        let mut buffer = vec![0; count * slot];
        let base = buffer.as_mut_ptr();
        let mut vectors: Vec<_> = (0..count)
            .map(|index| libc::iovec {
                // In bounds: the buffer has `count * slot` bytes.
                iov_base: base.wrapping_add(index * slot).cast(),
                iov_len: slot,
            })
            .collect();
        let first = vectors.as_mut_ptr();
        let headers = (0..count)
            .map(|index| {
                // SAFETY: an all-zero mmsghdr is valid: no name, no vectors, no control buffer.
                let mut header = unsafe { std::mem::zeroed::<libc::mmsghdr>() };
                header.msg_hdr.msg_iov = first.wrapping_add(index);
                header.msg_hdr.msg_iovlen = 1;
                header
            })
            .collect();
        Self { buffer, _vectors: vectors, headers, slot }
    }

    /// How many datagrams it has room for.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.headers.len()
    }

    /// The bytes of a slot.
    #[must_use]
    pub fn slot_mut(&mut self, index: usize) -> &mut [u8] {
        &mut self.buffer[index * self.slot..][..self.slot]
    }

    /// The datagram that the last receive has put into a slot.
    #[must_use]
    pub fn received(&self, index: usize) -> &[u8] {
        &self.buffer[index * self.slot..][..self.headers[index].msg_len as usize]
    }

    /// Receives up to as many datagrams as there are slots, in order. Returns how many.
    ///
    /// # Errors
    ///
    /// Returns the error of `recvmmsg(2)`.
    pub fn recv(&mut self, fd: BorrowedFd<'_>) -> io::Result<usize> {
        let count = self.headers.len() as libc::c_uint;
        let headers = self.headers.as_mut_ptr();
        // SAFETY: `count` headers, whose vectors and buffers are ours and borrowed mutably with
        // `self` for the call; without a timeout.
        let received = check(unsafe {
            libc::recvmmsg(fd.as_raw_fd(), headers, count, 0, std::ptr::null_mut())
        })?;
        Ok(received as usize)
    }

    /// Sends whole slots of `range`. Returns how many, at least one.
    ///
    /// # Errors
    ///
    /// Returns the error of `sendmmsg(2)`, that is, of the first datagram.
    pub fn send(&mut self, fd: BorrowedFd<'_>, range: std::ops::Range<usize>) -> io::Result<usize> {
        let headers = &mut self.headers[range];
        // SAFETY: the headers' vectors and buffers are ours and borrowed with `self` for the call.
        let sent = check(unsafe {
            libc::sendmmsg(
                fd.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len() as libc::c_uint,
                libc::MSG_NOSIGNAL,
            )
        })?;
        Ok(sent as usize)
    }
}
