//! Receiving into the spare capacity of a `BufMut`, which the kernel initialises as it fills it.
//!
//! Called by the sockets and pipes. It decides nothing: one receive, and the buffer is advanced by
//! its count.
#![allow(unsafe_code, reason = "advancing a BufMut over bytes that the kernel has just written")]

#[cfg(feature = "net")]
use std::net::SocketAddr;
use std::{io, mem::MaybeUninit, os::fd::BorrowedFd};

use bytes::BufMut;
use edgewake_sys::pipe;
#[cfg(feature = "net")]
use edgewake_sys::socket;

/// How many bytes one call asks for: zero if the buffer is full.
#[inline]
pub(crate) fn room<B: BufMut + ?Sized>(buffer: &mut B) -> usize {
    buffer.chunk_mut().len()
}

/// Reads from a pipe into the next contiguous spare piece of `buffer` and counts it as filled.
#[inline]
pub(crate) fn read<B: BufMut + ?Sized>(fd: BorrowedFd<'_>, buffer: &mut B) -> io::Result<usize> {
    // SAFETY: read(2) initialises as many bytes as it counts.
    unsafe { fill(buffer, |spare| Ok((pipe::read_uninit(fd, spare)?, ()))) }
        .map(|(count, ())| count)
}

/// Receives into the next contiguous spare piece of `buffer` and counts it as filled.
#[cfg(feature = "net")]
#[inline]
pub(crate) fn recv<B: BufMut + ?Sized>(fd: BorrowedFd<'_>, buffer: &mut B) -> io::Result<usize> {
    // SAFETY: recv(2) initialises as many bytes as it counts.
    unsafe { fill(buffer, |spare| Ok((socket::recv_uninit(fd, spare)?, ()))) }
        .map(|(count, ())| count)
}

/// The same by [`socket::recv_marked`], with what that says beside the count.
#[cfg(feature = "net")]
#[inline]
pub(crate) fn recv_marked<B: BufMut + ?Sized>(
    fd: BorrowedFd<'_>,
    buffer: &mut B,
) -> io::Result<(usize, bool)> {
    // SAFETY: recvmsg(2) initialises as many bytes as it counts.
    unsafe { fill(buffer, |spare| socket::recv_marked_uninit(fd, spare)) }
}

/// [`recv`] of a datagram, with the address that it came from.
#[cfg(feature = "net")]
#[inline]
pub(crate) fn recv_from<B: BufMut + ?Sized>(
    fd: BorrowedFd<'_>,
    buffer: &mut B,
) -> io::Result<(usize, SocketAddr)> {
    // SAFETY: recvfrom(2) initialises as many bytes as it counts.
    unsafe { fill(buffer, |spare| socket::recv_from_uninit(fd, spare)) }
}

/// Lets `receive` fill the next spare piece of `buffer`, and advances that by what it counts.
///
/// # Safety
///
/// `receive` initialises at least the first bytes of the piece, as many as it returns, and writes
/// nothing uninitialised.
#[inline]
unsafe fn fill<B: BufMut + ?Sized, T>(
    buffer: &mut B,
    receive: impl FnOnce(&mut [MaybeUninit<u8>]) -> io::Result<(usize, T)>,
) -> io::Result<(usize, T)> {
    // SAFETY: nothing uninitialised is written to the slice, as the caller promises.
    let spare = unsafe { buffer.chunk_mut().as_uninit_slice_mut() };
    let room = spare.len();
    let (count, value) = receive(spare)?;
    // The kernel's word, but a buffer overrun if it were ever wrong.
    assert!(count <= room, "the kernel received {count} bytes into {room}");
    // SAFETY: the first `count` bytes of the chunk are initialised, as the caller promises; it is
    // at least that long, and nobody else has touched the buffer since.
    unsafe { buffer.advance_mut(count) };
    Ok((count, value))
}
