//! Moving bytes from a reader to a writer, in one direction or in both.
//!
//! - here: [`copy`] and [`copy_bidirectional`].
//! - `options`: [`CopyOptions`], with which both can be set up.
//! - `future`: the futures: which flows there are, and what ends them.
//! - `flow`: one direction: read, write what was read, carry the end over. It knows no types.
//! - `course`: through a buffer or by splice: the rule.
//! - `buffers`, `pipes`: where bytes are in between, a pool of each for each thread.
//! - `splice`: from a descriptor into a pipe, and out of it.
//! - `port`: how a flow sees the two ends; `recognise` finds this crate's own descriptors in them.
//! - `watch`: notices that an end has failed while nobody reads from it or writes to it.
//!
//! # What holds of a flow
//!
//! Bytes are *in hand* between the read that took them and the write that has passed them on, and
//! nothing more is read before that. Only then is there a buffer, or a pipe: a flow that waits for
//! its reader has none, however long it waits. What it moves is charged to the budget of its task.

mod buffers;
mod course;
mod flow;
mod future;
#[cfg(edgewake_fuzz)]
pub(crate) mod fuzz;
mod options;
mod pipes;
mod port;
mod recognise;
mod splice;
mod watch;

use std::{future::Future, io};

use futures::io::{AsyncRead, AsyncWrite};

#[cfg_attr(
    not(feature = "net"),
    allow(unused_imports, reason = "sending files needs sockets")
)]
pub(crate) use self::buffers::Buffer;
pub use self::options::{CopyMethod, CopyOptions};
pub(crate) use self::recognise::{Link, LinkKind, Linked};

/// Copies everything that `reader` still has to `writer`, flushes that, and returns how many bytes
/// it was.
///
/// The writer stays open: closing it is the caller's. It is flushed as well whenever the reader
/// has nothing more for now, so that nothing stays behind in a
/// [`BufWriter`](crate::io::BufWriter). [`CopyOptions`] sets the size of the buffer, the way the
/// bytes are moved, and a counter to watch.
///
/// A wrapper (TLS, [`BufReader`](crate::io::BufReader), [`Take`](futures::io::Take)) is read and
/// written through its own methods, whatever stands behind it.
///
/// # Cancel safety
///
/// What was read and is not written yet is lost with the future: at most one buffer, or one pipe,
/// full. What the writer has taken stays written.
///
/// # Errors
///
/// - what reading or writing returns, as soon as it does; bytes that were read before are lost;
/// - [`WriteZero`](io::ErrorKind::WriteZero): the writer takes nothing more.
///
/// # Examples
///
/// ```
/// use edgewake::{io, io::{AsyncReadExt, AsyncWriteExt}, net::UnixStream};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let (mut client, mut server) = UnixStream::pair()?;
/// client.write_all(b"all there is").await?;
/// client.close().await?;
/// let mut received = Vec::new();
/// assert_eq!(io::copy(&mut server, &mut received).await?, 12);
/// assert_eq!(received, b"all there is");
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn copy<'a, R, W>(
    reader: &'a mut R,
    writer: &'a mut W,
) -> impl Future<Output = io::Result<u64>> + use<'a, R, W>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    CopyOptions::new().copy(reader, writer)
}

/// Copies what `a` has to `b` and what `b` has to `a`, both at once, until both have ended.
/// Returns how many bytes went from `a` to `b`, and how many from `b` to `a`.
///
/// The end of one direction is carried over: `b` is flushed and closed (of a socket: its writing
/// half is shut down) once `a` has nothing more, and the other direction goes on until it ends as
/// well. An error in either direction ends both. What has arrived by then in the other
/// one is passed on once more, as far as the reader takes it at once; the rest is lost.
///
/// # Cancel safety
///
/// As for [`copy`], for each direction: what was read and is not written yet is lost.
///
/// # Errors
///
/// As for [`copy`]. Of this crate's own sockets a reset is also noticed while nobody reads from
/// that socket, because the other one takes nothing: a connection whose peer has gone does not
/// wait for the other's.
///
/// # Examples
///
/// A proxy's work for one connection:
///
/// ```
/// use edgewake::{io, net::{TcpListener, TcpStream}};
///
/// async fn serve(mut client: TcpStream, mut server: TcpStream) -> io::Result<()> {
///     let (up, down) = io::copy_bidirectional(&mut client, &mut server).await?;
///     println!("{up} bytes up, {down} bytes down");
///     Ok(())
/// }
/// ```
pub fn copy_bidirectional<'a, A, B>(
    a: &'a mut A,
    b: &'a mut B,
) -> impl Future<Output = io::Result<(u64, u64)>> + use<'a, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    CopyOptions::new().copy_bidirectional(a, b)
}
