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
    /// The reading end of a pipe.
    PipeReader,
    /// The writing end of a pipe.
    PipeWriter,
    /// Any other: read until `WouldBlock`.
    Other,
}

impl Kind {
    /// What registering a direction asks the kernel for.
    pub(super) fn interest(self, direction: Direction) -> Interest {
        match (self, direction) {
            // Registered for reading too, where that alone tells of the reader's end (T36).
            (Kind::PipeWriter, Direction::Write) if cfg!(edgewake_has = "pipe_end_by_read") => {
                Interest::WRITABLE.union(Interest::READABLE)
            }
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
    /// the drain rule rests on that, and for a pipe's writer the whole of its writing direction;
    /// for other descriptors exactly what was asked for.
    pub(super) fn widened(self, asked: Interest) -> Interest {
        let reads = asked.is_readable() || asked.is_priority();
        match self {
            Kind::Other => asked,
            Kind::PipeWriter if asked.is_writable() => asked | self.interest(Direction::Write),
            _ if reads => asked | self.interest(Direction::Read),
            _ => asked,
        }
    }
}
