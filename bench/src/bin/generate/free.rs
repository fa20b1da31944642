//! The closed loop on epoll: each connection has one message in flight, or `--depth` of them, and
//! sends the next as soon as an answer is complete, independently of the others. What one receive
//! completes is replaced by one send. This is the load rates are measured at.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use edgewake_bench::os::epoll::{self, Epoll, Events};
use edgewake_bench::os::socket;

use crate::args::{Args, Mode};
use crate::connect;
use crate::report::{Measurement, Report};
use crate::window::Window;

/// Level-triggered: a large answer may be received in pieces, over several waits.
const RECEIVING: u32 = epoll::IN;

/// One connection and its messages in flight.
#[derive(Debug)]
struct Flow {
    socket: OwnedFd,
    window: Window,
    /// Registered for output as well, since the last send left something.
    blocked: bool,
}

struct Load<'a> {
    args: &'a Args,
    mode: Mode,
    epoll: Epoll,
    flows: Vec<Option<Flow>>,
    buffer: Vec<u8>,
    measurement: Measurement,
    started: u64,
    finished: u64,
}

pub(crate) fn run(args: &Args, mode: Mode) -> io::Result<Report> {
    let mut load = Load {
        args,
        mode,
        epoll: Epoll::new()?,
        flows: Vec::with_capacity(args.connections),
        buffer: vec![0; 64 * 1024],
        measurement: Measurement::start()?,
        started: 0,
        finished: 0,
    };
    // Connections first, messages after: with `echo` the clock must not run while connecting.
    for index in 0..args.connections {
        let flow = load.connect(index)?;
        load.flows.push(Some(flow));
    }
    load.measurement.restart();
    let now = Instant::now();
    for index in 0..args.connections {
        load.refill(index, now)?;
    }
    load.turn_until_done()?;
    Ok(load.measurement.finish())
}

impl Load<'_> {
    fn total(&self) -> u64 {
        self.args.warmup + self.args.messages
    }

    fn connect(&self, index: usize) -> io::Result<Flow> {
        let socket = connect::non_blocking(&self.args.target)?;
        self.epoll.add(socket.as_fd(), RECEIVING, index as u64)?;
        let window = Window::new(self.args.size, self.args.depth, index);
        Ok(Flow { socket, window, blocked: false })
    }

    fn turn_until_done(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let patience = i32::try_from(self.args.patience.as_millis()).unwrap_or(i32::MAX);
        while self.finished < self.total() {
            match self.epoll.wait(&mut events, patience) {
                Ok(0) => return Err(self.stalled()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            for (bits, token) in events.iter() {
                self.on_event(bits, token as usize)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn on_event(&mut self, bits: u32, index: usize) -> io::Result<()> {
        if bits & epoll::OUT != 0 {
            self.push(index)?;
        }
        let Some(Some(flow)) = self.flows.get_mut(index) else { return Ok(()) };
        let received = match socket::recv(flow.socket.as_fd(), &mut self.buffer) {
            Ok(0) if !self.args.target.keeps_messages() => {
                return Err(io::Error::other("closed before the whole answer"));
            }
            Ok(received) => received,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        // A part of a message is no answer yet, and no datagram of ours.
        if self.args.target.keeps_messages() && received != self.args.size {
            return Err(io::Error::other("an answer of another length"));
        }
        // One reading of the clock ends these messages and begins the next.
        let now = Instant::now();
        let Self { measurement, finished, args, .. } = self;
        let before = *finished;
        flow.window.receive(&self.buffer[..received], |queued_at| {
            measurement.record(now - queued_at);
            *finished += 1;
            if *finished == args.warmup {
                measurement.restart();
            }
        })?;
        if self.finished == before {
            return Ok(());
        }
        if self.mode == Mode::Churn {
            self.flows[index] = None;
        }
        self.refill(index, now)
    }

    /// Sends the next messages, on a new connection where there is none, if any are left.
    #[inline]
    fn refill(&mut self, index: usize, now: Instant) -> io::Result<()> {
        if self.started >= self.total() {
            return Ok(());
        }
        if self.flows[index].is_none() {
            self.flows[index] = Some(self.connect(index)?);
        }
        let total = self.total();
        if let Some(flow) = &mut self.flows[index] {
            while self.started < total && flow.window.has_room() {
                flow.window.queue(now);
                self.started += 1;
            }
        }
        self.push(index)
    }

    /// Sends as much as the socket takes. While something is left, both directions are watched.
    #[inline]
    fn push(&mut self, index: usize) -> io::Result<()> {
        let Some(flow) = &mut self.flows[index] else { return Ok(()) };
        // Twice at most: up to the ring's end, and from its beginning.
        while !flow.window.unsent().is_empty() {
            let bytes = flow.window.unsent();
            let asked = bytes.len();
            match socket::send(flow.socket.as_fd(), bytes) {
                Ok(sent) => {
                    flow.window.sent(sent);
                    if sent < asked {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let blocked = !flow.window.unsent().is_empty();
        if blocked != flow.blocked {
            flow.blocked = blocked;
            let events = if blocked { RECEIVING | epoll::OUT } else { RECEIVING };
            self.epoll.modify(flow.socket.as_fd(), events, index as u64)?;
        }
        Ok(())
    }

    fn stalled(&self) -> io::Error {
        io::Error::other(format!(
            "no answer for {} s: {} of {} messages answered, {} in flight",
            self.args.patience.as_secs(),
            self.finished,
            self.total(),
            self.started - self.finished
        ))
    }
}
