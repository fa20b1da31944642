//! What a registration asks the kernel for.

use std::{fmt, ops};

/// The set of conditions that a registration asks to be told about.
///
/// *Interest* is asked, an [`Event`](crate::Event) is reported. Errors and hang-ups are always
/// reported, whatever the interest (epoll_ctl(2), kqueue(2) `EV_EOF`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Data to read, and on epoll also the peer's shutdown of its writing half
    /// (`EPOLLIN | EPOLLRDHUP`; kqueue: `EVFILT_READ`).
    pub const READABLE: Interest = Interest(0b0001);
    /// Room to write (`EPOLLOUT`; kqueue: `EVFILT_WRITE`).
    pub const WRITABLE: Interest = Interest(0b0010);
    /// Urgent data (`EPOLLPRI`; `EVFILT_EXCEPT` with `NOTE_OOB` where the system has it).
    ///
    /// # Platform notes
    ///
    /// FreeBSD and NetBSD have no way to tell: registering it there is
    /// [`Unsupported`](std::io::ErrorKind::Unsupported).
    pub const PRIORITY: Interest = Interest(0b0100);
    /// Connections to accept: [`READABLE`](Self::READABLE) without the half-close notice, which
    /// a listening socket never gives (`EPOLLIN`; kqueue: `EVFILT_READ`).
    pub const INCOMING: Interest = Interest(0b1000);

    /// No condition but a manner of being told: of several selectors that watch one file with
    /// this, at least one is told of an event, and not all (`EPOLLEXCLUSIVE`). For a listening
    /// socket that several loops share, so that one connection does not wake them all.
    ///
    /// # Platform notes
    ///
    /// Linux 4.5. With [`READABLE`](Self::READABLE), whose half-close notice it excludes, or
    /// [`PRIORITY`](Self::PRIORITY) it is `EINVAL`: use [`INCOMING`](Self::INCOMING). kqueue has
    /// no such thing: registering it is [`Unsupported`](std::io::ErrorKind::Unsupported).
    #[doc(alias = "EPOLLEXCLUSIVE")]
    pub const EXCLUSIVE: Interest = Interest(0b1_0000);

    const NAMES: [(Interest, &'static str); 5] = [
        (Interest::READABLE, "READABLE"),
        (Interest::WRITABLE, "WRITABLE"),
        (Interest::PRIORITY, "PRIORITY"),
        (Interest::INCOMING, "INCOMING"),
        (Interest::EXCLUSIVE, "EXCLUSIVE"),
    ];

    /// The set that asks for nothing; errors and hang-ups are still reported.
    pub const fn empty() -> Interest {
        Interest(0)
    }

    /// The bits, for probe points.
    #[inline(always)]
    pub(crate) fn bits(self) -> u64 {
        u64::from(self.0)
    }

    /// Whether nothing is asked for.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every condition of `other` is in this set.
    pub const fn contains(self, other: Interest) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether this set and `other` have a condition in common.
    pub const fn intersects(self, other: Interest) -> bool {
        self.0 & other.0 != 0
    }

    /// The conditions of either set. The same as `|`, usable in constants.
    #[must_use]
    pub const fn union(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }

    /// The conditions of this set that are not in `other`.
    #[must_use]
    pub const fn difference(self, other: Interest) -> Interest {
        Interest(self.0 & !other.0)
    }

    /// Whether reading is asked for, from a stream or from a listener.
    pub const fn is_readable(self) -> bool {
        self.intersects(Interest::READABLE.union(Interest::INCOMING))
    }

    /// Whether writing is asked for.
    pub const fn is_writable(self) -> bool {
        self.contains(Interest::WRITABLE)
    }

    /// Whether one selector of several is enough to be told.
    pub const fn is_exclusive(self) -> bool {
        self.contains(Interest::EXCLUSIVE)
    }

    /// Whether urgent data is asked for.
    pub const fn is_priority(self) -> bool {
        self.contains(Interest::PRIORITY)
    }
}

impl ops::BitOr for Interest {
    type Output = Interest;

    #[inline]
    fn bitor(self, other: Interest) -> Interest {
        self.union(other)
    }
}

impl ops::BitOrAssign for Interest {
    #[inline]
    fn bitor_assign(&mut self, other: Interest) {
        *self = self.union(other);
    }
}

impl fmt::Debug for Interest {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (interest, name) in Interest::NAMES {
            if self.contains(interest) {
                f.write_str(if first { "" } else { " | " })?;
                f.write_str(name)?;
                first = false;
            }
        }
        if first { f.write_str("(empty)") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Interest;

    // Goal: the debug form names each condition, which is how it shows up in error messages.
    #[test]
    fn debug_names_the_conditions() {
        let both = Interest::READABLE | Interest::PRIORITY;
        assert_eq!(format!("{both:?}"), "READABLE | PRIORITY");
        assert_eq!(format!("{:?}", Interest::empty()), "(empty)");
        assert_eq!(both.difference(Interest::READABLE), Interest::PRIORITY);
    }
}
