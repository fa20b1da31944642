//! An event loop and socket library on epoll (Linux, Android) and kqueue (macOS, iOS, the BSDs)
//! directly, through `libc` alone.
//!
//! It is for daemons, proxies, databases, container and network tools: programs that want few
//! dependencies, no hidden threads, and the kernel's full surface. The sockets implement the
//! traits of [`futures::io`]; names follow what the field's users know, so `TcpListener::bind`,
//! `accept`, `spawn`, `sleep` are where they are expected.
//!
//! ```
//! use edgewake::{
//!     io::{AsyncReadExt, AsyncWriteExt},
//!     net::{TcpListener, TcpStream},
//! };
//!
//! let runtime = edgewake::Runtime::new()?;
//! runtime.block_on(async {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let address = listener.local_addr()?;
//!     let server = edgewake::spawn(async move {
//!         let (mut stream, _) = listener.accept().await?;
//!         let mut bytes = [0; 5];
//!         stream.read_exact(&mut bytes).await?;
//!         stream.write_all(&bytes).await
//!     });
//!     let mut client = TcpStream::connect(address).await?;
//!     client.write_all(b"hello").await?;
//!     let mut echo = String::new();
//!     client.read_to_string(&mut echo).await?;
//!     assert_eq!(echo, "hello");
//!     server.await.unwrap()
//! })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Who runs the loop
//!
//! You do. No thread is started behind your back, but those that [`spawn_blocking`] and the look-up
//! of a name need:
//!
//! - [`Runtime::block_on`] turns the loop on the thread that calls it, and runs that runtime's
//!   tasks there, until its future is done. Several runtimes can live side by side, one a thread.
//! - [`Runtime::turn`] is one turn for a foreign loop, which waits for the runtime's descriptor
//!   (it is [`AsFd`](std::os::fd::AsFd)) beside its own.
//! - [`Handle`] spawns onto a runtime from any thread.
//!
//! A socket, an [`AsyncFd`] or a timer uses the runtime that is current where it first has to
//! wait; a socket that was made inside one and first waits elsewhere, under a foreign executor,
//! uses that. Where there is none, what would have to wait returns
//! [`NotConnected`](std::io::ErrorKind::NotConnected) with a sentence that says so (a timer, which
//! has no error to return, panics), and what need not wait works all the same. After a runtime has
//! been dropped, what waits on it gets [`BrokenPipe`](std::io::ErrorKind::BrokenPipe).
//!
//! # What is here
//!
//! | | |
//! | --- | --- |
//! | [`Runtime`], [`Builder`], [`Handle`] | the loop, its settings, reaching it from elsewhere |
//! | [`Metrics`] | what a loop has done and has in hand, in numbers |
//! | [`spawn`], [`spawn_local`], [`JoinHandle`], [`yield_now`] | tasks |
//! | [`spawn_blocking`], [`BlockingHandle`] | closures that may block, on threads of their own |
//! | [`AsyncFd`], [`Interest`], [`Readiness`] | readiness of any descriptor that can be polled |
//! | `net` | TCP: listeners, streams and their halves, sockets, every option |
//! | `time` | sleeping, timeouts, intervals |
//! | [`io`] | the traits of `futures::io` and their extensions |
//!
//! # Features
//!
//! | feature | default | what it brings |
//! | --- | --- | --- |
//! | `net` | yes | the module `net` |
//! | `time` | yes | the module `time` |
//! | `probes` | no | static probe points for perf, bpftrace and the like, a no-op each: [`probe`] |
//! | `fs`, `process`, `signal` | no | reserved names; nothing stands behind them yet |
//!
//! [`probe`]: edgewake_sys::probe
//!
//! # Platforms
//!
//! | system | selector | wakes a waiting loop by |
//! | --- | --- | --- |
//! | Linux, Android | epoll | `eventfd` |
//! | macOS, iOS and Apple's others; FreeBSD, DragonFly | kqueue | `EVFILT_USER` |
//! | NetBSD, OpenBSD | kqueue | a pipe |
//!
//! A target needs 64-bit atomics, and with kqueue 64-bit pointers; any other is refused by the
//! build script in one sentence. What differs between systems stands under "Platform notes" of
//! the item that it concerns; the README says which systems the suite is run on.
//!
//! # Cancel safety
//!
//! Dropping a future of this crate never loses data, a connection, or another task's wake-up.
//! Where more is to be said, it is under "Cancel safety".
#![deny(unsafe_code)]

#[cfg_attr(
    not(feature = "net"),
    allow(dead_code, reason = "the sockets of `net` stand on parts that nothing else needs")
)]
mod async_fd;
mod blocking;
mod choice;
mod driver;
#[cfg(edgewake_fuzz)]
#[doc(hidden)]
pub mod fuzz;
pub mod io;
mod metrics;
#[cfg(feature = "net")]
pub mod net;
#[cfg_attr(
    not(feature = "net"),
    allow(dead_code, reason = "the sockets of `net` stand on parts that nothing else needs")
)]
mod reactor;
mod runtime;
mod sync;
#[allow(unsafe_code, reason = "the task cell: one allocation, counted by hand")]
mod task;
#[cfg(feature = "time")]
pub mod time;
#[cfg(not(feature = "time"))]
mod time;

pub use edgewake_sys::Interest;

pub use crate::{
    async_fd::{AsyncFd, ReadyGuard, WouldBlock},
    metrics::Metrics,
    reactor::Readiness,
    runtime::{
        BlockingHandle, Builder, Handle, Runtime, YieldNow, spawn, spawn_blocking, spawn_local,
        yield_now,
    },
    task::{JoinError, JoinHandle},
};

/// The README's program is compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
