//! Socket options: one typed mechanism, and a constant for each option.
//!
//! [`NODELAY.set(fd, true)`](SockOpt::set), [`LINGER.get(fd)`](SockOpt::get). What a system lacks
//! is still there to be named: using it fails with [`Unsupported`](io::ErrorKind::Unsupported) and
//! a sentence that names the option, so that shared code compiles everywhere, and
//! [`SockOpt::is_supported`] asks without trying. An option that this file has never heard of is
//! made with [`SockOpt::custom`]; [`get_bytes`] and [`set_bytes`] carry anything else.
//!
//! Each call is one system call and returns its error as it came: `ENOPROTOOPT` for an option of
//! another protocol or a kernel too old, `EINVAL` for a value out of range, `EPERM` where it takes
//! privilege.
//!
//! # Which system has what
//!
//! | constant | Linux, Android | Apple | FreeBSD | DragonFly | NetBSD | OpenBSD |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | [`REUSE_ADDR`], [`REUSE_PORT`], [`KEEPALIVE`] | yes | yes | yes | yes | yes | yes |
//! | [`LINGER`] (1), [`OOB_INLINE`] | yes | yes | yes | yes | yes | yes |
//! | [`RECV_BUFFER_SIZE`], [`SEND_BUFFER_SIZE`] (2) | yes | yes | yes | yes | yes | yes |
//! | [`ERROR`], [`TYPE`] | yes | yes | yes | yes | yes | yes |
//! | [`ACCEPT_CONN`], [`BROADCAST`] | yes | yes | yes | yes | yes | yes |
//! | [`REUSE_PORT_LB`] | (3) | - | yes | - | - | - |
//! | [`NO_SIGPIPE`] | - | yes | yes | yes | yes | - |
//! | [`DOMAIN`], [`PROTOCOL`] | yes | - | yes | - | - | yes |
//! | [`MARK`], [`PRIORITY`], [`BUSY_POLL`], [`bind_device`] | yes | - | - | - | - | - |
//! | [`PASS_CREDENTIALS`] | yes | - | yes | - | yes | - |
//! | [`INCOMING_CPU`] | yes (6) | - | - | - | - | - |
//! | [`BOUND_INTERFACE`], [`BOUND_INTERFACE_V6`] | - | yes | - | - | - | - |
//! | [`TTL`], [`TOS`], [`HOP_LIMIT`] | yes | yes | yes | yes | yes | yes |
//! | [`TRAFFIC_CLASS`], [`ONLY_V6`] (4) | yes | yes | yes | yes | yes | yes |
//! | [`RECV_PACKET_INFO`], [`RECV_PACKET_INFO_V6`] | yes | yes | yes | yes | yes | yes |
//! | [`RECV_INTERFACE`] (8) | - | - | yes | yes | - | yes |
//! | [`RECV_TTL`], [`RECV_HOP_LIMIT`] | yes | yes | yes | yes | yes | yes |
//! | [`RECV_TRAFFIC_CLASS`], [`TIMESTAMP`] | yes | yes | yes | yes | yes | yes |
//! | [`RECV_TOS`] | yes | yes | yes | - | - | - |
//! | [`GRO`], [`SEGMENT_SIZE`], [`TIMESTAMPING`], [`SEND_TIMESTAMP`] | yes | - | - | - | - | - |
//! | [`RECV_ERRORS`], [`RECV_ERRORS_V6`] | yes | - | - | - | - | - |
//! | [`ZERO_COPY`] | yes (6) | - | - | - | - | - |
//! | [`MULTICAST_TTL`], [`MULTICAST_HOPS`] | yes | yes | yes | yes | yes | yes |
//! | [`MULTICAST_LOOP`], [`MULTICAST_LOOP_V6`] | yes | yes | yes | yes | yes | yes |
//! | [`MULTICAST_INTERFACE`], [`join_v4`] | yes | yes | yes | yes | yes | yes |
//! | [`MULTICAST_INTERFACE_V6`], [`join_v6`] | yes | yes | yes | yes | yes | yes |
//! | [`InterfaceV4::Index`], [`change_source`] | yes | yes | yes | - | - | - |
//! | [`MULTICAST_ALL`], [`MULTICAST_ALL_V6`] | yes | - | - | - | - | - |
//! | [`DONT_FRAGMENT`] | yes | yes | yes | - | - | - |
//! | [`DONT_FRAGMENT_V6`] | yes | yes | yes | yes | yes | yes |
//! | [`MTU_DISCOVER`], [`MTU_DISCOVER_V6`], [`MTU`], [`MTU_V6`] | yes | - | - | - | - | - |
//! | [`FREE_BIND`] (7), [`TRANSPARENT`] | yes | - | - | - | - | - |
//! | [`NODELAY`], [`MAX_SEGMENT`] | yes | yes | yes | yes | yes | yes |
//! | [`KEEPALIVE_IDLE`] | yes | yes | yes | yes (5) | yes | - |
//! | [`KEEPALIVE_INTERVAL`], [`KEEPALIVE_COUNT`] | yes | yes | yes | yes (5) | yes | - |
//! | [`CORK`] | yes | yes | yes | yes | - | yes |
//! | [`QUICK_ACK`], [`USER_TIMEOUT`] | yes | - | - | - | - | - |
//! | [`DEFER_ACCEPT`], [`FAST_OPEN_CONNECT`] | yes | - | - | - | - | - |
//! | [`FAST_OPEN`] | yes | yes | yes | - | - | - |
//! | [`NOTSENT_LOWAT`] | yes | yes | - | - | - | - |
//! | [`congestion`] | yes | - | yes | - | - | - |
//! | [`tcp_info`](tcp_info()) | yes | - | yes | - | yes | yes |
//!
//! 1. On Apple `SO_LINGER_SEC`, since `SO_LINGER` counts in clock ticks there (T52).
//! 2. Linux doubles what is set, for its bookkeeping, and reports the double (T67).
//! 3. Linux's [`REUSE_PORT`] balances by itself.
//! 4. OpenBSD's IPv6 sockets never carry IPv4; there it can be read, not cleared.
//! 5. In seconds since DragonFly 5.8, in milliseconds before.
//! 6. libc does not name it for Android.
//! 7. An IPv6 socket takes it too.
//! 8. The others tell it with [`RECV_PACKET_INFO`].
//!
//! Called by [`socket`](crate::socket), by the library's socket types and by raw loops.

mod bytes;
mod encoding;
mod ip;
mod level;
mod multicast;
pub(crate) mod names;
mod packet;
mod tcp;
mod tcp_info;

use std::{fmt, io, os::fd::BorrowedFd};

#[cfg(edgewake_fuzz)]
pub(crate) use self::tcp_info::decode_all;
pub use self::{
    bytes::{bind_device, congestion, get_bytes, set_bind_device, set_bytes, set_congestion},
    encoding::{Encoding, Wire},
    ip::{
        BOUND_INTERFACE, BOUND_INTERFACE_V6, DONT_FRAGMENT, DONT_FRAGMENT_V6, FREE_BIND, HOP_LIMIT,
        MTU, MTU_DISCOVER, MTU_DISCOVER_V6, MTU_V6, ONLY_V6, TOS, TRAFFIC_CLASS, TRANSPARENT, TTL,
        hop_limit, traffic_class,
    },
    level::{
        ACCEPT_CONN, BROADCAST, BUSY_POLL, DOMAIN, ERROR, INCOMING_CPU, KEEPALIVE, LINGER, MARK,
        NO_SIGPIPE, OOB_INLINE, PASS_CREDENTIALS, PRIORITY, PROTOCOL, RECV_BUFFER_SIZE, REUSE_ADDR,
        REUSE_PORT, REUSE_PORT_LB, SEND_BUFFER_SIZE, TYPE,
    },
    multicast::{
        InterfaceV4, MULTICAST_ALL, MULTICAST_ALL_V6, MULTICAST_HOPS, MULTICAST_INTERFACE,
        MULTICAST_INTERFACE_V6, MULTICAST_LOOP, MULTICAST_LOOP_V6, MULTICAST_TTL, SourceChange,
        change_source, join_v4, join_v6, leave_v4, leave_v6, set_multicast_interface,
    },
    packet::{
        GRO, RECV_ERRORS, RECV_ERRORS_V6, RECV_HOP_LIMIT, RECV_INTERFACE, RECV_PACKET_INFO,
        RECV_PACKET_INFO_V6, RECV_TOS, RECV_TRAFFIC_CLASS, RECV_TTL, SEGMENT_SIZE, SEND_TIMESTAMP,
        TIMESTAMP, TIMESTAMPING, ZERO_COPY,
    },
    tcp::{
        CORK, DEFER_ACCEPT, FAST_OPEN, FAST_OPEN_CONNECT, KEEPALIVE_COUNT, KEEPALIVE_IDLE,
        KEEPALIVE_INTERVAL, MAX_SEGMENT, NODELAY, NOTSENT_LOWAT, QUICK_ACK, USER_TIMEOUT,
    },
    tcp_info::{TcpInfo, TcpState, tcp_info},
};

/// A socket option whose value is a `T`.
///
/// # Examples
///
/// ```
/// use std::{net::{Ipv4Addr, TcpListener, TcpStream}, os::fd::AsFd};
/// use edgewake_sys::sockopt;
///
/// let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
/// let stream = TcpStream::connect(listener.local_addr()?)?;
/// sockopt::NODELAY.set(stream.as_fd(), true)?;
/// assert!(sockopt::NODELAY.get(stream.as_fd())?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct SockOpt<T> {
    label: &'static str,
    level: i32,
    /// `None` where the system lacks it.
    name: Option<i32>,
    encoding: Encoding<T>,
}

impl<T> SockOpt<T> {
    /// Names an option that this module does not know. `label` is for error messages.
    ///
    /// # Safety
    ///
    /// The kernel takes the bytes that `encoding` makes for this option as plain data: no pointer
    /// is among them through which it would write.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake_sys::sockopt::{Encoding, SockOpt};
    ///
    /// /// `TCP_WINDOW_CLAMP` of Linux's `<linux/tcp.h>`.
    /// // SAFETY: the option's value is an int.
    /// const WINDOW_CLAMP: SockOpt<u32> =
    ///     unsafe { SockOpt::custom("TCP_WINDOW_CLAMP", 6, 10, Encoding::COUNT) };
    /// assert!(WINDOW_CLAMP.is_supported());
    /// ```
    pub const unsafe fn custom(
        label: &'static str,
        level: i32,
        name: i32,
        encoding: Encoding<T>,
    ) -> SockOpt<T> {
        SockOpt::new(label, level, Some(name), encoding)
    }

    /// The option of this module's tables; each of them takes plain data.
    const fn new(
        label: &'static str,
        level: i32,
        name: Option<i32>,
        encoding: Encoding<T>,
    ) -> SockOpt<T> {
        SockOpt { label, level, name, encoding }
    }

    /// Reads the option. Makes one system call.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](io::ErrorKind::Unsupported) if this system has no such option;
    /// - `ENOPROTOOPT` or `EINVAL` if this socket or this kernel has not;
    /// - [`InvalidData`](io::ErrorKind::InvalidData) for a value of a length that it cannot have.
    ///
    /// # References
    ///
    /// [getsockopt(2)](https://man7.org/linux/man-pages/man2/getsockopt.2.html)
    #[doc(alias = "getsockopt")]
    #[inline]
    pub fn get(&self, fd: BorrowedFd<'_>) -> io::Result<T> {
        let name = self.name()?;
        let mut wire = Wire::empty();
        let room = &mut wire.room_mut()[..self.encoding.length()];
        // SAFETY: who made the option promised that its value is plain data.
        let length = unsafe { get_bytes(fd, self.level, name, room) }?;
        let value = self.encoding.decode(&room[..length.min(room.len())]);
        value.ok_or_else(|| self.malformed(length))
    }

    /// Sets the option. Makes one system call.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](io::ErrorKind::Unsupported) if this system has no such option;
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput) if the value does not fit the option's type;
    /// - `EINVAL` or `EDOM` if the kernel refuses the value, `ENOPROTOOPT` if this socket or this
    ///   kernel has no such option, `EPERM` if it takes privilege.
    ///
    /// # References
    ///
    /// [setsockopt(2)](https://man7.org/linux/man-pages/man2/setsockopt.2.html)
    #[doc(alias = "setsockopt")]
    #[inline]
    pub fn set(&self, fd: BorrowedFd<'_>, value: T) -> io::Result<()> {
        let name = self.name()?;
        let wire = self.encoding.encode(value).ok_or_else(|| self.out_of_range())?;
        // SAFETY: who made the option promised that its value is plain data.
        unsafe { set_bytes(fd, self.level, name, wire.as_bytes()) }
    }

    /// Whether this system's headers have the option; an old kernel may still refuse it.
    pub const fn is_supported(&self) -> bool {
        self.name.is_some()
    }

    /// The option's name in C, for messages.
    pub const fn label(&self) -> &'static str {
        self.label
    }

    #[inline]
    fn name(&self) -> io::Result<i32> {
        self.name.ok_or_else(|| unsupported(self.label))
    }

    #[cold]
    fn malformed(&self, length: usize) -> io::Error {
        let message = format!("the kernel gave {} a value of {length} bytes", self.label);
        io::Error::new(io::ErrorKind::InvalidData, message)
    }

    #[cold]
    fn out_of_range(&self) -> io::Error {
        let message = format!("the value is out of the range of {}", self.label);
        io::Error::new(io::ErrorKind::InvalidInput, message)
    }
}

impl<T> Clone for SockOpt<T> {
    #[inline]
    fn clone(&self) -> SockOpt<T> {
        *self
    }
}

impl<T> Copy for SockOpt<T> {}

impl<T> fmt::Debug for SockOpt<T> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SockOpt")
            .field("label", &self.label)
            .field("level", &self.level)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// `name!("tcp_cork", libc::TCP_CORK)`: the constant, where the table of targets says that the
/// system has it.
macro_rules! name {
    ($capability:literal, $name:expr) => {{
        #[cfg(edgewake_has = $capability)]
        let name = Some($name);
        #[cfg(not(edgewake_has = $capability))]
        let name = None;
        name
    }};
}
use name;

/// The error of an option that this system lacks.
#[cold]
fn unsupported(label: &str) -> io::Error {
    let message = format!("this system has no socket option {label}");
    io::Error::new(io::ErrorKind::Unsupported, message)
}
