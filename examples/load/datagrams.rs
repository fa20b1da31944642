//! One client of UDP, with a socket of its own: a message is a datagram, and may be lost.
//!
//! An answer is known by its bytes, since each message is another stretch of the pattern. Answers
//! come in the order of their messages; one that comes before its turn, or a second without any,
//! says that the earlier ones are lost. They stay unanswered, and others are sent in their place.

use std::{
    collections::VecDeque,
    io,
    io::ErrorKind::WouldBlock,
    rc::Rc,
    time::{Duration, Instant},
};

use edgewake::{net::UdpSocket, time::timeout_at};

use crate::{
    pace::{Due, Pace},
    pattern::Pattern,
    shared::Shared,
};

/// After so long without its answer a message is lost.
const LOST: Duration = Duration::from_secs(1);

/// A client at work.
#[derive(Debug)]
pub(crate) struct Client {
    socket: UdpSocket,
    shared: Rc<Shared>,
    pace: Pace,
    /// Where its bytes begin in the pattern.
    start: u64,
    /// How many messages were sent, and when those were that wait for their answer.
    sent: u64,
    sent_at: VecDeque<Instant>,
    /// Whether a message was ever given up, so that its answer may still come.
    gave_up: bool,
}

impl Client {
    pub(crate) fn new(socket: UdpSocket, shared: Rc<Shared>, pace: Pace, number: u64) -> Client {
        let start = Pattern::start_of(number);
        let sent_at = VecDeque::new();
        Client { socket, shared, pace, start, sent: 0, sent_at, gave_up: false }
    }

    /// Runs until the end has come and every message is answered or lost, or the socket fails.
    pub(crate) async fn drive(mut self) {
        let outcome = self.exchange().await;
        if let Err(error) = outcome {
            self.shared.tally.fail(&error, self.pace.outstanding());
        }
    }

    async fn exchange(&mut self) -> io::Result<()> {
        loop {
            let now = Instant::now();
            let due = self.pace.due(now, self.shared.end.get());
            let lost = self.sent_at.front().map(|sent_at| *sent_at + LOST);
            let until = match (due, lost) {
                (Due::Now, _) => {
                    self.send(now).await?;
                    continue;
                }
                (Due::At(due), lost) => lost.map_or(due, |lost| lost.min(due)),
                (Due::AfterAnswer | Due::Never, Some(lost)) => lost,
                (Due::AfterAnswer | Due::Never, None) => return Ok(()),
            };
            match timeout_at(until, self.socket.readable()).await {
                Ok(readable) => {
                    readable?;
                    self.receive()?;
                }
                Err(_elapsed) => self.give_up(),
            }
        }
    }

    async fn send(&mut self, now: Instant) -> io::Result<()> {
        self.pace.send(now);
        self.shared.tally.sent();
        self.sent_at.push_back(now);
        let position = self.start + self.sent * self.shared.size;
        self.sent += 1;
        // The pattern gives at least as much at once as a datagram can carry.
        self.socket.send(self.shared.pattern.at(position, self.shared.size)).await?;
        Ok(())
    }

    /// Takes all answers that are there. Never waits.
    fn receive(&mut self) -> io::Result<()> {
        let shared = Rc::clone(&self.shared);
        let mut buffer = shared.buffer.borrow_mut();
        while !self.sent_at.is_empty() {
            match self.socket.try_recv(&mut buffer) {
                Ok(count) => self.answered(&buffer[..count])?,
                Err(error) if error.kind() == WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn answered(&mut self, answer: &[u8]) -> io::Result<()> {
        let first = self.sent - self.sent_at.len() as u64;
        let is_message = |number: &u64| {
            let position = self.start + number * self.shared.size;
            answer == self.shared.pattern.at(position, self.shared.size)
        };
        let Some(number) = (first..self.sent).find(is_message) else {
            if self.gave_up {
                return Ok(());
            }
            let sentence = "the server sent other bytes than it was sent";
            return Err(io::Error::new(io::ErrorKind::InvalidData, sentence));
        };
        for _ in first..number {
            self.lose();
        }
        let now = Instant::now();
        self.sent_at.pop_front();
        self.shared.tally.answered(now - self.pace.answer(), now);
        Ok(())
    }

    /// Gives up what was sent too long ago.
    fn give_up(&mut self) {
        let now = Instant::now();
        while self.sent_at.front().is_some_and(|sent_at| *sent_at + LOST <= now) {
            self.lose();
        }
    }

    /// The oldest message will not be answered.
    fn lose(&mut self) {
        self.gave_up = true;
        self.sent_at.pop_front();
        self.pace.answer();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, UdpSocket as StdSocket},
        rc::Rc,
        thread,
        time::{Duration, Instant},
    };

    use edgewake::{Runtime, net::UdpSocket};

    use super::Client;
    use crate::{pace::Pace, shared::Shared};

    /// Has one client load a server of std's that treats each datagram with `answer`, which returns
    /// whether to send it back. Returns the counts, and how many were not sent back.
    fn load(mut answer: impl FnMut(&mut [u8]) -> bool + Send + 'static) -> (Rc<Shared>, u64) {
        let server = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = server.local_addr().expect("a bound socket");
        let serving = thread::spawn(move || {
            let (mut buffer, mut dropped) = ([0; 2000], 0);
            loop {
                let (count, peer) = server.recv_from(&mut buffer).expect("a bound socket");
                let datagram = &mut buffer[..count];
                if datagram.is_empty() {
                    return dropped;
                } else if answer(datagram) {
                    server.send_to(datagram, peer).expect("room for a datagram");
                } else {
                    dropped += 1;
                }
            }
        });
        let shared = Rc::new(Shared::new(100, Instant::now() + Duration::from_millis(300)));
        Runtime::new().expect("a runtime").block_on(async {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
            socket.connect(address).await.expect("an address");
            Client::new(socket, Rc::clone(&shared), Pace::closed(4), 3).drive().await;
        });
        let stop = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        stop.send_to(&[], address).expect("an empty datagram");
        (shared, serving.join().expect("the server has ended"))
    }

    // Goal: lost messages are unanswered ones, no errors, and others are sent in their place.
    #[test]
    fn losses_are_counted() {
        let mut number = 0;
        let (shared, dropped) = load(move |_| {
            number += 1;
            number % 3 != 0
        });
        let tally = &shared.tally;
        assert!(dropped > 0);
        assert_eq!(tally.unanswered(), dropped);
        assert_eq!(tally.answers() + dropped, tally.questions());
        assert_eq!(tally.errors(), []);
    }

    // Goal: an answer that is no message of ours is an error.
    #[test]
    fn changed_bytes_are_an_error() {
        let (shared, _) = load(|datagram| {
            datagram[50] ^= 1;
            true
        });
        let errors = shared.tally.errors();
        assert_eq!(errors, [("the server sent other bytes than it was sent".to_owned(), 1)]);
        assert_eq!(shared.tally.answers(), 0);
    }
}
