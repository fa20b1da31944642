//! A socket that is read and written on another thread than its loop's, which takes its turns at
//! moments that the schedule draws: between what a call has said and what is made of it, too. Every
//! byte comes once and in order, and no wake-up is lost.

use std::{
    cell::RefCell,
    io::{ErrorKind, Read, Write},
    os::unix::net,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use edgewake::{Runtime, net::UnixStream};
use edgewake_sys::faults::schedule;
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    peer::pattern,
    run::{draw, nothing_left, once_in},
    tracked::on_another_thread,
};

thread_local! {
    /// On the other thread.
    static LOOP: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

fn with_loop(work: impl FnOnce(&Runtime) + Send + 'static) {
    on_another_thread(|| LOOP.with_borrow(|runtime| work(runtime.as_ref().expect("it is there"))));
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Flag>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The other end, in the hands of std.
struct Peer {
    stream: net::UnixStream,
    to_send: Vec<u8>,
    received: Vec<u8>,
}

impl Peer {
    /// Sends or receives some, or has the loop take a turn.
    fn step(&mut self) {
        match draw(3) {
            0 => self.send(),
            1 => self.receive(),
            _ => {}
        }
        if draw(3) != 0 {
            turn();
        }
    }

    /// A part of what is left to do.
    fn finish(&mut self) {
        self.send();
        self.receive();
        turn();
    }

    fn send(&mut self) {
        let most = self.to_send.len().min(1 + draw(2000) as usize);
        if most == 0 {
            return;
        }
        match self.stream.write(&self.to_send[..most]) {
            Ok(count) => drop(self.to_send.drain(..count)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }

    fn receive(&mut self) {
        let mut room = vec![0; if once_in(8) { 300_000 } else { 1 + draw(4000) as usize }];
        match self.stream.read(&mut room) {
            Ok(count) => self.received.extend(&room[..count]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

/// The loop does what there is to do.
fn turn() {
    with_loop(|runtime| while runtime.turn().expect("a turn") == Some(Duration::ZERO) {});
}

/// One direction: what wakes it, and whether it waits for that.
#[derive(Default)]
struct Direction {
    flag: Arc<Flag>,
    waits: bool,
}

impl Direction {
    fn is_woken(&self) -> bool {
        self.flag.0.load(Ordering::SeqCst)
    }

    /// Whether to poll: it was woken, or has not waited yet, or somebody polls for nothing.
    fn is_willing(&self) -> bool {
        !self.waits || self.is_woken() || once_in(3)
    }

    /// Polls a new future, and drops it.
    fn poll<T>(&mut self, mut future: impl Future<Output = T> + Unpin) -> Option<T> {
        self.flag.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.flag));
        let outcome = Pin::new(&mut future).poll(&mut Context::from_waker(&waker));
        self.waits = outcome.is_pending();
        match outcome {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }
}

struct Ends {
    stream: UnixStream,
    to_send: Vec<u8>,
    received: Vec<u8>,
    reading: Direction,
    writing: Direction,
}

impl Ends {
    /// Reads and writes until there is nothing more to be done.
    fn run(&mut self) {
        while self.reading.is_willing() && self.read() {}
        while self.writing.is_willing() && self.write() {}
    }

    fn read(&mut self) -> bool {
        let mut room = vec![0; 1 + draw(3000) as usize];
        let mut stream = &self.stream;
        let Some(count) = self.reading.poll(stream.read(&mut room)) else { return false };
        self.received.extend(&room[..count.expect("no error")]);
        true
    }

    fn write(&mut self) -> bool {
        let most = self.to_send.len().min(1 + draw(8000) as usize);
        if most == 0 {
            return false;
        }
        let mut stream = &self.stream;
        let Some(count) = self.writing.poll(stream.write(&self.to_send[..most])) else {
            return false;
        };
        self.to_send.drain(..count.expect("no error"));
        true
    }
}

pub(crate) fn run() {
    schedule::stand_apart();
    let length = if once_in(6) { 400_000 } else { draw(5000) as usize };
    let (there, back) = (pattern(1, length), pattern(2, draw(5000) as usize));
    let (stream, peer) = connected();
    let peer = Peer { stream: peer, to_send: back.clone(), received: Vec::new() };
    let peer = Rc::new(RefCell::new(peer));
    let (reading, writing) = (Direction::default(), Direction::default());
    let to_send = there.clone();
    let mut ends = Ends { stream, to_send, received: Vec::new(), reading, writing };
    let intruder = Rc::clone(&peer);
    schedule::intrude(move |_| intruder.borrow_mut().step());
    while ends.received.len() < back.len() || peer.borrow().received.len() < there.len() {
        ends.run();
        turn();
        expect_wakes(&ends, &peer.borrow(), &there, &back);
        peer.borrow_mut().finish();
        expect_wakes(&ends, &peer.borrow(), &there, &back);
    }
    assert!(ends.received == back && peer.borrow().received == there, "other bytes");
    schedule::intrude(|_| ());
    drop(ends);
    turn();
    with_loop(nothing_left);
    on_another_thread(|| drop(LOOP.take()));
}

/// The loop has had its turn: whoever waits for what there is has been woken.
fn expect_wakes(ends: &Ends, peer: &Peer, there: &[u8], back: &[u8]) {
    let came = back.len() - peer.to_send.len() - ends.received.len();
    let is_told = !ends.reading.waits || ends.reading.is_woken();
    assert!(came == 0 || is_told, "{came} bytes came, and the reader was not woken");
    let under_way = there.len() - ends.to_send.len() - peer.received.len();
    let is_told = !ends.writing.waits || ends.writing.is_woken();
    assert!(under_way > 0 || is_told, "there is room, and the writer was not woken");
}

/// A stream of the other thread's loop, and its other end.
fn connected() -> (UnixStream, net::UnixStream) {
    let (give, take) = mpsc::channel();
    on_another_thread(move || {
        let runtime = Runtime::new().expect("a runtime");
        let (ours, theirs) = net::UnixStream::pair().expect("a pair");
        theirs.set_nonblocking(true).expect("a socket");
        let stream = runtime.block_on(async { UnixStream::try_from(ours) });
        LOOP.set(Some(runtime));
        give.send((stream.expect("a stream"), theirs)).expect("it waits");
    });
    take.recv().expect("it was sent")
}
