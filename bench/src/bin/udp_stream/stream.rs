//! One run: two sockets, two threads, and the count of what arrived.
//!
//! Every datagram begins with its number, and they must arrive in order; gaps are losses. Once all
//! are sent, end marks follow, one a millisecond, until the receiver has seen one: the first may be
//! lost like any other.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use edgewake_bench::os::{datagram, process};

/// The room for a datagram's number.
pub(crate) const LEAST_SIZE: usize = 8;
/// UDP's most over IPv4.
pub(crate) const MOST_SIZE: usize = 65_507;

/// Enough for some two thousand datagrams, where the system allows it (net.core.rmem_max).
const RECEIVE_BUFFER: usize = 4 << 20;

const END_MARK: u64 = u64::MAX;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) datagrams: u64,
    pub(crate) size: usize,
}

/// Sends all that is planned and returns the number of system calls made for it; 0 if that is not
/// known.
pub(crate) type Send = fn(UdpSocket, Plan) -> io::Result<u64>;

/// Hands all that arrives to [`Arrivals::take`] until that is over, and returns likewise.
pub(crate) type Receive = fn(UdpSocket, &mut Arrivals) -> io::Result<u64>;

/// Writes a datagram's number into its beginning.
#[inline]
pub(crate) fn number(datagram: &mut [u8], number: u64) {
    datagram[..LEAST_SIZE].copy_from_slice(&number.to_le_bytes());
}

/// What has arrived.
#[derive(Debug)]
pub(crate) struct Arrivals {
    size: usize,
    /// The number that comes next if none is lost.
    next: u64,
    received: u64,
    over: bool,
}

impl Arrivals {
    /// Checks and counts a datagram.
    #[inline]
    pub(crate) fn take(&mut self, datagram: &[u8]) -> io::Result<()> {
        let Some(number) = datagram.first_chunk() else { return Err(odd("too short")) };
        let number = u64::from_le_bytes(*number);
        if number == END_MARK {
            self.over = true;
        } else if datagram.len() != self.size {
            return Err(odd("not as long as it was sent"));
        } else if number < self.next {
            return Err(odd("twice, or out of order"));
        } else {
            self.next = number + 1;
            self.received += 1;
        }
        Ok(())
    }

    /// Whether the end mark has come.
    #[inline]
    pub(crate) fn over(&self) -> bool {
        self.over
    }
}

fn odd(what: &str) -> io::Error {
    io::Error::other(format!("a datagram arrived {what}"))
}

/// What one run measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    sent: u64,
    received: u64,
    elapsed: Duration,
    send_calls: u64,
    receive_calls: u64,
}

impl Run {
    /// Datagrams received a second.
    pub(crate) fn rate(&self) -> f64 {
        self.received as f64 / self.elapsed.as_secs_f64()
    }

    pub(crate) fn lost_percent(&self) -> f64 {
        (self.sent - self.received) as f64 * 100.0 / self.sent as f64
    }

    pub(crate) fn calls_a_sent(&self) -> f64 {
        self.send_calls as f64 / self.sent as f64
    }

    pub(crate) fn calls_a_received(&self) -> f64 {
        self.receive_calls as f64 / self.received.max(1) as f64
    }
}

/// Streams once, the sender on core 0 and the receiver on core 1 where there are two.
pub(crate) fn run(plan: &Plan, send: Send, receive: Receive) -> io::Result<Run> {
    let (from, to) = datagram::pair(RECEIVE_BUFFER)?;
    let marks = from.try_clone()?;
    let mut arrivals = Arrivals { size: plan.size, next: 0, received: 0, over: false };
    let (start_line, ended) = (Barrier::new(2), AtomicBool::new(false));
    thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            pin(1)?;
            start_line.wait();
            let start = Instant::now();
            let outcome = receive(to, &mut arrivals);
            let elapsed = start.elapsed();
            // Release, with the Acquire of the end marks: nothing but the flag passes.
            ended.store(true, Ordering::Release);
            io::Result::Ok((outcome?, elapsed))
        });
        let sender = scope.spawn(|| {
            pin(0)?;
            start_line.wait();
            let outcome = send(from, *plan);
            end(&marks, &ended)?;
            outcome
        });
        let (sender, receiver) = (sender.join(), receiver.join());
        let panicked = |_| io::Error::other("a thread panicked");
        let send_calls = sender.map_err(panicked)??;
        let (receive_calls, elapsed) = receiver.map_err(panicked)??;
        Ok((send_calls, receive_calls, elapsed))
    })
    .map(|(send_calls, receive_calls, elapsed)| Run {
        sent: plan.datagrams,
        received: arrivals.received,
        elapsed,
        send_calls,
        receive_calls,
    })
}

/// Sends end marks until the receiver has ended, in whatever way.
fn end(socket: &UdpSocket, ended: &AtomicBool) -> io::Result<()> {
    while !ended.load(Ordering::Acquire) {
        match socket.send(&END_MARK.to_le_bytes()) {
            Ok(_) => {}
            // The other socket is closed by now: the receiver has ended.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn pin(core: usize) -> io::Result<()> {
    let cores = available_parallelism()?.get();
    process::pin_to(core % cores)
}
