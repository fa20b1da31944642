//! Sending many datagrams with one call.
//!
//! An entry is a payload for one peer: one datagram, or with a segment size many. Where the kernel
//! segments, an entry is as few messages as its limits allow; where it does not, or has refused to
//! (T65), each segment is a message of its own. The same queue serves both ways: what a failed
//! attempt did not send is built anew for the next.

use std::{
    collections::VecDeque,
    fmt, io,
    net::{IpAddr, SocketAddr},
    os::fd::BorrowedFd,
    task::{Context, Poll},
};

use bytes::Bytes;
use edgewake_sys::{
    cmsg::SendControl,
    sockaddr::RawAddr,
    socket::{self, MultiSend, SendFlags, is_segmentation_refused as is_refusal},
};

use super::datagram::Ecn;
use crate::net::{UdpSocket, udp::segments::Segmentation};

/// The most bytes of one segmented message: 65535 less an IPv4 header with options, or an IPv6
/// one, and UDP's.
const MOST_BYTES: usize = 65_535 - 60 - 8;

/// A queue of datagrams to send; see [`UdpSocket::send_batch`].
///
/// # Examples
///
/// An answer from the address that was asked, with its congestion notification echoed:
///
/// ```
/// use bytes::Bytes;
/// use edgewake::net::udp::{Datagram, Ecn, SendBatch};
///
/// fn answer(batch: &mut SendBatch, question: &Datagram<'_>) -> std::io::Result<()> {
///     let mut entry = batch.push(Bytes::from_static(b"answer"), question.source());
///     if let Some(local) = question.local_ip() {
///         entry.source(local, 0)?;
///     }
///     entry.ecn(question.ecn().unwrap_or(Ecn::NotCapable))
/// }
/// ```
#[derive(Default)]
pub struct SendBatch {
    entries: VecDeque<Entry>,
    /// Entries that were sent, for their storage.
    spare: Vec<Entry>,
    raw: MultiSend,
}

struct Entry {
    data: Bytes,
    /// How much of it was sent already, whole segments.
    sent: usize,
    target: Option<SocketAddr>,
    address: Option<RawAddr>,
    /// What is beside it whether or not the kernel segments it.
    control: SendControl<'static>,
    /// The same with the segment size; used only if there is one.
    segmented: SendControl<'static>,
    segment_size: Option<u16>,
}

impl SendBatch {
    /// An empty queue. It grows as it is used, and keeps its storage.
    #[inline]
    pub fn new() -> SendBatch {
        SendBatch::default()
    }

    /// How many entries are in it.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none in it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a datagram to `target`. What is returned can say more about it.
    #[inline]
    pub fn push(&mut self, data: impl Into<Bytes>, target: impl Into<SocketAddr>) -> Outgoing<'_> {
        self.push_entry(data.into(), Some(target.into()))
    }

    /// Adds a datagram to the peer of a connected socket.
    #[inline]
    pub fn push_to_peer(&mut self, data: impl Into<Bytes>) -> Outgoing<'_> {
        self.push_entry(data.into(), None)
    }

    fn push_entry(&mut self, data: Bytes, target: Option<SocketAddr>) -> Outgoing<'_> {
        let mut entry = self.spare.pop().unwrap_or_default();
        entry.control.clear();
        entry.segmented.clear();
        entry.data = data;
        entry.sent = 0;
        entry.target = target;
        entry.address = target.as_ref().map(RawAddr::from);
        entry.segment_size = None;
        let index = self.entries.len();
        self.entries.push_back(entry);
        Outgoing { entry: &mut self.entries[index] }
    }

    /// Takes the first entry off, such as one that cannot be sent, and returns what of its data was
    /// not sent yet.
    #[inline]
    pub fn pop_front(&mut self) -> Option<Bytes> {
        let mut entry = self.entries.pop_front()?;
        let data = std::mem::take(&mut entry.data);
        let rest = data.slice(entry.sent..);
        self.spare.push(entry);
        Some(rest)
    }

    /// Takes all entries off.
    #[inline]
    pub fn clear(&mut self) {
        while self.pop_front().is_some() {}
    }

    /// Sends from the front until at least one entry is out, and takes off what is.
    pub(super) fn transmit(
        &mut self,
        fd: BorrowedFd<'_>,
        segmentation: &Segmentation,
    ) -> io::Result<usize> {
        if self.entries.is_empty() {
            return Ok(0);
        }
        let mut refused = false;
        loop {
            let most = if refused { 1 } else { segmentation.most() };
            let messages = self.entries.iter().flat_map(|entry| entry.messages(most));
            match self.raw.send(fd, messages, SendFlags::NONE) {
                Ok(count) => {
                    if refused {
                        // It was the segmenting: never again.
                        segmentation.give_up();
                    }
                    let done = self.advance(count, most);
                    if done > 0 {
                        return Ok(done);
                    }
                    // A part of the first entry: on with it.
                }
                Err(error) if self.front_is_segmented(most) && is_refusal(&error) => {
                    // The same datagrams, one by one.
                    refused = true;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes `count` messages, as they were made for `most` segments, off the front. Returns how
    /// many entries that completed.
    fn advance(&mut self, mut count: usize, most: usize) -> usize {
        let mut done = 0;
        while let Some(entry) = self.entries.front_mut() {
            let left = entry.messages(most).count();
            if count < left {
                entry.sent += entry.messages(most).take(count).map(|m| m.data.len()).sum::<usize>();
                break;
            }
            count -= left;
            done += 1;
            let _sent = self.pop_front();
        }
        done
    }

    fn front_is_segmented(&self, most: usize) -> bool {
        self.entries.front().is_some_and(|entry| entry.is_segmented(most))
    }
}

impl Entry {
    /// Whether its first message is one that the kernel is to segment.
    fn is_segmented(&self, most: usize) -> bool {
        let left = self.data.len() - self.sent;
        self.segment_size.is_some_and(|size| most > 1 && left > usize::from(size))
    }

    /// The messages that are left of it, where the kernel segments into at most `most`.
    fn messages(&self, most: usize) -> impl Iterator<Item = socket::Outgoing<'_>> {
        let rest = &self.data[self.sent..];
        let size = self.segment_size.map_or(usize::MAX, usize::from);
        let step = if self.is_segmented(most) {
            // Whole segments: only the last of all may be shorter.
            most.min(MOST_BYTES / size).max(1) * size
        } else {
            size
        };
        // One of no bytes is a datagram too.
        let empty = rest.is_empty().then_some(rest);
        rest.chunks(step).chain(empty).map(move |data| {
            let control = if data.len() > size { &self.segmented } else { &self.control };
            socket::Outgoing { data, address: self.address.as_ref(), control: Some(control) }
        })
    }
}

impl Default for Entry {
    #[inline]
    fn default() -> Entry {
        Entry {
            data: Bytes::new(),
            sent: 0,
            target: None,
            address: None,
            control: SendControl::new(),
            segmented: SendControl::new(),
            segment_size: None,
        }
    }
}

impl fmt::Debug for SendBatch {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.entries).finish()
    }
}

impl fmt::Debug for Entry {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("length", &(self.data.len() - self.sent))
            .field("target", &self.target)
            .field("segment_size", &self.segment_size)
            .finish_non_exhaustive()
    }
}

/// The last entry of a [`SendBatch`], of which more is to be said.
#[derive(Debug)]
pub struct Outgoing<'a> {
    entry: &'a mut Entry,
}

impl Outgoing<'_> {
    /// Sends it from this address of the machine (the unspecified one is any) through the interface
    /// of this index (0 is any). Say it at most once.
    ///
    /// On an IPv6 socket that carries IPv4 too, the address is given as it is.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for an IPv4 interface on FreeBSD, DragonFly and
    /// OpenBSD.
    ///
    /// # Platform notes
    ///
    /// FreeBSD refuses to send from an IPv4 address (`EINVAL`) unless the socket is bound to the
    /// unspecified address.
    ///
    /// # References
    ///
    /// [ip(7)](https://man7.org/linux/man-pages/man7/ip.7.html) `IP_PKTINFO`
    #[doc(alias = "IP_PKTINFO")]
    #[inline]
    pub fn source(&mut self, address: impl Into<IpAddr>, interface: u32) -> io::Result<&mut Self> {
        let mut address = address.into();
        if let (IpAddr::V4(v4), Some(SocketAddr::V6(_))) = (address, self.entry.target) {
            // The target says which family the socket is of.
            address = v4.to_ipv6_mapped().into();
        }
        self.entry.control.push_source(address, interface)?;
        self.entry.segmented.push_source(address, interface)?;
        Ok(self)
    }

    /// Sends it with this congestion notification, and a DSCP of 0; see
    /// [`traffic_class`](Self::traffic_class).
    ///
    /// # Errors
    ///
    /// As for [`traffic_class`](Self::traffic_class).
    #[inline]
    pub fn ecn(&mut self, ecn: Ecn) -> io::Result<()> {
        self.traffic_class(ecn.bits())
    }

    /// Sends it with this type of service or traffic class: DSCP in the upper six bits, ECN in the
    /// lower two. Say it, or [`ecn`](Self::ecn), at most once.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for an IPv4 target, or none, on DragonFly,
    /// NetBSD and OpenBSD.
    #[doc(alias = "IP_TOS")]
    #[doc(alias = "IPV6_TCLASS")]
    pub fn traffic_class(&mut self, class: u8) -> io::Result<()> {
        let family = self.entry.target.map(|target| target.ip().to_canonical().is_ipv6());
        for control in [&mut self.entry.control, &mut self.entry.segmented] {
            // Without a target the socket's family decides: the other's message is ignored.
            if family != Some(true) {
                control.push_traffic_class_v4(class)?;
            }
            if family != Some(false) {
                control.push_traffic_class_v6(class);
            }
        }
        Ok(())
    }

    /// Sends the data as datagrams of `size` bytes each, of which the last can be shorter. The
    /// kernel cuts them (`UDP_SEGMENT`, Linux) where it can; elsewhere this library does. Say it at
    /// most once.
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    ///
    /// # Platform notes
    ///
    /// Choose a size that fits the path: the kernel does not fragment what it cuts, so that on
    /// Linux a segment that is longer than the MTU is `EMSGSIZE` when it is sent. Where this
    /// library cuts, each is an ordinary datagram, and is fragmented as others are.
    ///
    /// # Examples
    ///
    /// Ten datagrams of 1200 bytes with one system call, received with one where the system joins
    /// them:
    ///
    /// ```
    /// use edgewake::net::{UdpSocket, udp::{RecvBatch, SendBatch}};
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let receiver = UdpSocket::bind("127.0.0.1:0").await?;
    /// let joins = receiver.set_gro(true).is_ok();
    /// let sender = UdpSocket::bind("127.0.0.1:0").await?;
    ///
    /// let mut outgoing = SendBatch::new();
    /// outgoing.push(vec![7; 12_000], receiver.local_addr()?).segment_size(1200);
    /// sender.send_batch(&mut outgoing).await?;
    ///
    /// let mut batch = RecvBatch::new(16, if joins { 65_535 } else { 1500 });
    /// let mut count = 0;
    /// while count < 10 {
    ///     receiver.recv_batch(&mut batch).await?;
    ///     for segment in batch.iter().flat_map(|datagram| datagram.segments()) {
    ///         assert_eq!(segment, [7; 1200]);
    ///         count += 1;
    ///     }
    /// }
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [udp(7)](https://man7.org/linux/man-pages/man7/udp.7.html) `UDP_SEGMENT`
    #[doc(alias = "UDP_SEGMENT")]
    #[inline]
    pub fn segment_size(&mut self, size: u16) -> &mut Self {
        assert!(size > 0, "a segment has at least one byte");
        // Unsupported on this system: then `Segmentation` never lets it be used.
        let _unsupported = self.entry.segmented.push_segment_size(size);
        self.entry.segment_size = Some(size);
        self
    }
}

/// # Many datagrams at once: sending
impl UdpSocket {
    /// Sends datagrams from the front of `batch`, as many as there is room for, and takes them off
    /// it. Waits until one can be sent. Returns how many entries were taken off: zero only if there
    /// is none.
    ///
    /// # Cancel safety
    ///
    /// What was sent is off the batch, what was not is in it.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to), of the first entry, which stays: `EMSGSIZE` is not fatal
    /// for the others, so [take it off](SendBatch::pop_front) and go on. An error behind datagrams
    /// that were sent is not returned with them; the next call finds it again, unless it was one
    /// that the system tells once.
    ///
    /// # Platform notes
    ///
    /// Linux, NetBSD and OpenBSD: one system call (`sendmmsg`) for up to 1024 messages. Elsewhere
    /// one for each.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::net::{UdpSocket, udp::SendBatch};
    ///
    /// # let runtime = edgewake::Runtime::new()?;
    /// # runtime.block_on(async {
    /// let server = UdpSocket::bind("127.0.0.1:0").await?;
    /// let client = UdpSocket::bind("127.0.0.1:0").await?;
    /// let mut batch = SendBatch::new();
    /// for text in ["one", "two", "three"] {
    ///     batch.push(text, server.local_addr()?);
    /// }
    /// while !batch.is_empty() {
    ///     client.send_batch(&mut batch).await?;
    /// }
    /// let mut buffer = [0; 8];
    /// assert_eq!(server.recv(&mut buffer).await?, 3);
    /// # std::io::Result::Ok(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # References
    ///
    /// [sendmmsg(2)](https://man7.org/linux/man-pages/man2/sendmmsg.2.html)
    #[doc(alias = "sendmmsg")]
    #[inline]
    pub async fn send_batch(&self, batch: &mut SendBatch) -> io::Result<usize> {
        self.io().send_message(|fd| batch.transmit(fd, self.segmentation())).await
    }

    /// Polls to send datagrams, as [`send_batch`](Self::send_batch) does.
    ///
    /// # Errors
    ///
    /// As for [`send_batch`](Self::send_batch).
    #[inline]
    pub fn poll_send_batch(
        &self,
        cx: &mut Context<'_>,
        batch: &mut SendBatch,
    ) -> Poll<io::Result<usize>> {
        let send = |fd: BorrowedFd<'_>| batch.transmit(fd, self.segmentation());
        self.io().poll_send_message(self.pause(), cx, send)
    }

    /// Sends datagrams if there is room, as [`send_batch`](Self::send_batch) does.
    ///
    /// # Errors
    ///
    /// As for [`try_send_to`](Self::try_send_to).
    #[inline]
    pub fn try_send_batch(&self, batch: &mut SendBatch) -> io::Result<usize> {
        self.io().try_send_message(|fd| batch.transmit(fd, self.segmentation()))
    }
}
