//! The buffers of copies: each thread keeps those that are not in use, up to a bound.
//!
//! A buffer is initialised once and then passed from flow to flow, so taking one costs what
//! taking it off a list costs. It goes back by being dropped, on whatever thread that is.

use std::{
    cell::RefCell,
    collections::VecDeque,
    mem::take,
    ops::{Deref, DerefMut},
};

/// How many bytes a thread keeps: a loop that copies uses one buffer at a time, and one more for
/// each direction that waits for its writer.
pub(super) const KEPT_MAX: usize = 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Pool {
    /// The oldest first.
    buffers: VecDeque<Box<[u8]>>,
    /// How many bytes they have.
    kept: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { buffers: VecDeque::new(), kept: 0 }) };
}

/// A buffer that goes back to a pool when it is dropped. What it holds is of no meaning.
#[derive(Debug)]
pub(crate) struct Buffer(Box<[u8]>);

impl Buffer {
    /// A buffer of this size.
    #[inline]
    pub(crate) fn take(size: usize) -> Buffer {
        let kept = POOL.try_with(|pool| pool.borrow_mut().take(size)).ok().flatten();
        Buffer(kept.unwrap_or_else(|| vec![0; size].into_boxed_slice()))
    }
}

impl Pool {
    pub(super) fn take(&mut self, size: usize) -> Option<Box<[u8]>> {
        let at = self.buffers.iter().rposition(|buffer| buffer.len() == size)?;
        self.kept -= size;
        self.buffers.remove(at)
    }

    pub(super) fn put(&mut self, buffer: Box<[u8]>) {
        if buffer.len() > KEPT_MAX {
            return;
        }
        // The oldest make room: sizes that nobody asks for any more must not fill the pool.
        while self.kept + buffer.len() > KEPT_MAX {
            let Some(oldest) = self.buffers.pop_front() else { break };
            self.kept -= oldest.len();
        }
        self.kept += buffer.len();
        self.buffers.push_back(buffer);
    }

    #[cfg(edgewake_fuzz)]
    pub(super) fn kept(&self) -> usize {
        self.kept
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let buffer = take(&mut self.0);
        // A thread that is ending keeps nothing.
        let _freed_then = POOL.try_with(|pool| pool.borrow_mut().put(buffer));
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, KEPT_MAX, POOL};

    // Goal: a buffer is used again by who asks for its size, and by nobody else.
    #[test]
    fn buffers_are_used_again() {
        let address = |buffer: &Buffer| buffer.as_ptr().addr();
        let first = Buffer::take(4096);
        let place = address(&first);
        drop(first);
        let other = Buffer::take(8192);
        assert_eq!(other.len(), 8192);
        assert_ne!(address(&other), place);
        assert_eq!(address(&Buffer::take(4096)), place);
    }

    // Goal: what a thread keeps has a bound, however many buffers were in use at once, and a
    // buffer beyond the bound is not kept.
    #[test]
    fn pool_is_bounded() {
        let many: Vec<Buffer> = (0..40).map(|_| Buffer::take(64 * 1024)).collect();
        drop(many);
        drop(Buffer::take(2 * KEPT_MAX));
        POOL.with_borrow(|pool| {
            let bytes: usize = pool.buffers.iter().map(|buffer| buffer.len()).sum();
            assert_eq!((bytes, pool.kept), (KEPT_MAX, KEPT_MAX));
        });
    }

    // Goal: a pool full of a size that is no longer asked for makes room for the one that is.
    #[test]
    fn oldest_make_room() {
        drop(Buffer::take(KEPT_MAX));
        let buffer = Buffer::take(64 * 1024);
        let place = buffer.as_ptr().addr();
        drop(buffer);
        POOL.with_borrow(|pool| {
            let kept: Vec<_> = pool.buffers.iter().map(|buffer| buffer.as_ptr().addr()).collect();
            assert_eq!((kept, pool.kept), (vec![place], 64 * 1024));
        });
    }
}
