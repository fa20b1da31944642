//! Receiving into the spare capacity of a `BufMut`, which the kernel initialises as it fills it.
//!
//! Called by the stream sockets. It decides nothing: one receive, and the buffer is advanced by
//! its count.
#![allow(unsafe_code, reason = "advancing a BufMut over bytes that the kernel has just written")]

use std::{io, os::fd::BorrowedFd};

use bytes::BufMut;
use edgewake_sys::socket;

/// How many bytes [`recv`] asks for: zero if the buffer is full.
#[inline]
pub(crate) fn room<B: BufMut + ?Sized>(buffer: &mut B) -> usize {
    buffer.chunk_mut().len()
}

/// Receives into the next contiguous spare piece of `buffer` and counts it as filled.
#[inline]
pub(crate) fn recv<B: BufMut + ?Sized>(fd: BorrowedFd<'_>, buffer: &mut B) -> io::Result<usize> {
    // SAFETY: nothing uninitialised is written to the slice: the kernel alone writes, whole bytes.
    let spare = unsafe { buffer.chunk_mut().as_uninit_slice_mut() };
    let room = spare.len();
    let count = socket::recv_uninit(fd, spare)?;
    // The kernel's word, but a buffer overrun if it were ever wrong.
    assert!(count <= room, "the kernel received {count} bytes into {room}");
    // SAFETY: recv(2) has initialised the first `count` bytes of the chunk, which is at least that
    // long, and nobody else has touched the buffer since.
    unsafe { buffer.advance_mut(count) };
    Ok(count)
}
