//! The pool of buffers for the fuzz targets; see `crate::fuzz`.

use super::buffers;

/// A pool of its own, beside the threads'.
#[derive(Debug, Default)]
pub struct Pool(buffers::Pool);

impl Pool {
    /// The most bytes that it keeps.
    pub const KEPT_MAX: usize = buffers::KEPT_MAX;

    /// A buffer of this size that was kept.
    pub fn take(&mut self, size: usize) -> Option<Box<[u8]>> {
        self.0.take(size)
    }

    /// Keeps a buffer, or frees it.
    pub fn put(&mut self, buffer: Box<[u8]>) {
        self.0.put(buffer);
    }

    /// How many bytes it counts as kept.
    pub fn kept(&self) -> usize {
        self.0.kept()
    }
}
