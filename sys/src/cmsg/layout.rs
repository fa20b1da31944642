//! Where messages and their payloads lie: the systems' alignments, and the walk over a buffer.
//!
//! A message is a `cmsghdr`, padding up to [`HEADER`], its payload, and padding up to [`ALIGN`].
//! The C library's macros are asked for both numbers; its walking macros are not used, since those
//! of some systems trust the lengths they find (a length of zero made them go round for ever on
//! macOS before 14, T46).
//!
//! Pure data: any bytes can be walked, nothing outside them is read, and every walk ends.

use std::{ops::Range, ptr};

/// Where the payload of a message begins: 16 bytes on most systems, 12 on Apple's.
pub(super) const HEADER: usize = {
    // SAFETY: all that `CMSG_LEN` does is to compute with its argument.
    unsafe { libc::CMSG_LEN(0) as usize }
};

/// What a message's length is rounded up to: a word on most systems, 4 bytes on Apple's.
const ALIGN: usize = {
    // SAFETY: all that `CMSG_SPACE` does is to compute with its argument.
    unsafe { libc::CMSG_SPACE(1) as usize - HEADER }
};

/// A piece of storage, as aligned as any `cmsghdr` wants.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Block([u8; BLOCK]);

/// The size of a [`Block`].
pub(super) const BLOCK: usize = 16;

impl Block {
    pub(super) const ZERO: Block = Block([0; BLOCK]);
}

const _: () = assert!(align_of::<libc::cmsghdr>() <= align_of::<Block>());
const _: () = assert!(ALIGN <= align_of::<Block>());
const _: () = assert!(HEADER >= size_of::<libc::cmsghdr>() && ALIGN.is_power_of_two());

/// How many bytes of a buffer a message with `length` bytes of payload takes (`CMSG_SPACE`).
///
/// The sum over all messages that may come is the capacity that
/// [`Control::with_capacity`](super::Control::with_capacity) wants.
///
/// # Panics
///
/// If `length` is near the address space's.
///
/// # References
///
/// [cmsg(3)](https://man7.org/linux/man-pages/man3/cmsg.3.html)
#[doc(alias = "CMSG_SPACE")]
pub const fn space(length: usize) -> usize {
    HEADER + length.next_multiple_of(ALIGN)
}

/// A message found in a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) level: i32,
    pub(super) kind: i32,
    /// Where its payload lies, as much of it as the buffer holds.
    pub(super) payload: Range<usize>,
    /// Where the next one begins, if there is any.
    pub(super) next: usize,
}

/// The message that begins at `at`, or `None` at the end and where no whole header is left.
#[inline]
pub(super) fn find(bytes: &[u8], at: usize) -> Option<Found> {
    let rest = bytes.get(at..)?;
    // SAFETY: `cmsghdr` consists of integers.
    let header: libc::cmsghdr = unsafe { read(rest) }?;
    // Its type differs among the C libraries.
    let said: usize = header.cmsg_len as _;
    if said < HEADER || rest.len() < HEADER {
        return None;
    }
    // A message that was cut still says its whole length on Apple and some BSDs.
    let end = said.min(rest.len());
    let step = said.checked_next_multiple_of(ALIGN).unwrap_or(rest.len()).min(rest.len());
    Some(Found {
        level: header.cmsg_level,
        kind: header.cmsg_type,
        payload: at + HEADER..at + end,
        next: at + step,
    })
}

/// Writes a header for `length` bytes of payload to the beginning of `room`, which the caller has
/// made [`space`]`(length)` zeros long.
#[inline]
pub(super) fn write_header(room: &mut [u8], level: i32, kind: i32, length: usize) {
    assert!(room.len() >= space(length), "room for the message was made");
    // SAFETY: `cmsghdr` consists of integers: all zeros is a value. Some C libraries pad it, so it
    // cannot be written out field by field.
    let mut header: libc::cmsghdr = unsafe { std::mem::zeroed() };
    header.cmsg_len = (HEADER + length) as _;
    header.cmsg_level = level;
    header.cmsg_type = kind;
    // SAFETY: `room` is at least `HEADER` bytes, which is at least a `cmsghdr`; the write asks for
    // no alignment, and `header` is a local.
    unsafe { ptr::write_unaligned(room.as_mut_ptr().cast(), header) };
}

/// The value of type `T` at the beginning of `bytes`, if they are enough.
///
/// # Safety
///
/// `T` consists of integers, so that any bytes are a value of it.
#[inline]
pub(super) unsafe fn read<T: Copy>(bytes: &[u8]) -> Option<T> {
    let bytes = bytes.get(..size_of::<T>())?;
    // SAFETY: as many bytes as a `T` has are readable there, any bytes are a `T` as the caller
    // promises, and the read asks for no alignment.
    Some(unsafe { ptr::read_unaligned(bytes.as_ptr().cast()) })
}

/// The bytes of a value.
///
/// # Safety
///
/// `T` consists of integers without padding.
pub(super) unsafe fn bytes_of<T: Copy>(value: &T) -> &[u8] {
    // SAFETY: the value is as long as its type, and without padding every byte of it is
    // initialised, as the caller promises.
    unsafe { std::slice::from_raw_parts(ptr::from_ref(value).cast(), size_of::<T>()) }
}
