//! The loop: accept, connect on, carry, close.
//!
//! A flow's two sockets are registered once, for both directions and edge-triggered; a token is the
//! flow's place in the table and which of its sockets it is. A flow that has ended keeps its place
//! until the batch of events is through, so that no event reaches another one.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};

use edgewake_bench::os::epoll::{self, Epoll, Events};
use edgewake_bench::os::socket;
use edgewake_bench::target::Target;

use crate::args::Args;
use crate::direction::{Carrier, Direction};

/// Tokens no flow has.
const LISTENER: u64 = u64::MAX;
const SIGNALS: u64 = u64::MAX - 1;

const BOTH: u32 = epoll::IN | epoll::OUT | epoll::RDHUP | epoll::ET;

/// Two sockets, and what goes from each to the other.
struct Flow<H> {
    sockets: [OwnedFd; 2],
    directions: [Direction<H>; 2],
}

struct Server<C: Carrier> {
    epoll: Epoll,
    target: Target,
    carrier: C,
    flows: Vec<Option<Flow<C::Held>>>,
    free: Vec<usize>,
    ended: Vec<usize>,
}

/// Serves what `listener` accepts until `stop` is readable.
pub(crate) fn run<C: Carrier>(
    args: &Args,
    listener: &OwnedFd,
    stop: &OwnedFd,
    carrier: C,
) -> io::Result<()> {
    let epoll = Epoll::new()?;
    epoll.add(listener.as_fd(), epoll::IN | epoll::ET, LISTENER)?;
    epoll.add(stop.as_fd(), epoll::IN, SIGNALS)?;
    let target = args.connect.clone();
    let (flows, free, ended) = (Vec::new(), Vec::new(), Vec::new());
    let mut server = Server { epoll, target, carrier, flows, free, ended };
    let mut events = Events::with_capacity(1024);
    loop {
        match server.epoll.wait(&mut events, -1) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        for (bits, token) in events.iter() {
            match token {
                SIGNALS => return Ok(()),
                LISTENER => server.accept_all(listener)?,
                token => server.carry((token >> 1) as usize, (token & 1) as usize, bits),
            }
        }
        server.free.append(&mut server.ended);
    }
}

impl<C: Carrier> Server<C> {
    /// Acts on an event of a socket.
    fn carry(&mut self, index: usize, side: usize, bits: u32) {
        let Some(Some(flow)) = self.flows.get_mut(index) else { return };
        let (here, there) = (flow.sockets[side].as_fd(), flow.sockets[1 - side].as_fd());
        // With an end in sight the receive that finds it makes no edge of its own.
        let short_drains = bits & !(epoll::IN | epoll::OUT) == 0;
        let mut outcome = Ok(());
        if bits & !epoll::OUT != 0 && !flow.directions[side].blocked() {
            outcome = flow.directions[side].pump(&mut self.carrier, here, there, short_drains);
        }
        // Room for what comes from the other; its source may have said its last meanwhile.
        if outcome.is_ok() && bits & !epoll::IN != 0 && flow.directions[1 - side].blocked() {
            outcome = flow.directions[1 - side].pump(&mut self.carrier, there, here, false);
        }
        let over = flow.directions.iter().all(Direction::ended);
        // An error is the end of both, as it is in what this is compared with.
        if over || outcome.is_err() {
            self.flows[index] = None;
            self.ended.push(index);
        }
    }

    fn accept_all(&mut self, listener: &OwnedFd) -> io::Result<()> {
        loop {
            let client = match socket::accept(listener.as_fd()) {
                Ok(client) => client,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                // EMFILE and the like end this proxy: it is a measure, not a service.
                Err(error) => return Err(error),
            };
            let server = socket::connect_to(&self.target, true)?;
            let index = self.free.pop().unwrap_or_else(|| {
                self.flows.push(None);
                self.flows.len() - 1
            });
            self.epoll.add(client.as_fd(), BOTH, (index as u64) << 1)?;
            self.epoll.add(server.as_fd(), BOTH, (index as u64) << 1 | 1)?;
            let directions = [Direction::new(), Direction::new()];
            self.flows[index] = Some(Flow { sockets: [client, server], directions });
        }
    }
}
