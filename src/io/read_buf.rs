//! Receiving into the spare capacity of a `BufMut`, which the kernel initialises as it fills it.
//!
//! Called by the stream sockets. It decides nothing: one receive, and the buffer is advanced by
//! its count.
#![allow(unsafe_code, reason = "advancing a BufMut over bytes that the kernel has just written")]

use std::{io, mem::MaybeUninit, os::fd::BorrowedFd};

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
    // SAFETY: recv(2) initialises the bytes that it counts.
    let outcome = unsafe { fill(buffer, |spare| socket::recv_uninit(fd, spare).map(|n| (n, ()))) };
    outcome.map(|(count, ())| count)
}

/// The same by [`socket::recv_marked`], with what that says beside the count.
#[inline]
pub(crate) fn recv_marked<B: BufMut + ?Sized>(
    fd: BorrowedFd<'_>,
    buffer: &mut B,
) -> io::Result<(usize, bool)> {
    // SAFETY: recvmsg(2) initialises the bytes that it counts.
    unsafe { fill(buffer, |spare| socket::recv_marked_uninit(fd, spare)) }
}

/// # Safety
///
/// `receive` writes no uninitialised byte, and initialises as many bytes, from the first on, as it
/// returns.
#[inline]
unsafe fn fill<B: BufMut + ?Sized, R>(
    buffer: &mut B,
    receive: impl FnOnce(&mut [MaybeUninit<u8>]) -> io::Result<(usize, R)>,
) -> io::Result<(usize, R)> {
    // SAFETY: the caller promises that nothing uninitialised is written to the slice.
    let spare = unsafe { buffer.chunk_mut().as_uninit_slice_mut() };
    let room = spare.len();
    let (count, beside) = receive(spare)?;
    // The kernel's word, but a buffer overrun if it were ever wrong.
    assert!(count <= room, "the kernel received {count} bytes into {room}");
    // SAFETY: the caller promises that the first `count` bytes of the chunk, which is at least that
    // long, are initialised; nobody else has touched the buffer since.
    unsafe { buffer.advance_mut(count) };
    Ok((count, beside))
}
