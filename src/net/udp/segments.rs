//! Segments: many datagrams of one size as one message, cut by the kernel (GSO) and joined by it
//! (GRO).
//!
//! # When the kernel does not segment
//!
//! Whether it knows how is asked once, on a socket of its own, so that the question leaves nothing
//! behind on anyone's. A kernel that knows can still refuse: `EIO` where the device cannot
//! checksum, `EINVAL` in some odd configurations. Then this socket never asks again, and the same
//! datagrams go one by one (T65). `EMSGSIZE` is no refusal: it is about the path, and the
//! caller's.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd,
    sync::OnceLock,
};

use edgewake_sys::{
    socket::{self, Domain, Type},
    sockopt,
};

use super::UdpSocket;
use crate::sync::atomic::{AtomicBool, Ordering};

/// `UDP_MAX_SEGMENTS` of Linux's `<linux/udp.h>`; twice as many since 6.9, which is not worth a
/// question of its own.
const MOST_SEGMENTS: usize = 64;

/// Whether this socket's messages are segmented by the kernel.
#[derive(Debug)]
pub(super) struct Segmentation {
    refused: AtomicBool,
}

impl Segmentation {
    #[inline]
    pub(super) fn new() -> Segmentation {
        Segmentation { refused: AtomicBool::new(false) }
    }

    /// Into how many segments a message may be cut: one is none.
    #[inline]
    pub(super) fn most(&self) -> usize {
        // Relaxed: who misses it is refused once more, and comes here again.
        if self.refused.load(Ordering::Relaxed) { 1 } else { known() }
    }

    /// From now on, no segmented messages.
    #[inline]
    pub(super) fn give_up(&self) {
        // Relaxed: see `most`.
        self.refused.store(true, Ordering::Relaxed);
    }
}

/// What the kernel knows, asked once.
fn known() -> usize {
    static KNOWN: OnceLock<usize> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return *known;
    }
    match probe() {
        Ok(supported) => *KNOWN.get_or_init(|| if supported { MOST_SEGMENTS } else { 1 }),
        // No descriptor left to ask with: not now.
        Err(_) => 1,
    }
}

fn probe() -> io::Result<bool> {
    if !sockopt::SEGMENT_SIZE.is_supported() {
        return Ok(false);
    }
    let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let socket = socket::create(Domain::for_addr(&anywhere), Type::DATAGRAM)?;
    Ok(sockopt::SEGMENT_SIZE.set(socket.as_fd(), 1200).is_ok())
}

/// # Segments
impl UdpSocket {
    /// Into how many datagrams the kernel cuts one message of this socket: 1 where it does not
    /// segment, or has refused to. A [`SendBatch`](super::SendBatch) needs not be told: it cuts
    /// what the kernel does not.
    ///
    /// # References
    ///
    /// [udp(7)](https://man7.org/linux/man-pages/man7/udp.7.html) `UDP_SEGMENT`
    #[doc(alias = "UDP_SEGMENT")]
    #[inline]
    pub fn max_segments(&self) -> usize {
        self.segmentation().most()
    }

    /// Whether several datagrams of one sender can be received as one. Off by default.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) except on Linux; `ENOPROTOOPT` before 5.0.
    #[doc(alias = "UDP_GRO")]
    #[inline]
    pub fn gro(&self) -> io::Result<bool> {
        sockopt::GRO.get(self.fd())
    }

    /// Sets [`gro`](Self::gro). From then on receive with [`recv_batch`](Self::recv_batch), whose
    /// [`Datagram::segments`](super::Datagram::segments) takes them apart, and give each buffer
    /// room for 65535 bytes; what does not tell of segments gets them joined.
    ///
    /// # Errors
    ///
    /// As for [`gro`](Self::gro).
    ///
    /// # References
    ///
    /// [udp(7)](https://man7.org/linux/man-pages/man7/udp.7.html) `UDP_GRO`
    #[doc(alias = "UDP_GRO")]
    #[inline]
    pub fn set_gro(&self, on: bool) -> io::Result<()> {
        sockopt::GRO.set(self.fd(), on)
    }
}
