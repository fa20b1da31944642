//! The pipes that spliced bytes go through.
//!
//! A flow has one only while it has bytes in it; an empty one goes back to the thread's pool by
//! being dropped, one with bytes in it is closed. Each costs two descriptors and, while it is
//! full, the memory of what is in it, so the whole process has a bounded number.

use std::{
    cell::RefCell,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::atomic::{AtomicUsize, Ordering},
};

use edgewake_sys::pipe;

/// How many pipes the process has at most.
const PIPES_MAX: usize = 64;

/// How many of them are enlarged. Together they stay below a quarter of what Linux lets a user
/// without privilege have (`pipe-user-pages-soft`, 64 MiB; see pipe(7)).
const LARGE_MAX: usize = 16;

/// The room of an enlarged pipe: from TCP, in large messages, it saves an eighth to a third against
/// 256 KiB, between Unix sockets nothing. It is also the most that an unprivileged process may ask
/// for (`pipe-max-size`).
pub(super) const LARGE: usize = 1024 * 1024;

/// How many a thread keeps: a loop uses one at a time, and one more for each flow that waits for
/// its writer.
const KEPT_MAX: usize = 4;

thread_local! {
    static POOL: RefCell<Vec<Ends>> = const { RefCell::new(Vec::new()) };
}

/// How many there are, wherever.
static MADE: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

impl Ends {
    fn make() -> Option<Ends> {
        // Relaxed: a bound on a number, which orders nothing else.
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let made_one = if made < PIPES_MAX { pipe::pipe().ok() } else { None };
        let Some((read, write)) = made_one else {
            // Relaxed: as above.
            MADE.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        if made < LARGE_MAX {
            // Refused past a limit of the user's (EPERM): a smaller one will do.
            let _as_it_is = pipe::set_capacity(write.as_fd(), LARGE);
        }
        Some(Ends { read, write })
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        // Relaxed: as in `make`.
        MADE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A pipe, and how many bytes are in it.
#[derive(Debug)]
pub(super) struct Pipe {
    /// There until it drops.
    ends: Option<Ends>,
    holds: usize,
}

impl Pipe {
    /// An empty one; none if the process has enough of them, or no descriptor left.
    #[inline]
    pub(super) fn take() -> Option<Pipe> {
        let kept = POOL.try_with(|pool| pool.borrow_mut().pop()).ok().flatten();
        let ends = Some(kept.or_else(Ends::make)?);
        Some(Pipe { ends, holds: 0 })
    }

    #[inline]
    pub(super) fn holds(&self) -> usize {
        self.holds
    }

    /// Notes that `count` bytes have come in.
    #[inline]
    pub(super) fn came(&mut self, count: usize) {
        self.holds += count;
    }

    /// Notes that `count` bytes have gone out.
    #[inline]
    pub(super) fn went(&mut self, count: usize) {
        self.holds -= count;
    }

    #[inline]
    pub(super) fn read_end(&self) -> BorrowedFd<'_> {
        self.ends().read.as_fd()
    }

    #[inline]
    pub(super) fn write_end(&self) -> BorrowedFd<'_> {
        self.ends().write.as_fd()
    }

    fn ends(&self) -> &Ends {
        self.ends.as_ref().unwrap_or_else(|| unreachable!("taken away by the drop alone"))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let Some(ends) = self.ends.take().filter(|_| self.holds == 0) else { return };
        // A thread that is ending keeps nothing, and neither does a full pool: it is closed.
        let _closed_then = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT_MAX {
                pool.push(ends);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::{KEPT_MAX, POOL, Pipe};

    // Goal: an empty pipe is used again, one with bytes in it never is, and a thread keeps few.
    #[test]
    fn empty_pipes_are_used_again() {
        let first = Pipe::take().unwrap();
        let number = first.read_end().as_raw_fd();
        drop(first);
        let mut again = Pipe::take().unwrap();
        assert_eq!(again.read_end().as_raw_fd(), number);
        again.came(10);
        again.went(9);
        drop(again);
        POOL.with_borrow(|pool| assert!(pool.is_empty()));
        let many: Vec<Pipe> = (0..2 * KEPT_MAX).map(|_| Pipe::take().unwrap()).collect();
        drop(many);
        POOL.with_borrow(|pool| assert_eq!(pool.len(), KEPT_MAX));
    }
}
