//! Lock step: all connections send, `--depth` messages each, then all answers are awaited, then the
//! next round.
//!
//! For counting, a run must give the server the same batches every time. Here the generator does
//! not look at any answer before the whole round is sent; started on the server's core, with the
//! server in `SCHED_BATCH` (`cost` does that), the server does not run before the generator blocks,
//! finds all C connections ready in one wait, and the counts repeat to the third digit. Blocking
//! sockets are enough for it, and answers are awaited from the last connection backwards, so that
//! the first answer does not already wake this process.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use edgewake_bench::os::socket;

use crate::args::Args;
use crate::connect;
use crate::report::{Measurement, Report};
use crate::window::Window;

/// A blocking connection.
#[derive(Debug)]
pub(crate) struct Lane {
    socket: OwnedFd,
    window: Window,
    keeps_messages: bool,
}

impl Lane {
    pub(crate) fn connect(args: &Args, index: usize) -> io::Result<Self> {
        let socket = connect::blocking(&args.target, args.patience)?;
        let window = Window::new(args.size, args.depth, index);
        Ok(Self { socket, window, keeps_messages: args.target.keeps_messages() })
    }

    /// Sends as many messages as may be in flight.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        let now = Instant::now();
        while self.window.has_room() {
            self.window.queue(now);
        }
        // A datagram goes as a whole or not at all; of a stream a blocking send takes all as well,
        // unless a signal comes.
        while !self.window.unsent().is_empty() {
            let count = socket::send(self.socket.as_fd(), self.window.unsent())?;
            self.window.sent(count);
        }
        Ok(())
    }

    /// Awaits the answers; tells `each` how long one took. `buffer` is larger than all of them, to
    /// notice bytes too many.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut [u8],
        mut each: impl FnMut(Duration),
    ) -> io::Result<()> {
        while !self.window.is_answered() {
            let count = match socket::recv(self.socket.as_fd(), buffer) {
                Ok(0) => return Err(io::Error::other("closed before the whole answer")),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(io::Error::other("no answer within --patience"));
                }
                Err(error) => return Err(error),
            };
            self.window.receive(&buffer[..count], |sent_at| each(sent_at.elapsed()))?;
            if self.keeps_messages && !self.window.is_answered() {
                return Err(io::Error::other("a part of the answer"));
            }
        }
        Ok(())
    }
}

/// Rounds over the same connections.
pub(crate) fn echo(args: &Args) -> io::Result<Report> {
    let mut lanes =
        (0..args.connections).map(|i| Lane::connect(args, i)).collect::<io::Result<Vec<_>>>()?;
    let mut buffer = vec![0; args.size * args.depth + 1];
    let mut measurement = Measurement::start()?;
    for round in 0..rounds(args, args.warmup) + rounds(args, args.messages) {
        if round == rounds(args, args.warmup) {
            measurement.restart();
        }
        exchange(&mut lanes, &mut buffer, &mut measurement)?;
        if !args.pause.is_zero() {
            std::thread::sleep(args.pause);
        }
    }
    Ok(measurement.finish())
}

/// Rounds of new connections: connect and send on all, await all answers, close all.
pub(crate) fn churn(args: &Args) -> io::Result<Report> {
    let mut lanes = Vec::with_capacity(args.connections);
    let mut buffer = vec![0; args.size * args.depth + 1];
    let mut measurement = Measurement::start()?;
    for round in 0..rounds(args, args.warmup) + rounds(args, args.messages) {
        if round == rounds(args, args.warmup) {
            measurement.restart();
        }
        for index in 0..args.connections {
            let mut lane = Lane::connect(args, index)?;
            lane.send()?;
            lanes.push(lane);
        }
        for lane in lanes.iter_mut().rev() {
            lane.receive(&mut buffer, |latency| measurement.record(latency))?;
        }
        lanes.clear();
    }
    Ok(measurement.finish())
}

fn exchange(
    lanes: &mut [Lane],
    buffer: &mut [u8],
    measurement: &mut Measurement,
) -> io::Result<()> {
    for lane in lanes.iter_mut() {
        lane.send()?;
    }
    for lane in lanes.iter_mut().rev() {
        lane.receive(buffer, |latency| measurement.record(latency))?;
    }
    Ok(())
}

/// The number of rounds that gives at least `messages`.
fn rounds(args: &Args, messages: u64) -> u64 {
    messages.div_ceil((args.connections * args.depth) as u64)
}
