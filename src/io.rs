//! Reading and writing: the traits of `futures::io` and what extends them.
//!
//! Sockets, [pipes](pipe) and [`AsyncFd`](crate::AsyncFd) implement [`AsyncRead`] and
//! [`AsyncWrite`]; the `Ext` halves bring the methods (`read_exact`, `write_all`, `lines`, `split`
//! …). Code written against `futures` works with edgewake's types, and the other way round.
//!
//! edgewake's own are [`copy()`] and [`copy_bidirectional`], which move bytes from any reader to
//! any writer, and know how to do that cheaply between this crate's own sockets. [`CopyOptions`]
//! sets them up.
//!
//! `read_buf` is internal: the one place outside `sys` and `task` where memory is filled without
//! being initialised first. The methods that use it are on the streams.
//!
//! # Examples
//!
//! ```
//! use edgewake::{
//!     io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
//!     net::{TcpListener, TcpStream},
//! };
//!
//! # let runtime = edgewake::Runtime::new()?;
//! # runtime.block_on(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let mut client = TcpStream::connect(listener.local_addr()?).await?;
//! let (server, _) = listener.accept().await?;
//! client.write_all(b"first\nsecond\n").await?;
//! let mut line = String::new();
//! BufReader::new(&server).read_line(&mut line).await?;
//! assert_eq!(line, "first\n");
//! # std::io::Result::Ok(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```

pub(crate) mod copy;
pub mod pipe;
pub(crate) mod read_buf;

pub use futures::io::{
    AllowStdIo, AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt,
    AsyncWrite, AsyncWriteExt, BufReader, BufWriter, Cursor, Error, ErrorKind, IoSlice, IoSliceMut,
    LineWriter, Result, SeekFrom, copy_buf, empty, repeat, sink,
};

pub use self::copy::{CopyMethod, CopyOptions, copy, copy_bidirectional};
