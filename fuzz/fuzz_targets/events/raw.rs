//! One event as the kernel writes it, and what it means, by the manual pages alone: epoll_ctl(2) or
//! kqueue(2), whichever selector was built.

use arbitrary::Arbitrary;
use edgewake_sys::{Event, fuzz::RawEvent};

/// What an event says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    pub(crate) read_closed: bool,
    pub(crate) write_closed: bool,
    pub(crate) priority: bool,
    pub(crate) error: bool,
    pub(crate) only_readable: bool,
    pub(crate) bytes: Option<u64>,
}

impl Meaning {
    /// As the selector reads it.
    pub(crate) fn told_by(event: &Event) -> Meaning {
        Meaning {
            readable: event.is_readable(),
            writable: event.is_writable(),
            read_closed: event.is_read_closed(),
            write_closed: event.is_write_closed(),
            priority: event.is_priority(),
            error: event.is_error(),
            only_readable: event.is_only_readable(),
            bytes: event.readable_bytes(),
        }
    }
}

#[cfg(not(edgewake_kqueue = "fake"))]
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Conditions {
    /// A combination of the six that a selector asks for or always gets.
    Usual(u8),
    Any(u32),
}

#[cfg(not(edgewake_kqueue = "fake"))]
impl Conditions {
    pub(crate) const READABLE: Conditions = Conditions::Usual(1);

    fn mask(self) -> u32 {
        let all = [
            libc::EPOLLIN,
            libc::EPOLLOUT,
            libc::EPOLLPRI,
            libc::EPOLLERR,
            libc::EPOLLHUP,
            libc::EPOLLRDHUP,
        ];
        match self {
            Conditions::Usual(which) => {
                let chosen = all.into_iter().enumerate().filter(|(nth, _)| which & (1 << nth) != 0);
                chosen.fold(0, |mask, (_, condition)| mask | condition as u32)
            }
            Conditions::Any(mask) => mask,
        }
    }

    pub(crate) fn event(self, token: u64) -> RawEvent {
        RawEvent { events: self.mask(), token }
    }

    pub(crate) fn meaning(self) -> Meaning {
        let mask = self.mask();
        let has = |condition: i32| mask & condition as u32 != 0;
        Meaning {
            readable: has(libc::EPOLLIN),
            writable: has(libc::EPOLLOUT),
            read_closed: has(libc::EPOLLRDHUP) || has(libc::EPOLLHUP),
            write_closed: has(libc::EPOLLHUP),
            priority: has(libc::EPOLLPRI),
            error: has(libc::EPOLLERR),
            only_readable: mask == libc::EPOLLIN as u32,
            bytes: None,
        }
    }
}

#[cfg(edgewake_kqueue = "fake")]
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Conditions {
    filter: FilterChoice,
    end: bool,
    failed: bool,
    other_flags: u16,
    fflags: u32,
    data: i64,
}

#[cfg(edgewake_kqueue = "fake")]
#[derive(Arbitrary, Clone, Copy, Debug)]
enum FilterChoice {
    Read,
    Write,
    Other(i16),
}

#[cfg(edgewake_kqueue = "fake")]
impl Conditions {
    const EV_EOF: u16 = 0x8000;
    const EV_ERROR: u16 = 0x4000;

    pub(crate) const READABLE: Conditions = Conditions {
        filter: FilterChoice::Read,
        end: false,
        failed: false,
        other_flags: 0,
        fflags: 0,
        data: 1,
    };

    fn filter(self) -> i16 {
        match self.filter {
            FilterChoice::Read => -1,
            FilterChoice::Write => -2,
            FilterChoice::Other(filter) => filter,
        }
    }

    pub(crate) fn event(self, token: u64) -> RawEvent {
        let mut flags = self.other_flags & !(Self::EV_EOF | Self::EV_ERROR);
        flags |= if self.end { Self::EV_EOF } else { 0 };
        flags |= if self.failed { Self::EV_ERROR } else { 0 };
        RawEvent { filter: self.filter(), flags, fflags: self.fflags, data: self.data, token }
    }

    pub(crate) fn meaning(self) -> Meaning {
        let (reads, writes) = (self.filter() == -1, self.filter() == -2);
        Meaning {
            readable: reads,
            writable: writes,
            read_closed: reads && self.end,
            write_closed: writes && self.end,
            // The fake has no `EVFILT_EXCEPT`.
            priority: false,
            error: self.failed || (self.end && self.fflags != 0 && (reads || writes)),
            only_readable: reads && !self.end && !self.failed,
            bytes: if reads { u64::try_from(self.data).ok() } else { None },
        }
    }
}
