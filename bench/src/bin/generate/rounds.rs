//! Lock step: all connections send, then all answers are awaited, then the next round.
//!
//! For counting, a run must give the server the same batches every time. Here the generator does
//! not look at any answer before the whole round is sent; started on the server's core, with the
//! server in `SCHED_BATCH` (`cost` does that), the server does not run before the generator blocks,
//! finds all C connections ready in one wait, and the counts repeat to the third digit. Blocking
//! sockets are enough for it, and answers are awaited from the last connection backwards, so that
//! the first answer does not already wake this process.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use edgewake_bench::os::socket;

use crate::args::Args;
use crate::connect;
use crate::message::Message;
use crate::report::{Measurement, Report};

/// A blocking connection.
#[derive(Debug)]
pub(crate) struct Lane {
    socket: OwnedFd,
    message: Message,
    sent_at: Instant,
    keeps_messages: bool,
}

impl Lane {
    pub(crate) fn connect(args: &Args, index: usize) -> io::Result<Self> {
        let socket = connect::blocking(&args.target, args.patience)?;
        let message = Message::new(args.size, index);
        let keeps_messages = args.target.keeps_messages();
        Ok(Self { socket, message, sent_at: Instant::now(), keeps_messages })
    }

    pub(crate) fn send(&mut self) -> io::Result<()> {
        self.message.advance();
        self.sent_at = Instant::now();
        let bytes = self.message.bytes();
        let mut sent = 0;
        // A datagram goes as a whole or not at all; of a stream a blocking send takes all as well,
        // unless a signal comes.
        while sent < bytes.len() {
            sent += socket::send(self.socket.as_fd(), &bytes[sent..])?;
        }
        Ok(())
    }

    /// Awaits the answer. `buffer` is larger than a message, to notice bytes too many.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut received = 0;
        loop {
            let count = match socket::recv(self.socket.as_fd(), buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(io::Error::other("no answer within --patience"));
                }
                Err(error) => return Err(error),
            };
            self.message.verify(received, &buffer[..count])?;
            received += count;
            match self.message.bytes().len() {
                size if received == size => return Ok(()),
                _ if self.keeps_messages => return Err(io::Error::other("a part of the answer")),
                _ if count == 0 => return Err(io::Error::other("closed before the whole answer")),
                _ => {}
            }
        }
    }
}

/// Rounds over the same connections.
pub(crate) fn echo(args: &Args) -> io::Result<Report> {
    let mut lanes =
        (0..args.connections).map(|i| Lane::connect(args, i)).collect::<io::Result<Vec<_>>>()?;
    let mut buffer = vec![0; args.size + 1];
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
    let mut buffer = vec![0; args.size + 1];
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
            lane.receive(&mut buffer)?;
            measurement.record(lane.sent_at.elapsed());
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
        lane.receive(buffer)?;
        measurement.record(lane.sent_at.elapsed());
    }
    Ok(())
}

/// The number of rounds that gives at least `messages`.
fn rounds(args: &Args, messages: u64) -> u64 {
    messages.div_ceil(args.connections as u64)
}
