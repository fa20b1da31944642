//! Lock step: all connections send, then all answers are awaited, then the next round.
//!
//! For counting, a run must give the server the same batches every time. Here the generator does
//! not look at any answer before the whole round is sent; started on the server's core, with the
//! server in `SCHED_BATCH` (`cost` does that), the server does not run before the generator blocks,
//! finds all C connections ready in one wait, and the counts repeat to the third digit. Blocking
//! sockets are enough for it, and answers are awaited from the last connection backwards, so that
//! the first answer does not already wake this process.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::args::Args;
use crate::message::Message;
use crate::report::{Measurement, Report};

/// A blocking connection.
#[derive(Debug)]
pub(crate) struct Lane {
    stream: TcpStream,
    message: Message,
    sent_at: Instant,
}

impl Lane {
    pub(crate) fn connect(args: &Args, index: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(args.addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(args.patience))?;
        stream.set_write_timeout(Some(args.patience))?;
        let message = Message::new(args.size, index);
        Ok(Self { stream, message, sent_at: Instant::now() })
    }

    pub(crate) fn send(&mut self) -> io::Result<()> {
        self.message.advance();
        self.sent_at = Instant::now();
        self.stream.write_all(self.message.bytes())
    }

    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.stream.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::Error::other("no answer within --patience"),
            io::ErrorKind::UnexpectedEof => io::Error::other("closed before the whole answer"),
            _ => error,
        })?;
        self.message.verify(0, buffer)
    }
}

/// Rounds over the same connections.
pub(crate) fn echo(args: &Args) -> io::Result<Report> {
    let mut lanes =
        (0..args.connections).map(|i| Lane::connect(args, i)).collect::<io::Result<Vec<_>>>()?;
    let mut buffer = vec![0; args.size];
    let mut measurement = Measurement::start()?;
    for round in 0..rounds(args, args.warmup) + rounds(args, args.messages) {
        if round == rounds(args, args.warmup) {
            measurement.restart();
        }
        exchange(&mut lanes, &mut buffer, &mut measurement)?;
    }
    Ok(measurement.finish())
}

/// Rounds of new connections: connect and send on all, await all answers, close all.
pub(crate) fn churn(args: &Args) -> io::Result<Report> {
    let mut lanes = Vec::with_capacity(args.connections);
    let mut buffer = vec![0; args.size];
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
