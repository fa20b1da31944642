//! One client: sends requests ahead, and checks that each comes back, once, in order, and whole.
//!
//! A client is restless on purpose, so that a handover meets connections in every state: requests
//! are of many lengths and several are on their way; every third client reads slowly, so that
//! answers pile up on the server's side; every fifth sends its requests in pieces; every fourth
//! ends its connection after some requests and makes a new one.

use std::{
    cell::Cell,
    io,
    io::ErrorKind::{InvalidData, UnexpectedEof, WouldBlock},
    net::{Shutdown, SocketAddr},
    rc::Rc,
    time::Duration,
};

use edgewake::{
    Interest,
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};

use crate::{frame, tally::Tally};

/// Requests that may be on their way.
const DEPTH: u64 = 8;

/// Requests on a connection of a client that makes new ones.
const SHORT_LIFE: u64 = 50;

/// How long an answer, or a connection, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a slow client does nothing.
const PAUSE: Duration = Duration::from_millis(2);

/// What the kernel keeps for a slow reader.
const SMALL_BUFFER: usize = 32 * 1024;

/// What a client that sends in pieces sends at once.
const FRAGMENT: usize = 5_000;

const PIECE: usize = 16 * 1024;

/// The most of a long request.
const LONG: u64 = 48 * 1024;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) server: SocketAddr,
    pub(crate) tally: Tally,
    /// No more requests are made.
    pub(crate) ends: Cell<bool>,
}

/// Sends requests until all are to end. What fails is tallied.
pub(crate) async fn run(shared: Rc<Shared>, number: usize) {
    while !shared.ends.get() {
        let mut client = match connect(&shared, number).await {
            Ok(client) => client,
            // The connection that was to be is one request that failed.
            Err(error) => return shared.tally.fail(1, &error),
        };
        Tally::add(&shared.tally.connections, 1);
        if let Err(error) = client.live().await {
            shared.tally.fail((client.sent - client.answered).max(1), &error);
            return;
        }
    }
}

async fn connect(shared: &Rc<Shared>, number: usize) -> io::Result<Client> {
    let socket = TcpSocket::new_for(&shared.server)?;
    socket.set_nodelay(true)?;
    let reads_slowly = number % 3 == 2;
    if reads_slowly {
        socket.set_recv_buffer_size(SMALL_BUFFER)?;
    }
    let stream = timeout(PATIENCE, socket.connect(shared.server)).await??;
    Ok(Client {
        stream,
        shared: Rc::clone(shared),
        number,
        reads_slowly,
        at_once: if number % 5 == 4 { FRAGMENT } else { usize::MAX },
        life: if number % 4 == 3 { SHORT_LIFE } else { u64::MAX },
        sent: 0,
        answered: 0,
        unsent: Vec::new(),
        received: Vec::new(),
    })
}

/// A connection of a client.
struct Client {
    stream: TcpStream,
    shared: Rc<Shared>,
    number: usize,
    reads_slowly: bool,
    /// Bytes to send before others get their turn.
    at_once: usize,
    /// Requests to make on this connection.
    life: u64,
    sent: u64,
    answered: u64,
    unsent: Vec<u8>,
    received: Vec<u8>,
}

impl Client {
    /// Makes requests until it is enough, and waits for the last answers.
    async fn live(&mut self) -> io::Result<()> {
        loop {
            let enough = self.shared.ends.get() || self.sent >= self.life;
            if !enough {
                self.make_requests();
            } else if self.answered == self.sent {
                return self.end().await;
            }
            let interest = match self.unsent.is_empty() {
                true => Interest::READABLE,
                false => Interest::READABLE | Interest::WRITABLE,
            };
            timeout(PATIENCE, self.stream.ready(interest)).await??;
            self.send()?;
            if self.receive()? && self.reads_slowly || self.unsent.len() > self.at_once {
                sleep(PAUSE).await;
            }
        }
    }

    fn make_requests(&mut self) {
        while self.sent - self.answered < DEPTH && self.sent < self.life {
            let payload = payload(self.number, self.sent);
            frame::append(&mut self.unsent, self.sent, &payload);
            self.sent += 1;
            Tally::add(&self.shared.tally.sent, 1);
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let now = self.unsent.len().min(self.at_once);
        match self.stream.try_write(&self.unsent[..now]) {
            Ok(count) => {
                self.unsent.drain(..count);
            }
            Err(error) if error.kind() == WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes what has come; whether that was anything.
    fn receive(&mut self) -> io::Result<bool> {
        let mut piece = [0; PIECE];
        match self.stream.try_read(&mut piece) {
            Ok(0) => return Err(io::Error::new(UnexpectedEof, "the server closed a connection")),
            Ok(count) => self.received.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        let received = std::mem::take(&mut self.received);
        let mut rest = received.as_slice();
        let invalid = |what: &str| io::Error::new(InvalidData, what.to_owned());
        while let Some(answer) = frame::first(rest).map_err(invalid)? {
            self.check(&answer)?;
            rest = &rest[answer.whole.len()..];
        }
        self.received = rest.to_vec();
        Ok(true)
    }

    /// Compares an answer with what its request was.
    fn check(&mut self, answer: &frame::Frame<'_>) -> io::Result<()> {
        let tally = &self.shared.tally;
        if answer.number < self.answered {
            Tally::add(&tally.repeated, 1);
            return Ok(());
        }
        Tally::add(&tally.lost, answer.number - self.answered);
        if answer.number >= self.sent || answer.payload != payload(self.number, answer.number) {
            return Err(io::Error::new(InvalidData, "an answer to something else"));
        }
        self.answered = answer.number + 1;
        tally.answer(self.number);
        Ok(())
    }

    /// Closes in order: the server must answer the end with its own, and with nothing before it.
    async fn end(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        loop {
            timeout(PATIENCE, self.stream.readable()).await??;
            match self.stream.try_read(&mut [0; 1]) {
                Ok(0) => return Ok(()),
                Ok(_) => return Err(io::Error::new(InvalidData, "more than the answers")),
                Err(error) if error.kind() == WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// What a request says: of many lengths, one in eight a long one; no two the same.
fn payload(client: usize, number: u64) -> Vec<u8> {
    // splitmix64, so that every request can be made anew to compare.
    let mut state = ((client as u64) << 40) ^ number;
    let mut random = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let length = if random() % 8 == 0 { random() % LONG } else { random() % 256 } as usize;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&random().to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}
