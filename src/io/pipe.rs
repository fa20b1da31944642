//! Pipes: anonymous ones, FIFOs by path, the standard streams of child processes.
//!
//! [`pipe`] makes the two ends of an anonymous pipe; [`OpenOptions`] opens a FIFO by its path; a
//! [`Sender`] or [`Receiver`] can be made of any descriptor that is an end of a pipe, such as
//! [`ChildStdin`](std::process::ChildStdin) and [`ChildStdout`](std::process::ChildStdout).
//!
//! # The end of a pipe
//!
//! A [`Receiver`] reads to the end once every descriptor of the writing end is closed, whoever
//! holds them; a write to a pipe that nobody can read is [`BrokenPipe`](io::ErrorKind::BrokenPipe),
//! never a `SIGPIPE`. [`Receiver::closed`] and [`Sender::closed`] wait for the one and the other
//! without reading or writing. The end of a FIFO is not for ever: see [`Receiver::reopened`].
//!
//! # Platform notes
//!
//! | | Linux, Android | Apple | FreeBSD, DragonFly, NetBSD, OpenBSD |
//! | --- | --- | --- | --- |
//! | capacity | yes | - | - |
//! | packets | yes | - | - |
//! | FIFO by path, for reading alone | yes | - (1) | yes |
//!
//! 1. macOS tells nobody that the last writer has gone (golang#24164): such a receiver could wait
//!    for ever, so it is refused. [`OpenOptions::read_write`] works, and so do anonymous pipes. A
//!    descriptor is taken as it is: the system does not tell a FIFO from an anonymous pipe.
//!
//! A write costs one system call on Linux since 6.18 (`RWF_NOSIGNAL`), on Apple and on NetBSD. On
//! older Linux and the other BSDs it costs four: `SIGPIPE` is blocked around it.
//!
//! # Examples
//!
//! ```
//! use edgewake::io::{AsyncReadExt, AsyncWriteExt, pipe};
//! use std::process::{Command, Stdio};
//!
//! # let runtime = edgewake::Runtime::new()?;
//! # runtime.block_on(async {
//! let mut child = Command::new("tr")
//!     .args(["a-z", "A-Z"])
//!     .stdin(Stdio::piped())
//!     .stdout(Stdio::piped())
//!     .spawn()?;
//! let mut to = pipe::Sender::try_from(child.stdin.take().unwrap())?;
//! let mut from = pipe::Receiver::try_from(child.stdout.take().unwrap())?;
//! to.write_all(b"loud").await?;
//! to.close().await?; // Or drop it: that is the end of the child's input.
//! let mut answer = String::new();
//! from.read_to_string(&mut answer).await?;
//! assert_eq!(answer, "LOUD");
//! child.wait()?;
//! # std::io::Result::Ok(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Inside
//!
//! `receiver` and `sender` are the two ends, `face` what they share, `open` the opening by path.
//! Nothing is concluded from a short count, since room comes by pages (T4), and a read stops at a
//! packet (T1).

mod face;
mod open;
mod receiver;
mod sender;

use std::{io, os::fd::OwnedFd};

use edgewake_sys::pipe as sys;

pub use self::{open::OpenOptions, receiver::Receiver, sender::Sender};

/// Makes a pipe: what is sent into the one end is received from the other.
///
/// The first [`Sender`] of the process, however it is made, takes a descriptor more, which stays:
/// it is what a sender has after `poll_close`, which must work when there is none left.
///
/// # Errors
///
/// `EMFILE`, `ENFILE`: the process or the system has no descriptor left.
///
/// # Examples
///
/// ```
/// use edgewake::io::{AsyncReadExt, AsyncWriteExt, pipe};
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let (mut sender, mut receiver) = pipe::pipe()?;
/// sender.write_all(b"through").await?;
/// drop(sender);
/// let mut received = String::new();
/// receiver.read_to_string(&mut received).await?;
/// assert_eq!(received, "through");
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
///
/// [pipe(2)](https://man7.org/linux/man-pages/man2/pipe.2.html),
/// [pipe(7)](https://man7.org/linux/man-pages/man7/pipe.7.html)
#[inline]
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    sys::prepare_end()?;
    Ok(ends(sys::pipe()?))
}

/// Makes a pipe of packets: each read takes what one write put in, and what does not fit into its
/// buffer is lost.
///
/// A write of more than `PIPE_BUF` bytes (4096) is several packets. A write of no bytes is none.
///
/// # Errors
///
/// As for [`pipe`]; [`Unsupported`](io::ErrorKind::Unsupported) except on Linux and Android.
///
/// # References
///
/// [pipe(2)](https://man7.org/linux/man-pages/man2/pipe.2.html) `O_DIRECT`
#[doc(alias = "O_DIRECT")]
#[inline]
pub fn packet_pipe() -> io::Result<(Sender, Receiver)> {
    sys::prepare_end()?;
    Ok(ends(sys::packet_pipe()?))
}

fn ends((reader, writer): (OwnedFd, OwnedFd)) -> (Sender, Receiver) {
    (Sender::of_our_own(writer), Receiver::of_our_own(reader))
}
