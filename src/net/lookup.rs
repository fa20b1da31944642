//! Names: std's resolver, `getaddrinfo`, on a thread of the driver's pool.
//!
//! The system decides where it looks (`/etc/hosts`, DNS, …) and in which order the addresses come
//! (RFC 6724); both are kept. What can be read as an address is one, and never gets here further
//! than the first poll.

use std::{
    future::Future,
    io, mem,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use super::addr::{Addresses, ToSocketAddrs};
use crate::{
    blocking::{Failure, Job},
    driver::context,
};

/// Looks up the addresses of a host: of `"example.org:80"`, or `("example.org", 80)`.
///
/// The look-up is the system's, getaddrinfo(3), and runs on a thread of the pool that
/// [`spawn_blocking`](crate::spawn_blocking) uses, so that the loop turns meanwhile. The addresses
/// come in the order of the system's preference (RFC 6724), each with the port.
///
/// [`TcpStream::connect`](super::TcpStream::connect) and the like look names up by themselves.
///
/// # Cancel safety
///
/// A look-up that waits for a thread is taken back when the future is dropped. One that is under
/// way cannot be stopped: it holds its thread until the resolver gives up.
///
/// # Errors
///
/// - what the resolver says, for one that no such name is known, with its sentence;
/// - [`InvalidInput`](io::ErrorKind::InvalidInput): a text without a port or without a name;
/// - [`NotConnected`](io::ErrorKind::NotConnected): it is a name, and no driver is running here;
/// - [`BrokenPipe`](io::ErrorKind::BrokenPipe): the runtime was dropped before it started.
///
/// # References
///
/// [getaddrinfo(3)](https://man7.org/linux/man-pages/man3/getaddrinfo.3.html)
///
/// # Examples
///
/// ```
/// use edgewake::net::lookup_host;
///
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// let addresses: Vec<_> = lookup_host("localhost:80").await?.collect();
/// assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[doc(alias = "getaddrinfo")]
#[inline]
pub async fn lookup_host(host: impl ToSocketAddrs) -> io::Result<Addresses> {
    host.resolve().await
}

/// The future of what may be a name. It borrows nothing.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
#[allow(unnameable_types, reason = "the future of a sealed trait")]
pub struct Lookup(State);

#[derive(Debug)]
enum State {
    /// An address, or neither an address nor a name.
    Known(io::Result<SocketAddr>),
    /// Nobody has polled yet.
    Name {
        host: String,
        port: u16,
    },
    Running(Job<io::Result<vec::IntoIter<SocketAddr>>>),
    Over,
}

impl Lookup {
    /// Of a name or an address, and a port behind a colon.
    #[inline]
    pub(super) fn of_text(text: &str) -> Lookup {
        if let Ok(address) = text.parse() {
            return Lookup(State::Known(Ok(address)));
        }
        match split(text) {
            Some((host, port)) => Lookup::name(host, port),
            None => Lookup(State::Known(Err(no_address_and_no_name(text)))),
        }
    }

    /// Of a name or an address without a port.
    #[inline]
    pub(super) fn of_host(host: &str, port: u16) -> Lookup {
        match host.parse::<IpAddr>() {
            Ok(address) => Lookup(State::Known(Ok(SocketAddr::new(address, port)))),
            Err(_) if host.is_empty() => Lookup(State::Known(Err(no_address_and_no_name(host)))),
            Err(_) => Lookup::name(host, port),
        }
    }

    fn name(host: &str, port: u16) -> Lookup {
        Lookup(State::Name { host: host.to_owned(), port })
    }

    fn start(host: String, port: u16) -> io::Result<State> {
        let driver = context::current().ok_or_else(no_driver)?;
        let look_up = move || std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), port));
        Ok(State::Running(Job::submit(driver.blocking().pool(), look_up)))
    }
}

impl Future for Lookup {
    type Output = io::Result<Addresses>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Addresses>> {
        loop {
            if let State::Running(job) = &mut self.0 {
                let outcome = ready!(Pin::new(job).poll(cx));
                self.0 = State::Over;
                return Poll::Ready(
                    outcome.unwrap_or_else(|failure| Err(unserved(failure))).map(Addresses::many),
                );
            }
            match mem::replace(&mut self.0, State::Over) {
                State::Name { host, port } => self.0 = Lookup::start(host, port)?,
                State::Known(address) => return Poll::Ready(address.map(Addresses::one)),
                State::Running(_) | State::Over => panic!("polled again after it was ready"),
            }
        }
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        if let State::Running(job) = &self.0 {
            job.abandon();
        }
    }
}

/// `host:port`, as far as it looks like that. A literal address in brackets that std cannot read,
/// as `[fe80::1%eth0]:80`, is a name to the resolver, which can.
#[inline]
pub(super) fn split(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok()?;
    (!bare.is_empty()).then_some((bare, port))
}

#[cold]
#[inline(never)]
fn no_address_and_no_name(text: &str) -> io::Error {
    // No formatting: it is a kilobyte of code.
    let mut sentence = String::from(
        "neither an address nor a name with a port, as 127.0.0.1:80 or \
                                     example.org:80 are: ",
    );
    sentence.push_str(text);
    io::Error::new(io::ErrorKind::InvalidInput, sentence)
}

#[cold]
#[inline(never)]
fn no_driver() -> io::Error {
    let sentence = "no edgewake driver is running here, and a name is looked up by its threads: \
                    call this inside `Runtime::block_on` or a task of a runtime";
    io::Error::new(io::ErrorKind::NotConnected, sentence)
}

/// The error of a look-up that was not made.
#[cold]
#[inline(never)]
fn unserved(failure: Failure) -> io::Error {
    match failure {
        Failure::Cancelled => {
            let sentence = "the runtime was dropped before the name was looked up";
            io::Error::new(io::ErrorKind::BrokenPipe, sentence)
        }
        // Wrapped: by itself EAGAIN, "no more threads", would read as `WouldBlock`.
        Failure::NoThread(error) => io::Error::other(error),
        Failure::Panicked(_) => io::Error::other("the resolver panicked"),
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests {
    use super::split;

    // Goal: what stands before the last colon is the host, brackets of an address apart.
    #[test]
    fn texts_are_split_at_their_last_colon() {
        let cases = [
            ("example.org:80", Some(("example.org", 80))),
            ("[fe80::1%eth0]:80", Some(("fe80::1%eth0", 80))),
            ("fe80::1%eth0:80", Some(("fe80::1%eth0", 80))),
            ("a:65535", Some(("a", 65535))),
            ("a:65536", None),
            ("a:-1", None),
            ("a:", None),
            (":80", None),
            ("[]:80", None),
            ("example.org", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), expected, "{text:?}");
        }
    }
}
