//! What is remembered of a descriptor: the bits of a side's word and their public form.
//!
//! Pure data. *Interest* is asked, an *event* is reported, *readiness* is remembered.

use std::{fmt, ops};

use edgewake_sys::Interest;

/// The bits of a side's state word. The bits from `GENERATION` up count the events that reached
/// the side, and the changes of its slot; 48 of them, so that a snapshot is never taken for a later
/// one (T17).
pub(crate) mod bits {
    /// Data to read, a connection to accept, room to write.
    pub(crate) const DATA: u64 = 1 << 0;
    /// The peer has closed this direction. Survives a short count, not a `WouldBlock` (T2, T88).
    pub(crate) const CLOSED: u64 = 1 << 1;
    /// An error is pending; both directions learn of it.
    pub(crate) const ERROR: u64 = 1 << 2;
    /// The direction is registered with the selector.
    pub(crate) const REGISTERED: u64 = 1 << 3;
    /// Nothing is known yet: the system call decides. From birth until the first `WouldBlock`, or
    /// until the direction is registered.
    pub(crate) const ASSUMED: u64 = 1 << 4;
    /// The reactor has gone: whoever would wait gets an error.
    pub(crate) const SHUT: u64 = 1 << 5;
    /// Someone has the exclusive right to the slot.
    pub(crate) const LOCKED: u64 = 1 << 6;
    /// The slot holds a waker to wake at the next event. Never set together with `LOCKED`.
    pub(crate) const WAITER: u64 = 1 << 7;
    /// The wait list has an entry for this direction.
    pub(crate) const LISTED: u64 = 1 << 8;
    /// A short count means that the kernel has nothing more (the rule is in `source`).
    pub(crate) const DRAINS: u64 = 1 << 9;
    /// Urgent data. Not readiness to read: an ordinary `recv` may still find nothing.
    pub(crate) const PRIORITY: u64 = 1 << 10;
    /// One look at a new connection before it is registered. `LOOKS` is how many are left.
    pub(crate) const LOOK: u64 = 1 << 11;
    /// Two bits, counted down (see `source::looks`).
    pub(crate) const LOOKS: u64 = 3 * LOOK;
    /// One event, or one change of the slot.
    pub(crate) const GENERATION: u64 = 1 << 16;

    /// What makes a system call of this direction worth trying.
    pub(crate) const TRY: u64 = DATA | CLOSED | ERROR | ASSUMED | SHUT;
    /// What decides whether one waits. `REGISTERED` alone: one does.
    pub(crate) const DECIDES: u64 = TRY | REGISTERED | LOCKED;
    /// What an event can set and `WouldBlock` disproves: all but urgent data.
    pub(crate) const EVENT: u64 = DATA | CLOSED | ERROR;
}

/// What a descriptor is known to be ready for.
///
/// It is a memory of the kernel's last reports, not a promise: the operation that follows can
/// still find nothing to do ([`WouldBlock`](std::io::ErrorKind::WouldBlock)).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Readiness(u8);

impl Readiness {
    /// Nothing is known to be ready.
    pub const EMPTY: Readiness = Readiness(0);
    /// There is data to read or a connection to accept.
    pub const READABLE: Readiness = Readiness(1 << 0);
    /// There is room to write.
    pub const WRITABLE: Readiness = Readiness(1 << 1);
    /// The peer will send nothing after what can be read now.
    pub const READ_CLOSED: Readiness = Readiness(1 << 2);
    /// Nothing can be written any more.
    pub const WRITE_CLOSED: Readiness = Readiness(1 << 3);
    /// There is urgent data (TCP out-of-band).
    pub const PRIORITY: Readiness = Readiness(1 << 4);
    /// An error is pending: the next operation, or `take_error`, returns it.
    pub const ERROR: Readiness = Readiness(1 << 5);

    const NAMES: [(Readiness, &'static str); 6] = [
        (Readiness::READABLE, "READABLE"),
        (Readiness::WRITABLE, "WRITABLE"),
        (Readiness::READ_CLOSED, "READ_CLOSED"),
        (Readiness::WRITE_CLOSED, "WRITE_CLOSED"),
        (Readiness::PRIORITY, "PRIORITY"),
        (Readiness::ERROR, "ERROR"),
    ];

    /// Whether nothing is known to be ready.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every condition of `other` holds.
    pub const fn contains(self, other: Readiness) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether reading is worth trying: data, the end of it, or an error.
    pub const fn is_readable(self) -> bool {
        self.0 & (Self::READABLE.0 | Self::READ_CLOSED.0 | Self::ERROR.0) != 0
    }

    /// Whether writing is worth trying: room, a closed peer, or an error.
    pub const fn is_writable(self) -> bool {
        self.0 & (Self::WRITABLE.0 | Self::WRITE_CLOSED.0 | Self::ERROR.0) != 0
    }

    /// Whether the peer has closed its writing half, or the connection is gone.
    pub const fn is_read_closed(self) -> bool {
        self.contains(Self::READ_CLOSED)
    }

    /// Whether nothing can be written any more.
    pub const fn is_write_closed(self) -> bool {
        self.contains(Self::WRITE_CLOSED)
    }

    /// Whether there is urgent data.
    pub const fn is_priority(self) -> bool {
        self.contains(Self::PRIORITY)
    }

    /// Whether an error is pending.
    pub const fn is_error(self) -> bool {
        self.contains(Self::ERROR)
    }

    /// The public form of two state words, limited to what `interest` asks for. Errors always
    /// count, as the kernel reports them whatever was asked (T11).
    pub(crate) fn of(read: u64, write: u64, interest: Interest) -> Readiness {
        let mut known = Readiness::EMPTY;
        let mut note = |holds: bool, condition| {
            if holds {
                known = known | condition;
            }
        };
        note(read & bits::DATA != 0 && interest.is_readable(), Readiness::READABLE);
        // There will be no urgent data either.
        let reads = interest.is_readable() || interest.is_priority();
        note(read & bits::CLOSED != 0 && reads, Readiness::READ_CLOSED);
        if interest.is_writable() {
            note(write & bits::DATA != 0, Readiness::WRITABLE);
            note(write & bits::CLOSED != 0, Readiness::WRITE_CLOSED);
        }
        if interest.is_priority() {
            note(read & bits::PRIORITY != 0, Readiness::PRIORITY);
        }
        note(read & bits::ERROR != 0 && !interest.is_empty(), Readiness::ERROR);
        note(write & bits::ERROR != 0 && interest.is_writable(), Readiness::ERROR);
        known
    }
}

impl ops::BitOr for Readiness {
    type Output = Readiness;

    fn bitor(self, other: Readiness) -> Readiness {
        Readiness(self.0 | other.0)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (condition, name) in Readiness::NAMES {
            if self.contains(condition) {
                write!(f, "{separator}{name}")?;
                separator = " | ";
            }
        }
        if self.is_empty() { f.write_str("(empty)") } else { Ok(()) }
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests;
