//! The three times of TCP keepalive, as one value.

use std::{io, os::fd::BorrowedFd, time::Duration};

use edgewake_sys::sockopt::{KEEPALIVE, KEEPALIVE_COUNT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL};

/// When an idle connection is probed, and when it is given up: after `idle`, then every `interval`,
/// `count` times.
///
/// What is not given stays as it is, at first the system's default: on Linux two hours, 75 seconds
/// and 9 probes.
///
/// # Examples
///
/// ```
/// use edgewake::net::{Keepalive, TcpSocket};
/// use std::time::Duration;
///
/// // A dead peer is noticed after 60 + 3 * 10 seconds.
/// let keepalive = Keepalive::new()
///     .with_idle(Duration::from_secs(60))
///     .with_interval(Duration::from_secs(10))
///     .with_count(3);
/// let socket = TcpSocket::new_v4()?;
/// # if cfg!(target_os = "openbsd") { return Ok(()) } // It has none of the three.
/// socket.set_keepalive(Some(keepalive))?;
/// assert_eq!(socket.keepalive()?, Some(keepalive));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use = "it does nothing until a socket's `set_keepalive` gets it"]
pub struct Keepalive {
    idle: Option<Duration>,
    interval: Option<Duration>,
    count: Option<u32>,
}

impl Keepalive {
    /// Keepalive with the times that the system, or an earlier call, has set.
    pub const fn new() -> Keepalive {
        Keepalive { idle: None, interval: None, count: None }
    }

    /// How long the connection is idle before the first probe. Whole seconds, rounded up, at least
    /// one (`TCP_KEEPIDLE`, on Apple `TCP_KEEPALIVE`).
    ///
    /// # Platform notes
    ///
    /// OpenBSD has none of the three times: setting one is `Unsupported` there. Linux takes up to
    /// 32767 seconds.
    pub const fn with_idle(mut self, idle: Duration) -> Keepalive {
        self.idle = Some(idle);
        self
    }

    /// How long after a probe the next one follows. Whole seconds, rounded up, at least one
    /// (`TCP_KEEPINTVL`). Limits as for [`with_idle`](Self::with_idle).
    pub const fn with_interval(mut self, interval: Duration) -> Keepalive {
        self.interval = Some(interval);
        self
    }

    /// After how many unanswered probes the connection is given up: reading then fails with
    /// [`TimedOut`](io::ErrorKind::TimedOut). On Linux 1 to 127 (`TCP_KEEPCNT`).
    pub const fn with_count(mut self, count: u32) -> Keepalive {
        self.count = Some(count);
        self
    }

    /// How long the connection is idle before the first probe, if that is known.
    pub const fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// The time between two probes, if that is known.
    pub const fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// After how many unanswered probes the connection is given up, if that is known.
    pub const fn count(&self) -> Option<u32> {
        self.count
    }
}

/// The socket's keepalive, `None` if it is off. Times that the system does not have stay unknown.
pub(super) fn get(fd: BorrowedFd<'_>) -> io::Result<Option<Keepalive>> {
    if !KEEPALIVE.get(fd)? {
        return Ok(None);
    }
    Ok(Some(Keepalive {
        idle: KEEPALIVE_IDLE.is_supported().then(|| KEEPALIVE_IDLE.get(fd)).transpose()?,
        interval: KEEPALIVE_INTERVAL
            .is_supported()
            .then(|| KEEPALIVE_INTERVAL.get(fd))
            .transpose()?,
        count: KEEPALIVE_COUNT.is_supported().then(|| KEEPALIVE_COUNT.get(fd)).transpose()?,
    }))
}

/// Sets the times first, so that a connection never runs with half of them.
pub(super) fn set(fd: BorrowedFd<'_>, keepalive: Option<Keepalive>) -> io::Result<()> {
    let Some(keepalive) = keepalive else { return KEEPALIVE.set(fd, false) };
    if let Some(idle) = keepalive.idle {
        KEEPALIVE_IDLE.set(fd, idle)?;
    }
    if let Some(interval) = keepalive.interval {
        KEEPALIVE_INTERVAL.set(fd, interval)?;
    }
    if let Some(count) = keepalive.count {
        KEEPALIVE_COUNT.set(fd, count)?;
    }
    KEEPALIVE.set(fd, true)
}
