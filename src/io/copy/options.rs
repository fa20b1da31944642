//! How a copy is set up.

use std::{future::Future, io, sync::atomic::AtomicU64};

use futures::io::{AsyncRead, AsyncWrite};

use super::future::{Bidirectional, OneWay};

/// The buffer's size unless something else is asked for: see ARCHITECTURE.md, "Moving bytes".
pub(super) const BUFFER_SIZE: usize = 64 * 1024;

/// What moves the bytes of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CopyMethod {
    /// Whatever is expected to be cheapest, by what the flow looks like. The default.
    #[default]
    Auto,
    /// Reads into a buffer and writes from it.
    Buffer,
    /// splice(2) through a pipe of this crate's, from the first byte on, so that the bytes never
    /// come into this process. Where that is not to be had (another system than Linux and
    /// Android, an end that is not this crate's own socket or pipe, one that the kernel cannot
    /// splice, no descriptor left for the pipe) a buffer is used instead.
    Splice,
}

/// How to copy: the builder of [`copy`](super::copy) and
/// [`copy_bidirectional`](super::copy_bidirectional).
///
/// # Examples
///
/// ```
/// use edgewake::{io::{AsyncWriteExt, CopyMethod, CopyOptions}, net::UnixStream};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let (mut client, mut server) = UnixStream::pair()?;
/// client.write_all(b"counted").await?;
/// client.close().await?;
/// // Another task can look at it meanwhile.
/// let moved = AtomicU64::new(0);
/// let options = CopyOptions::new().buffer_size(16 * 1024).method(CopyMethod::Buffer);
/// options.count_into(&moved).copy(&mut server, &mut Vec::new()).await?;
/// assert_eq!(moved.load(Ordering::Relaxed), 7);
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing by themselves"]
pub struct CopyOptions<'c> {
    pub(super) buffer_size: usize,
    pub(super) method: CopyMethod,
    /// The counters of the two directions.
    pub(super) counters: [Option<&'c AtomicU64>; 2],
}

impl Default for CopyOptions<'_> {
    #[inline]
    fn default() -> Self {
        CopyOptions::new()
    }
}

impl<'c> CopyOptions<'c> {
    /// What [`copy`](super::copy) does.
    pub const fn new() -> CopyOptions<'c> {
        CopyOptions { buffer_size: BUFFER_SIZE, method: CopyMethod::Auto, counters: [None, None] }
    }

    /// The size of a buffer in bytes, 64 KiB unless set; none counts as one. A direction has a
    /// buffer only while it has bytes in hand. What was spliced already when the writer turns out
    /// not to take that goes on through a buffer of 64 KiB at least.
    pub const fn buffer_size(mut self, bytes: usize) -> CopyOptions<'c> {
        self.buffer_size = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// What moves the bytes, [`Auto`](CopyMethod::Auto) unless set.
    pub const fn method(mut self, method: CopyMethod) -> CopyOptions<'c> {
        self.method = method;
        self
    }

    /// Adds to `counter` what is written, as it is written: of both directions, if there are two.
    pub const fn count_into(self, counter: &'c AtomicU64) -> CopyOptions<'c> {
        self.counts_into(counter, counter)
    }

    /// Adds to one counter what is written from `a` to `b`, and to the other what is written from
    /// `b` to `a`. A copy in one direction uses the first.
    pub const fn counts_into(
        mut self,
        a_to_b: &'c AtomicU64,
        b_to_a: &'c AtomicU64,
    ) -> CopyOptions<'c> {
        self.counters = [Some(a_to_b), Some(b_to_a)];
        self
    }

    /// As [`copy`](super::copy), set up like this.
    ///
    /// # Cancel safety
    ///
    /// As there; the counter then says how many bytes were written.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn copy<'a, R, W>(
        &self,
        reader: &'a mut R,
        writer: &'a mut W,
    ) -> impl Future<Output = io::Result<u64>> + use<'a, 'c, R, W>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        OneWay::new(*self, reader, writer)
    }

    /// As [`copy_bidirectional`](super::copy_bidirectional), set up like this.
    ///
    /// # Cancel safety
    ///
    /// As there; the counters then say how many bytes were written.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn copy_bidirectional<'a, A, B>(
        &self,
        a: &'a mut A,
        b: &'a mut B,
    ) -> impl Future<Output = io::Result<(u64, u64)>> + use<'a, 'c, A, B>
    where
        A: AsyncRead + AsyncWrite + Unpin + ?Sized,
        B: AsyncRead + AsyncWrite + Unpin + ?Sized,
    {
        Bidirectional::new(*self, a, b)
    }
}
