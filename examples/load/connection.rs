//! One connection of streams: sends what is due, and checks what comes back.
//!
//! It is one task, not one that sends and one that receives: in a closed loop an answer is what
//! makes the next message due, and passing that from task to task would cost as much as the
//! message. Where the socket has no room it waits for both directions, since a server that cannot
//! get rid of its answers reads no more questions.

use std::{io, io::ErrorKind::WouldBlock, rc::Rc, time::Instant};

use edgewake::time::timeout_at;

use crate::{
    common::stream::Stream,
    pace::{Due, Pace},
    pattern::Pattern,
    shared::Shared,
};

/// What a connection waits for next.
enum Wait {
    Answer,
    /// For an answer, but no longer than this.
    AnswerUntil(Instant),
    /// For an answer, or for room to send.
    AnswerOrRoom,
    /// For nothing: all was sent and answered.
    Over,
}

/// A connection at work.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    shared: Rc<Shared>,
    pace: Pace,
    /// Where its bytes begin in the pattern.
    start: u64,
    /// Bytes that are due.
    due: u64,
    /// Bytes sent, and bytes received.
    sent: u64,
    received: u64,
}

impl<S: Stream> Connection<S> {
    pub(crate) fn new(stream: S, shared: Rc<Shared>, pace: Pace, number: u64) -> Self {
        let start = Pattern::start_of(number);
        Connection { stream, shared, pace, start, due: 0, sent: 0, received: 0 }
    }

    /// Runs until the end has come and every message is answered, or the connection fails.
    pub(crate) async fn drive(mut self) {
        let outcome = self.exchange().await;
        if let Err(error) = outcome {
            self.shared.tally.fail(&error, self.pace.outstanding());
        }
    }

    async fn exchange(&mut self) -> io::Result<()> {
        loop {
            match self.send()? {
                Wait::Answer => self.stream.readable().await?,
                Wait::AnswerUntil(due) => match timeout_at(due, self.stream.readable()).await {
                    Ok(readable) => readable?,
                    Err(_elapsed) => continue,
                },
                Wait::AnswerOrRoom => self.stream.usable().await?,
                Wait::Over => return Ok(()),
            }
            self.receive()?;
        }
    }

    /// Sends what is due. Never waits.
    fn send(&mut self) -> io::Result<Wait> {
        loop {
            if self.sent == self.due {
                let now = Instant::now();
                match self.pace.due(now, self.shared.end.get()) {
                    Due::Now => {
                        self.pace.send(now);
                        self.shared.tally.sent();
                        self.due += self.shared.size;
                    }
                    Due::At(due) => return Ok(Wait::AnswerUntil(due)),
                    Due::AfterAnswer => return Ok(Wait::Answer),
                    Due::Never if self.pace.outstanding() > 0 => return Ok(Wait::Answer),
                    Due::Never => return Ok(Wait::Over),
                }
            }
            let bytes = self.shared.pattern.at(self.start + self.sent, self.due - self.sent);
            match self.stream.try_write(bytes) {
                Ok(count) => self.sent += count as u64,
                Err(error) if error.kind() == WouldBlock => return Ok(Wait::AnswerOrRoom),
                Err(error) => return Err(error),
            }
        }
    }

    /// Receives what there is, up to a buffer full, and checks it. Never waits.
    fn receive(&mut self) -> io::Result<()> {
        let mut buffer = self.shared.buffer.borrow_mut();
        let count = match self.stream.try_read(&mut buffer) {
            Ok(0) => {
                let sentence = "the server closed the connection";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, sentence));
            }
            Ok(count) => count,
            Err(error) if error.kind() == WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let now = Instant::now();
        self.check(&buffer[..count])?;
        self.received += count as u64;
        let whole = self.received / self.shared.size;
        while self.pace.answered() < whole {
            self.shared.tally.answered(now - self.pace.answer(), now);
        }
        Ok(())
    }

    fn check(&self, bytes: &[u8]) -> io::Result<()> {
        let wrong = |sentence: &str| Err(io::Error::new(io::ErrorKind::InvalidData, sentence));
        if self.received + bytes.len() as u64 > self.sent {
            return wrong("the server sent more than it was sent");
        }
        let expected = self.shared.pattern.at(self.start + self.received, bytes.len() as u64);
        if bytes != expected {
            return wrong("the server sent other bytes than it was sent");
        }
        Ok(())
    }
}
