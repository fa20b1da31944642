//! Datagrams over UDP: one socket serves several, each with as many on their way as the kernel has
//! room for. They go one by one and in batches, in segments that the kernel cuts and joins, with
//! peers and without; waits are given up at any moment. Each datagram comes whole, once, and in the
//! order of its sender, and so does its answer.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io::{ErrorKind, IoSlice},
    net::SocketAddr,
    rc::Rc,
};

use edgewake::net::{
    UdpSocket,
    udp::{RecvBatch, SendBatch},
};
use edgewake_sys::faults::schedule;

use crate::{
    channel::{Receiver, Sender, channel},
    peer::pattern,
    run::{draw, drive, once_in},
    streams::{again, pause},
    tracked::spawn,
};

/// How many datagrams of a client are on their way at most, either way.
const WINDOW: u64 = 8;
/// The longest: those of all clients together are fewer bytes than a socket's buffer holds on any
/// system.
const LENGTH_MAX: u64 = 1000;
/// One byte more than any has, so that to cut it would be a mistake.
const ROOM: usize = LENGTH_MAX as usize + 1;

type Datagram = Vec<u8>;

/// What is on its way.
#[derive(Default)]
struct World {
    clients: RefCell<Vec<SocketAddr>>,
    /// Of each client, in the order in which they are sent.
    questions: RefCell<Vec<VecDeque<Datagram>>>,
    /// To each client.
    answers: RefCell<Vec<Vec<Datagram>>>,
    answered: Cell<u32>,
    /// One task answers: then answers have an order too.
    in_order: Cell<bool>,
}

pub(crate) fn run() {
    schedule::keep_whole();
    drive(async {
        let world = Rc::<World>::default();
        let server = Rc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a free port"));
        let address = server.local_addr().expect("it is bound");
        let joins = once_in(3) && server.set_gro(true).is_ok();
        let readers = 1 + draw(2);
        world.in_order.set(readers == 1);
        let readers: Vec<_> = (0..readers)
            .map(|_| spawn(serve(Rc::clone(&world), Rc::clone(&server), joins)))
            .collect();
        let mut clients = Vec::new();
        for number in 0..1 + draw(3) as usize {
            let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
            world.clients.borrow_mut().push(socket.local_addr().expect("it is bound"));
            world.questions.borrow_mut().push(VecDeque::new());
            world.answers.borrow_mut().push(Vec::new());
            let connected = once_in(2);
            if connected {
                socket.connect(address).await.expect("nothing is sent");
            }
            let client = Client { world: Rc::clone(&world), number, socket, address, connected };
            clients.push(spawn(client.ask_and_listen()));
        }
        for client in clients {
            client.await.expect("no panic");
        }
        let left = world.questions.borrow().iter().map(VecDeque::len).sum::<usize>()
            + world.answers.borrow().iter().map(Vec::len).sum::<usize>();
        assert_eq!(left, 0, "datagrams that were sent have not come");
        for reader in readers {
            reader.abort();
            assert!(reader.await.expect_err("it serves for ever").is_cancelled());
        }
    });
}

struct Client {
    world: Rc<World>,
    number: usize,
    socket: UdpSocket,
    address: SocketAddr,
    connected: bool,
}

impl Client {
    /// In two tasks on one socket.
    async fn ask_and_listen(self) {
        let count = draw(30);
        let (come, comes) = channel(count as usize);
        let client = Rc::new(self);
        let asks = spawn(Rc::clone(&client).ask(count, comes));
        client.listen(count, come).await;
        asks.await.expect("no panic");
    }

    async fn ask(self: Rc<Self>, count: u64, mut comes: Receiver<()>) {
        let target = (!self.connected).then_some(self.address);
        let (mut sent, mut window) = (0, WINDOW);
        while sent < count {
            while window == 0 || (once_in(8) && window < WINDOW) {
                comes.next().await.expect("it listens until the end");
                window += 1;
            }
            let most = (count - sent).min(window);
            let some = if once_in(2) { 1 } else { 1 + draw(most) };
            // Of one length they are segments.
            let one = once_in(2).then(|| draw(LENGTH_MAX + 1));
            let datagrams = (0..some).map(|next| {
                let seed = (self.number as u64) << 32 | (sent + next);
                let length = one.filter(|_| !once_in(6));
                pattern(seed, length.unwrap_or_else(|| draw(LENGTH_MAX + 1)) as usize)
            });
            let datagrams: Vec<_> = datagrams.collect();
            // Before: a part of a batch can arrive while the rest waits.
            self.world.questions.borrow_mut()[self.number].extend(datagrams.iter().cloned());
            send(&self.socket, target, datagrams).await;
            sent += some;
            window -= some;
            pause().await;
        }
    }

    async fn listen(&self, count: u64, come: Sender<()>) {
        let mut batch = RecvBatch::new(1 + draw(6) as usize, ROOM);
        let mut left = count;
        while left > 0 {
            let arrived = receive(&self.socket, &mut batch, false).await;
            for (source, answer) in &arrived {
                assert_eq!(*source, self.address, "from somebody else");
                let mut expected = self.world.answers.borrow_mut();
                let place = expected[self.number].iter().position(|one| one == answer);
                let place = place.expect("an answer is cut, came twice, or is another's");
                assert!(place == 0 || !self.world.in_order.get(), "answers out of order");
                expected[self.number].remove(place);
            }
            for _ in &arrived {
                left = left.checked_sub(1).expect("as many answers as questions");
                come.send(()).await;
            }
            pause().await;
        }
    }
}

async fn serve(world: Rc<World>, socket: Rc<UdpSocket>, joins: bool) {
    let mut batch = RecvBatch::new(1 + draw(6) as usize, if joins { 65_535 } else { ROOM });
    loop {
        let arrived = receive(&socket, &mut batch, joins).await;
        let mut sources = Vec::new();
        for (source, question) in arrived {
            let number = world.clients.borrow().iter().position(|client| *client == source);
            let number = number.expect("from somebody else");
            let expected = world.questions.borrow_mut()[number].pop_front();
            let expected = expected.expect("a datagram came twice");
            assert!(question == expected, "a datagram is cut, lost, repeated or out of order");
            sources.push((number, source));
        }
        pause().await;
        for (number, source) in sources {
            // No two are the same.
            world.answered.set(world.answered.get() + 1);
            let mut answer = world.answered.get().to_be_bytes().to_vec();
            answer.extend(pattern(number as u64, draw(60) as usize));
            world.answers.borrow_mut()[number].push(answer.clone());
            send(&socket, Some(source), vec![answer]).await;
        }
    }
}

/// Sends them in order, to the peer where there is no target.
async fn send(socket: &UdpSocket, target: Option<SocketAddr>, datagrams: Vec<Datagram>) {
    if datagrams.len() > 1 || once_in(4) {
        send_batch(socket, target, datagrams).await;
        return;
    }
    for datagram in datagrams {
        let (bytes, split) = (&datagram[..], draw(datagram.len() as u64 + 1) as usize);
        let pieces = [IoSlice::new(&bytes[..split]), IoSlice::new(&bytes[split..])];
        let sent = match (target, draw(2)) {
            (Some(target), 0) => again(|| socket.send_to(bytes, target)).await,
            (Some(target), _) => again(|| socket.send_to_vectored(&pieces, target)).await,
            (None, 0) => again(|| socket.send(bytes)).await,
            (None, _) => again(|| socket.send_vectored(&pieces)).await,
        };
        assert_eq!(sent.expect("no error"), bytes.len(), "a datagram went in part");
    }
}

async fn send_batch(socket: &UdpSocket, target: Option<SocketAddr>, mut datagrams: Vec<Datagram>) {
    let mut batch = SendBatch::new();
    let mut rest = &mut datagrams[..];
    let mut entries = 0;
    while !rest.is_empty() {
        // Those before the last of a segmented entry are of one size.
        let length = rest[0].len();
        let same = rest.iter().take_while(|one| one.len() == length).count();
        let shorter = rest.get(same).is_some_and(|one| (1..length).contains(&one.len()));
        let count = if length > 0 { same + usize::from(shorter) } else { 1 };
        let (ours, others) = rest.split_at_mut(count);
        rest = others;
        let data = ours.concat();
        let mut entry = match target {
            Some(target) => batch.push(data, target),
            None => batch.push_to_peer(data),
        };
        if count > 1 {
            schedule::note("in segments", count as u64);
            entry.segment_size(length as u16);
        }
        entries += 1;
    }
    let mut sent = 0;
    while !batch.is_empty() {
        sent += again(async || socket.send_batch(&mut batch).await).await.expect("no error");
        assert_eq!(sent + batch.len(), entries, "the count is of others");
        pause().await;
    }
}

/// What one receive brings, perhaps given up several times before. `joins`: what comes together is
/// to be taken apart.
async fn receive(
    socket: &UdpSocket,
    batch: &mut RecvBatch,
    joins: bool,
) -> Vec<(SocketAddr, Datagram)> {
    let mut room = [0; ROOM];
    let (length, source) = match if joins { 0 } else { draw(5) } {
        0 | 1 => {
            let count = again(async || socket.recv_batch(batch).await).await.expect("no error");
            assert_eq!(count, batch.len());
            let apart = batch.iter().flat_map(|one| {
                if one.segment_size().is_some() {
                    schedule::note("joined", 1);
                }
                let whole = one.data().is_empty().then_some(&[][..]);
                one.segments().chain(whole).map(move |segment| (one.source(), segment.to_vec()))
            });
            return apart.collect();
        }
        2 => again(async || socket.recv_from(&mut room).await).await.expect("no error"),
        3 => {
            let received = again(async || socket.recv_message(&mut room).await).await;
            let received = received.expect("no error");
            assert!(!received.truncated);
            (received.length, received.source)
        }
        _ => loop {
            again(|| socket.readable()).await.expect("no error");
            match socket.try_recv_from(&mut room) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => break outcome.expect("no error"),
            }
        },
    };
    vec![(source, room[..length].to_vec())]
}
