//! The number that travels with a registration through the kernel and back.

/// Identifies a registration in the events it causes.
///
/// The kernel stores it beside the descriptor (`epoll_data` or `udata`) and hands it back unread.
/// What its bits mean is the caller's choice; the reactor packs a slot and a generation into it,
/// so that a stale event is a miss and never a dereference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Token(pub u64);
