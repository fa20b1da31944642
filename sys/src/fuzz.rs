//! What the fuzz targets reach of this crate beyond its public face (`--cfg edgewake_fuzz`).
//!
//! No logic: each function hands its argument to one that a system call's answer goes through, or
//! makes what a system call would have filled. Called by the package in `fuzz/`, which has the
//! models; no ordinary build has this module.

use std::{io, net::SocketAddr};

pub use crate::selector::fuzz::{RawEvent, batch, kernel_timeouts};
use crate::{
    cmsg::{Control, SendControl},
    sockaddr::{InetAddr, RawAddr, UnixAddr},
    socket::{Share, share},
    sockopt::{self, Encoding, TcpInfo, Wire},
};

/// Storage as a receive leaves it: `bytes` written, `said` of them reported as filled.
///
/// # Safety
///
/// Descriptors in it that are not negative belong to it.
pub unsafe fn control_holding(bytes: &[u8], said: usize) -> Control {
    let mut control = Control::with_capacity(bytes.len());
    // SAFETY: the room is as long as the bytes, which lie elsewhere.
    unsafe { control.room().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    // SAFETY: written above; the caller promises the rest.
    unsafe { control.set_filled(said) };
    control
}

/// The bytes of messages to send.
pub fn control_bytes(messages: &SendControl<'_>) -> Vec<u8> {
    let (start, length) = messages.as_parts();
    // SAFETY: what `as_parts` returns is valid while `messages` is borrowed.
    unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) }.to_vec()
}

/// An address as a system call leaves it: `bytes` written, as far as there is room, and `said`
/// reported as its length.
pub fn raw_addr(bytes: &[u8], said: u32) -> RawAddr {
    let mut raw = RawAddr::empty();
    let (room, length) = raw.room();
    let count = bytes.len().min(length as usize);
    // SAFETY: `count` is at most the room's length, and the bytes lie elsewhere.
    unsafe { room.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), count) };
    raw.set_length(said as libc::socklen_t);
    raw
}

/// The same of a datagram's address, decoded.
///
/// # Errors
///
/// As [`recv_from`](crate::socket::recv_from)'s for such an address.
pub fn decode_inet(bytes: &[u8], said: u32) -> io::Result<SocketAddr> {
    let mut inet = InetAddr::room();
    let (room, length) = inet.as_room();
    // SAFETY: the pointer is to `inet`'s own length.
    let count = bytes.len().min(unsafe { *length } as usize);
    // SAFETY: `count` is at most the room's length, and the bytes lie elsewhere.
    unsafe { room.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), count) };
    // SAFETY: as above.
    unsafe { *length = said as libc::socklen_t };
    inet.decode()
}

/// What a datagram to `address` is sent with.
pub fn encode_inet(address: &SocketAddr) -> RawAddr {
    RawAddr::from(&InetAddr::from(address))
}

/// The address of a connection's peer.
pub fn unix_or_unnamed(raw: &RawAddr) -> UnixAddr {
    UnixAddr::or_unnamed(raw)
}

/// How much of a list of buffers one call takes: so many whole buffers; or so many bytes of the
/// one at an index; or nothing.
pub fn cut(lengths: &[usize]) -> (usize, Option<(usize, usize)>) {
    match share("readv", lengths.iter().copied()) {
        Share::Buffers(count) => (count, None),
        Share::Part { index, length } => (0, Some((index, length))),
        Share::Nothing => (0, None),
    }
}

/// A value as setsockopt(2) gets it.
pub fn encode_value<T>(encoding: Encoding<T>, value: T) -> Option<Wire> {
    encoding.encode(value)
}

/// A value as getsockopt(2) gives it.
pub fn decode_value<T>(encoding: Encoding<T>, bytes: &[u8]) -> Option<T> {
    encoding.decode(bytes)
}

/// An answer to `TCP_INFO` as each system that has it would mean it.
pub fn decode_tcp_info(bytes: &[u8]) -> [TcpInfo; 4] {
    sockopt::decode_all(bytes)
}
