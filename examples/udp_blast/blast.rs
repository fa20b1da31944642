//! One run: a thread that sends and one that receives, each with a runtime of its own.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use edgewake::{Runtime, net::UdpSocket, time::sleep};

use crate::{
    arguments::Arguments,
    arrivals::{Arrivals, END},
    ways::{self, Sent, Way},
};

/// Some two thousand datagrams, if the system allows it. Linux cuts it at `net.core.rmem_max`.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Between two end marks, of which the first may be lost like any datagram.
const BETWEEN_MARKS: Duration = Duration::from_millis(1);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) size: usize,
    pub(crate) sent: Sent,
    pub(crate) received: u64,
    pub(crate) receives: u64,
    elapsed: Duration,
}

impl Outcome {
    /// Datagrams received a second.
    pub(crate) fn rate(&self) -> f64 {
        self.received as f64 / self.elapsed.as_secs_f64()
    }
}

pub(crate) fn run(way: Way, arguments: &Arguments) -> io::Result<Outcome> {
    let ended = &AtomicBool::new(false);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let receiver = scope.spawn(move || {
            let outcome = Runtime::new()?.block_on(receive(way, arguments, tell));
            // Release, with the Acquire of the sender: only the flag itself is passed on.
            ended.store(true, Ordering::Release);
            outcome
        });
        let sender = scope.spawn(move || {
            // Without an address the receiver has failed, and says why.
            let Ok(address) = told.recv() else { return Ok(None) };
            Runtime::new()?.block_on(send(way, arguments, address, ended)).map(Some)
        });
        let (sent, received) = (sender.join(), receiver.join());
        let panicked = |_| io::Error::other("a thread panicked");
        let (arrivals, elapsed) = received.map_err(panicked)??;
        let sent = sent.map_err(panicked)??.ok_or_else(|| io::Error::other("no address came"))?;
        let Arrivals { received, calls: receives, .. } = arrivals;
        Ok(Outcome { size: arguments.size, sent, received, receives, elapsed })
    })
}

async fn receive(
    way: Way,
    arguments: &Arguments,
    tell: mpsc::Sender<SocketAddr>,
) -> io::Result<(Arrivals, Duration)> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    match socket.set_recv_buffer_size(RECEIVE_BUFFER) {
        // More than the system allows: it loses more, and the table tells.
        Err(error) if error.raw_os_error().is_some() => {}
        outcome => outcome?,
    }
    let mut arrivals = Arrivals::new(arguments.size);
    let address = socket.local_addr()?;
    let start = Instant::now();
    tell.send(address).map_err(|_| io::Error::other("the sender has gone"))?;
    ways::receive(way, &socket, arguments.size, arguments.batch, &mut arrivals).await?;
    Ok((arrivals, start.elapsed()))
}

async fn send(
    way: Way,
    arguments: &Arguments,
    address: SocketAddr,
    ended: &AtomicBool,
) -> io::Result<Sent> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(address).await?;
    let end = Instant::now() + arguments.duration;
    let outcome = ways::send(way, &socket, arguments.size, arguments.batch, end).await;
    // Also after a failure: the receiver waits for it.
    while !ended.load(Ordering::Acquire) {
        match socket.send(&END).await {
            // The receiver has closed its socket: it has the mark.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            outcome => drop(outcome?),
        }
        sleep(BETWEEN_MARKS).await;
    }
    outcome
}
