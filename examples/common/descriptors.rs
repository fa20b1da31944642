//! The limit of open descriptors. Shells set a low one out of habit; a process may raise it to the
//! hard limit by itself.

use std::io;

/// Raises the limit as far as it goes without privileges, and returns where it stands.
pub(crate) fn raise_limit() -> io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}
