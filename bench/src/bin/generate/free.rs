//! The closed loop on epoll: each connection has one message in flight and sends the next as soon
//! as the answer is complete, independently of the others. This is the load rates are measured at.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use edgewake_bench::os::epoll::{self, Epoll, Events};
use edgewake_bench::os::socket;

use crate::args::{Args, Mode};
use crate::connect;
use crate::message::Message;
use crate::report::{Measurement, Report};

/// Level-triggered: a large answer may be received in pieces, over several waits.
const RECEIVING: u32 = epoll::IN;

/// One connection and its message in flight.
#[derive(Debug)]
struct Flow {
    socket: OwnedFd,
    message: Message,
    sent: usize,
    /// Registered for output as well, since the last send left something.
    blocked: bool,
    received: usize,
    sent_at: Instant,
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
        load.start_next(index, now)?;
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
        let message = Message::new(self.args.size, index);
        let sent_at = Instant::now();
        Ok(Flow { socket, message, sent: 0, blocked: false, received: 0, sent_at })
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
        flow.message.verify(flow.received, &self.buffer[..received])?;
        flow.received += received;
        if flow.received < self.args.size {
            if self.args.target.keeps_messages() {
                return Err(io::Error::other("a part of the answer"));
            }
            return Ok(());
        }
        // One reading of the clock ends this message and begins the next.
        let now = Instant::now();
        self.measurement.record(now - flow.sent_at);
        self.finished += 1;
        if self.finished == self.args.warmup {
            self.measurement.restart();
        }
        self.start_next(index, now)
    }

    /// Sends the next message, on a new connection where a message is one, if any is left.
    #[inline]
    fn start_next(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let first = self.started < self.args.connections as u64;
        if self.mode == Mode::Churn && !first {
            self.flows[index] = None;
        }
        if self.started >= self.total() {
            return Ok(());
        }
        self.started += 1;
        if self.flows[index].is_none() {
            self.flows[index] = Some(self.connect(index)?);
        }
        if let Some(flow) = &mut self.flows[index] {
            flow.message.advance();
            (flow.sent, flow.received, flow.sent_at) = (0, 0, now);
        }
        self.push(index)
    }

    /// Sends as much as the socket takes. While something is left, both directions are watched.
    #[inline]
    fn push(&mut self, index: usize) -> io::Result<()> {
        let Some(flow) = &mut self.flows[index] else { return Ok(()) };
        match socket::send(flow.socket.as_fd(), &flow.message.bytes()[flow.sent..]) {
            Ok(sent) => flow.sent += sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        let blocked = flow.sent < self.args.size;
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
