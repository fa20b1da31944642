//! Connects to one of several addresses, side by side or in turn: some listen, some refuse, and
//! some never answer. Whoever connects is connected to one that listens, and talks to it; where
//! none does, what is told is that it was refused, or nothing until it is given up. Of the attempts
//! that lost, or were given up, no socket is left.

use std::{
    cell::RefCell,
    io::ErrorKind,
    net::SocketAddr,
    os::fd::OwnedFd,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use edgewake::{
    JoinHandle,
    net::{TcpListener, TcpStream, tcp::Connector},
    time::timeout,
};
use edgewake_sys::faults::schedule;
use futures::{AsyncReadExt, AsyncWriteExt};

#[cfg(target_os = "linux")]
use crate::black_hole::BlackHole;
use crate::{
    peer::refusing,
    run::{draw, drive, once_in},
    streams::{again, pause},
    tracked::spawn,
};

/// More than all attempts that go unanswered take together.
const ENOUGH: Duration = Duration::from_secs(30);

/// One who can be connected to, or not.
enum Place {
    Listens(Rc<TcpListener>),
    /// While it is open.
    Refuses {
        _open: OwnedFd,
    },
    #[cfg(target_os = "linux")]
    Silent {
        _open: BlackHole,
    },
}

/// What they make up together.
struct Town {
    places: Vec<Place>,
    addresses: Vec<SocketAddr>,
    /// Those that listen, in order.
    listening: Vec<SocketAddr>,
    has_silent: bool,
}

type Serving = Rc<RefCell<Vec<JoinHandle<()>>>>;

pub(crate) fn run() {
    drive(async {
        let mut town = Town::empty();
        for _ in 0..1 + draw(5) {
            town.settle().await;
        }
        let serving = Serving::default();
        let mut acceptors = Vec::new();
        for place in &town.places {
            if let Place::Listens(listener) = place {
                acceptors.push(spawn(accept(Rc::clone(listener), Rc::clone(&serving))));
            }
        }
        let town = Rc::new(town);
        let clients: Vec<_> = (0..1 + draw(3)).map(|_| spawn(connect(Rc::clone(&town)))).collect();
        for client in clients {
            client.await.expect("no panic");
        }
        for acceptor in acceptors {
            acceptor.abort();
            assert!(acceptor.await.expect_err("it accepts for ever").is_cancelled());
        }
        for served in serving.take() {
            served.await.expect("no panic");
        }
    });
}

impl Town {
    fn empty() -> Town {
        Town { places: Vec::new(), addresses: Vec::new(), listening: Vec::new(), has_silent: false }
    }

    /// One more.
    async fn settle(&mut self) {
        let (place, address) = match draw(6) {
            0..=2 => {
                let (open, address) = refusing();
                (Place::Refuses { _open: open }, address)
            }
            #[cfg(target_os = "linux")]
            3 => {
                self.has_silent = true;
                let hole = BlackHole::new();
                let address = hole.address();
                (Place::Silent { _open: hole }, address)
            }
            _ => {
                let listener = listener().await;
                let address = listener.local_addr().expect("it is bound");
                self.listening.push(address);
                (Place::Listens(Rc::new(listener)), address)
            }
        };
        self.places.push(place);
        self.addresses.push(address);
    }
}

/// Of either family, where there are two.
async fn listener() -> TcpListener {
    if once_in(3) {
        if let Ok(listener) = TcpListener::bind("[::1]:0").await {
            return listener;
        }
    }
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// Serves whoever is connected, for ever.
async fn accept(listener: Rc<TcpListener>, serving: Serving) {
    loop {
        let (stream, _) = again(|| listener.accept()).await.expect("no error");
        serving.borrow_mut().push(spawn(echo(stream)));
        pause().await;
    }
}

/// One that was given up says nothing, and closes.
async fn echo(mut stream: TcpStream) {
    let mut bytes = [0; 16];
    loop {
        match stream.read(&mut bytes).await {
            Ok(0) => return,
            Ok(count) => stream.write_all(&bytes[..count]).await.expect("no error"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                return;
            }
        }
    }
}

async fn connect(town: Rc<Town>) {
    let in_turn = !town.has_silent && once_in(3);
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let connector = Connector::new().in_order(in_turn).prepare(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let answers = !town.listening.is_empty() || !town.has_silent;
    let once = async || {
        attempts.store(0, Ordering::SeqCst);
        let connects = connector.connect(&town.addresses[..]);
        // Time is no measure of the kernel's: whoever gets an answer waits for it.
        if answers { Ok(connects.await) } else { timeout(ENOUGH, connects).await }
    };
    let outcome = again(once).await;
    let tried = attempts.load(Ordering::SeqCst);
    assert!(tried <= town.addresses.len(), "an address was tried twice");
    match outcome {
        Ok(Ok(stream)) => {
            let peer = stream.peer_addr().expect("it is connected");
            assert!(town.listening.contains(&peer), "connected to who does not listen");
            assert!(!in_turn || peer == town.listening[0], "connected out of turn");
            schedule::note("connected", tried as u64);
            talk(stream).await;
        }
        Ok(Err(error)) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{error}");
            assert!(town.listening.is_empty() && !town.has_silent, "refused too early");
            schedule::note("refused by all", tried as u64);
            assert_eq!(tried, town.addresses.len(), "an address was not tried");
        }
        Err(_gone_by) => {
            assert_eq!(tried, town.addresses.len(), "an address was not tried");
        }
    }
}

async fn talk(mut stream: TcpStream) {
    for _ in 0..1 + draw(3) {
        let (said, mut heard) = ([draw(256) as u8; 5], [0; 5]);
        stream.write_all(&said).await.expect("no error");
        pause().await;
        stream.read_exact(&mut heard).await.expect("no error");
        assert_eq!(heard, said);
    }
}
