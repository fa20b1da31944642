//! The kinds of descriptor that the protocol tells apart, and what each registers.
//!
//! Pure data, used by `source`.

use edgewake_sys::Interest;

use super::side::Direction;

/// What a descriptor is, as far as the protocol depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A stream socket made or accepted by this library.
    Stream,
    /// A listening socket.
    Listener,
    /// A socket of messages made by this library: each read takes one, so no count proves that
    /// nothing is left.
    Datagram,
    /// Any other: read until `WouldBlock`.
    Other,
}

impl Kind {
    /// What registering a direction asks the kernel for.
    pub(super) fn interest(self, direction: Direction) -> Interest {
        match (self, direction) {
            (_, Direction::Write) => Interest::WRITABLE,
            (Kind::Listener, Direction::Read) => Interest::INCOMING,
            // Urgent data ends the drain rule where the selector has no other way to tell (T1).
            (Kind::Stream, Direction::Read) if cfg!(edgewake_selector = "epoll") => {
                Interest::READABLE.union(Interest::PRIORITY)
            }
            (_, Direction::Read) => Interest::READABLE,
        }
    }

    /// What waiting for `asked` registers: for a socket the whole of its reading direction, since
    /// the drain rule rests on that; for other descriptors exactly what was asked for.
    pub(super) fn widened(self, asked: Interest) -> Interest {
        let reads = asked.is_readable() || asked.is_priority();
        let whole = reads && self != Kind::Other;
        if whole { asked | self.interest(Direction::Read) } else { asked }
    }
}
