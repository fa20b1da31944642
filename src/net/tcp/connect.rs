//! Connecting to one of several addresses: in a race with staggered starts, Happy Eyeballs (RFC
//! 8305), or in turn.
//!
//! # The race
//!
//! The attempts start in order, each when the last one to start has failed or has gone without an
//! answer for the attempt delay; those that have started go on side by side, and the first that is
//! connected wins. The others are dropped, which closes their sockets, before it is returned.
//!
//! The order is that of the resolver (RFC 6724, section 4 of RFC 8305), with the families taken in
//! turn. That an address family came late from the resolver (section 3) does not arise:
//! getaddrinfo(3) gives all of them at once.
//!
//! # A local port that attempts share
//!
//! Attempts that shall be bound to one local port cannot go on side by side, unless their sockets
//! share it (`SO_REUSEADDR` on Linux). Which it is only bind(2) knows: an attempt that finds the
//! port taken while another has it is put off until that one ends, and the race goes on with those
//! that need another port, or none. Once none of its own has the port, that it is taken is an error
//! like any other. So each end of an attempt brings back those it held up, once, and nothing spins.
//!
//! One address is no race: it costs neither a timer nor a box.
//!
//! Called by `stream` and `connector`. What an attempt does before it connects is the connector's
//! business.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    io, mem,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use super::{TcpStream, connector::Connector};
use crate::net::{
    addr::{Addresses, no_address},
    backoff::Backoff,
};

impl Connector {
    /// Connects to the first of the addresses that answers.
    #[inline]
    pub(super) async fn connect_resolved(&self, addresses: Addresses) -> io::Result<TcpStream> {
        let address = match addresses.as_slice() {
            [address] => *address,
            // Boxed, so that the future of one address is no larger for it.
            _ => return self.connect_to_several(addresses).await,
        };
        self.socket_for(&address)?.connect(address).await
    }

    fn connect_to_several(&self, addresses: Addresses) -> Attempt<'_> {
        if self.is_in_order() {
            return Box::pin(self.connect_in_turn(addresses));
        }
        let mut race = Race::new(self, interleaved(addresses.as_slice()));
        Box::pin(poll_fn(move |cx| race.poll(cx)))
    }

    async fn attempt(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.socket_for(&address)?.connect(address).await
    }

    async fn connect_in_turn(&self, addresses: Addresses) -> io::Result<TcpStream> {
        let mut told = None;
        for address in addresses {
            match self.attempt(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => tell(&mut told, error),
            }
        }
        Err(told.unwrap_or_else(no_address))
    }
}

/// The addresses with their families in turn, the family of the first one first; within a family
/// they keep their order (RFC 8305, section 4, with a First Address Family Count of 1).
pub(in crate::net) fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_of_first = |address: &&SocketAddr| address.is_ipv4() == addresses[0].is_ipv4();
    let mut ours = addresses.iter().filter(is_of_first);
    let mut others = addresses.iter().filter(|address| !is_of_first(address));
    let mut ordered = Vec::with_capacity(addresses.len());
    while ordered.len() < addresses.len() {
        ordered.extend(ours.next());
        ordered.extend(others.next());
    }
    ordered
}

/// Keeps the error that says more: a later one, unless it is only that this machine has no way to
/// the address, which of a second family is often so.
fn tell(told: &mut Option<io::Error>, error: io::Error) {
    if told.is_none() || !is_unreachable(&error) {
        *told = Some(error);
    }
}

fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkDown, NetworkUnreachable};
    matches!(error.kind(), AddrNotAvailable | HostUnreachable | NetworkDown | NetworkUnreachable)
}

type Attempt<'a> = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send + 'a>>;

struct Race<'a> {
    connector: &'a Connector,
    /// Those that have not started.
    waiting: VecDeque<SocketAddr>,
    /// Those that go on, in the order of their starts.
    running: Vec<(SocketAddr, Attempt<'a>)>,
    /// Those that wait for the local port of one that goes on, in the order of their starts.
    held_up: Vec<SocketAddr>,
    /// The head start of the last of them.
    pause: Backoff,
    /// It has been given one.
    paused: bool,
    told: Option<io::Error>,
}

impl<'a> Race<'a> {
    fn new(connector: &'a Connector, addresses: Vec<SocketAddr>) -> Race<'a> {
        let delay = connector.delay();
        Race {
            connector,
            waiting: addresses.into(),
            running: Vec::new(),
            held_up: Vec::new(),
            pause: Backoff::between(delay, delay),
            paused: false,
            told: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        loop {
            let (winner, last_goes_on) = self.poll_running(cx);
            if let Some(stream) = winner {
                // The others' sockets close here.
                self.running.clear();
                return Poll::Ready(Ok(stream));
            }
            if self.waiting.is_empty() {
                return match self.running.is_empty() {
                    true => Poll::Ready(Err(self.told.take().unwrap_or_else(no_address))),
                    false => Poll::Pending,
                };
            }
            if last_goes_on && self.poll_pause(cx).is_pending() {
                return Poll::Pending;
            }
            if let Some(address) = self.waiting.pop_front() {
                self.running.push((address, Box::pin(self.connector.attempt(address))));
                self.paused = false;
            }
        }
    }

    /// The stream of the first attempt that is connected; else whether the last one goes on.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> (Option<TcpStream>, bool) {
        let mut last_goes_on = false;
        let mut index = 0;
        while let Some((address, attempt)) = self.running.get_mut(index) {
            last_goes_on = false;
            let address = *address;
            match attempt.as_mut().poll(cx) {
                Poll::Ready(Ok(stream)) => return (Some(stream), false),
                Poll::Ready(Err(error)) => {
                    drop(self.running.remove(index));
                    self.fail(address, error);
                }
                Poll::Pending => {
                    last_goes_on = true;
                    index += 1;
                }
            }
        }
        (None, last_goes_on)
    }

    /// An attempt has ended, and its socket is closed.
    fn fail(&mut self, address: SocketAddr, error: io::Error) {
        let port = self.connector.local_port(&address);
        let is_same = |other: &SocketAddr| self.connector.local_port(other) == port;
        if port.is_none() {
            tell(&mut self.told, error);
        } else if error.kind() == io::ErrorKind::AddrInUse
            && self.running.iter().any(|(other, _)| is_same(other))
        {
            self.held_up.push(address);
        } else {
            tell(&mut self.told, error);
            let held_up = mem::take(&mut self.held_up).into_iter();
            let (freed, held_up): (Vec<_>, Vec<_>) = held_up.partition(is_same);
            self.held_up = held_up;
            freed.into_iter().rev().for_each(|address| self.waiting.push_front(address));
        }
    }

    /// Pending while the last attempt has its head start, which is counted from its first poll, so
    /// that two connects are never closer than the delay.
    fn poll_pause(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.paused {
            self.paused = true;
            if !self.pause.start(cx) {
                // Nothing times it: better a start too early than none.
                return Poll::Ready(());
            }
        }
        self.pause.poll(cx)
    }
}

#[cfg(all(test, not(edgewake_loom)))]
mod tests {
    use std::{io, net::SocketAddr};

    use super::{interleaved, tell};

    fn address(text: &str) -> SocketAddr {
        let port = text[1..].parse().expect("a number");
        match &text[..1] {
            "4" => SocketAddr::from(([127, 0, 0, 1], port)),
            _ => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port)),
        }
    }

    // Goal: RFC 8305, section 4. Method: each address is its family and its place.
    #[test]
    fn families_take_turns_and_keep_their_order() {
        for (given, expected) in [
            ("61 62 41 42", "61 41 62 42"),
            ("41 42 61 62", "41 61 42 62"),
            ("61 62 63 41", "61 41 62 63"),
            ("41 61 62 63", "41 61 62 63"),
            ("61 41 42 43", "61 41 42 43"),
            ("41 42", "41 42"),
            ("61", "61"),
            ("61 41 62 42", "61 41 62 42"),
        ] {
            let given: Vec<SocketAddr> = given.split(' ').map(address).collect();
            let expected: Vec<SocketAddr> = expected.split(' ').map(address).collect();
            assert_eq!(interleaved(&given), expected);
        }
    }

    // Goal: what is told is the last error that came from beyond this machine.
    #[test]
    fn the_error_that_says_more_is_told() {
        use io::ErrorKind::{ConnectionRefused, NetworkUnreachable, TimedOut};
        for (errors, expected) in [
            (&[NetworkUnreachable, ConnectionRefused][..], ConnectionRefused),
            (&[ConnectionRefused, NetworkUnreachable], ConnectionRefused),
            (&[NetworkUnreachable, NetworkUnreachable], NetworkUnreachable),
            (&[ConnectionRefused, TimedOut, NetworkUnreachable], TimedOut),
        ] {
            let mut told = None;
            errors.iter().for_each(|kind| tell(&mut told, (*kind).into()));
            assert_eq!(told.expect("an error").kind(), expected);
        }
    }
}
