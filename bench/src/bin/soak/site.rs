//! A server and the processes that hold its connections: filled up, served, at its limit, emptied.

use std::io;
use std::time::Duration;

use edgewake_bench::os::process;

use crate::abuse;
use crate::child::Child;
use crate::pattern::Pattern;
use crate::server::{Rest, Server};

/// Descriptors that a server has left over when all connections are held: for the peers that
/// misbehave, the descriptors that these send, and itself.
pub(crate) const SPARE: u64 = 700;
/// Clients that come when a server has no descriptor left, and have to wait.
const EXCESS: u64 = 64;
/// Connections of one listener. The other side has 28,232 ports for it, of which connect(2) takes
/// every second one first: when these are used up, it looks through all of them each time.
pub(crate) const OF_A_PORT: u64 = 8_000;
/// As connections that have ended keep their ports for a minute, they are spread too.
const PORTS_LEAST: u64 = 4;
/// Descriptors that a process of clients has for other things.
const OWN: u64 = 64;

/// The whole of it.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) server: Server,
    holders: Vec<(Child, u64)>,
    /// Comes and goes where the others stay.
    crowd: Child,
    limit: u64,
    held: u64,
    /// The server with no connection.
    empty: Rest,
    /// And with all that are held.
    full: Option<Rest>,
}

impl Site {
    /// Starts the processes, with `held` connections to come, where a process may have `limit`
    /// descriptors and a server is to have `soft`.
    pub(crate) fn start(
        number: u8,
        (held, soft, limit): (u64, u64, u64),
        storm: u64,
        pattern: &Pattern,
    ) -> io::Result<Self> {
        let ports = held.div_ceil(OF_A_PORT).max(PORTS_LEAST);
        let ports = u8::try_from(ports).map_err(|_| io::Error::other("too many connections"))?;
        let mut server = Server::start(number, ports, storm)?;
        let mut arguments = vec!["hold".to_owned()];
        arguments.extend(server.echo.iter().map(ToString::to_string));
        let most = limit - OWN;
        let count = held.div_ceil(most).max(1);
        let mut holders = Vec::new();
        for index in 0..count {
            let share = held / count + u64::from(index < held % count);
            holders.push((Child::start(&format!("clients {number}.{index}"), &arguments)?, share));
        }
        let crowd = Child::start(&format!("crowd {number}"), &arguments)?;
        server.ask(&format!("limit {soft}"))?;
        abuse::serves_on(&mut server, pattern)?;
        let empty = server.rest()?;
        Ok(Self { server, holders, crowd, limit: soft, held, empty, full: None })
    }

    /// Has each kind of abuse once, without anybody else there, so that the memory that the server
    /// takes for the first of each kind is not taken for that of connections.
    pub(crate) fn warm_up(&mut self, pattern: &Pattern) -> io::Result<()> {
        for (name, _, abuse) in abuse::KINDS {
            within(name, abuse(&mut self.server, pattern))?;
        }
        within("the first of each kind", self.server.until_rest(&self.empty))
    }

    /// Opens all connections, with an echo on each. Returns the bytes of memory that one takes in
    /// the server.
    pub(crate) fn fill(&mut self) -> io::Result<f64> {
        let before = process::resident_bytes(self.server.pid())?;
        let accepted = self.server.state()?.get("accepted");
        for (holder, share) in &mut self.holders {
            holder.tell(&format!("open {share}"))?;
        }
        for (holder, _) in &mut self.holders {
            holder.answer()?;
        }
        let state = self.server.state()?;
        if state.get("alive") != self.held || state.get("accepted") != accepted + self.held {
            return Err(io::Error::other(format!("not {} connections: {state:?}", self.held)));
        }
        let grown = process::resident_bytes(self.server.pid())?.saturating_sub(before);
        self.full = Some(self.server.rest()?);
        Ok(grown as f64 / self.held as f64)
    }

    /// Sends `bytes` on every connection, and lets them come back in [`served`](Self::served).
    pub(crate) fn serve(&mut self, bytes: u64) -> io::Result<()> {
        self.holders.iter_mut().try_for_each(|(holder, _)| holder.tell(&format!("echo {bytes}")))
    }

    /// Waits until all that was sent has come back. Returns how many bytes have, since the start.
    pub(crate) fn served(&mut self) -> io::Result<u64> {
        let mut checked = 0;
        for (holder, share) in &mut self.holders {
            let (held, bytes) = numbers(&holder.answer()?)?;
            if held != *share {
                return Err(io::Error::other(format!("{held} connections are there, not {share}")));
            }
            checked += bytes;
        }
        Ok(checked)
    }

    /// Takes the server to its limit and beyond, serves all that it holds there, and lets it go on.
    /// Returns how many connections it held.
    pub(crate) fn limit(&mut self, bytes: u64) -> io::Result<u64> {
        let before = self.server.rest()?;
        let mut peer = self.server.connect_fds()?;
        self.server.until("it is there", |now| now.get("alive") == before.connections + 1)?;
        let alive = self.server.state()?.get("alive");
        let room = self.limit - process::open_fds(self.server.pid())? as u64;
        self.crowd.ask(&format!("crowd {}", room + EXCESS))?;
        self.server
            .until("it has as many as it may have", |now| now.get("alive") == alive + room)?;
        let open = process::open_fds(self.server.pid())? as u64;
        if open != self.limit {
            let message = format!("{open} descriptors at a limit of {}", self.limit);
            return Err(io::Error::other(message));
        }
        // It cannot accept any more, takes no processor time for that, and serves what it has: the
        // clients that it holds for long, and who sends descriptors, for which there is no room.
        within("at its limit", self.server.still())?;
        self.serve(bytes)?;
        self.served()?;
        abuse::descriptors_without_room(&mut peer)?;
        // Nobody else was accepted meanwhile, and nobody was lost.
        let state = self.server.state()?;
        if state.get("alive") != alive + room {
            return Err(io::Error::other(format!("at its limit it should stay there: {state:?}")));
        }
        // A few of the others end, so that it can accept those who have waited for so long.
        let (holder, _) = &mut self.holders[0];
        holder.ask(&format!("close {EXCESS}"))?;
        let (waited, _) = numbers(&self.crowd.ask(&format!("echo {bytes}"))?)?;
        if waited != room + EXCESS {
            return Err(io::Error::other(format!("{waited} clients have waited, not all")));
        }
        let most = self.server.state()?.get("alive");
        self.crowd.ask(&format!("close {}", room + EXCESS))?;
        drop(peer);
        let (holder, _) = &mut self.holders[0];
        holder.ask(&format!("open {EXCESS}"))?;
        self.server.until_rest(&before)?;
        Ok(most)
    }

    /// Everything that peers can do to it, one kind after the other, each while `bytes` go to and
    /// fro on every connection that is held. Returns what was counted.
    pub(crate) fn abuse(&mut self, bytes: u64, pattern: &Pattern) -> io::Result<Vec<u64>> {
        let mut counts = Vec::new();
        for (name, _, abuse) in abuse::KINDS {
            self.serve(bytes)?;
            let count = abuse(&mut self.server, pattern);
            counts.push(within(name, count)?);
            self.served()?;
        }
        if let Some(full) = &self.full {
            within("a round of abuse", self.server.until_rest(full))?;
        }
        Ok(counts)
    }

    /// Closes all connections, and checks that nothing is left of them.
    pub(crate) fn empty(&mut self) -> io::Result<()> {
        for (holder, share) in &mut self.holders {
            holder.ask(&format!("close {share}"))?;
        }
        self.full = None;
        within("the end of all", self.server.until_rest(&self.empty))
    }

    /// Ends the processes. Returns how many signals the server has handled, and in which time.
    pub(crate) fn quit(mut self, pattern: &Pattern) -> io::Result<(u64, Duration)> {
        abuse::serves_on(&mut self.server, pattern)?;
        self.server.storm(false)?;
        let signals = self.server.state()?.get("signals");
        let time = self.server.stormed();
        for (mut process, _) in self.holders.into_iter().chain([(self.crowd, 0)]) {
            process.tell("quit")?;
            process.ended()?;
        }
        self.server.until_rest(&self.empty)?;
        self.server.quit()?;
        Ok((signals, time))
    }
}

/// Says of an error where it came about.
fn within<T>(what: &str, outcome: io::Result<T>) -> io::Result<T> {
    outcome.map_err(|error| io::Error::other(format!("{what}: {error}")))
}

/// The two numbers of a holder's answer: connections, and bytes that were checked.
fn numbers(answer: &str) -> io::Result<(u64, u64)> {
    let mut words = answer.split(' ').skip(1).map(str::parse);
    match (words.next(), words.next()) {
        (Some(Ok(held)), Some(Ok(checked))) => Ok((held, checked)),
        _ => Err(io::Error::other(format!("{answer:?} is no answer"))),
    }
}
