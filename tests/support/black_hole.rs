//! An address that takes connects and never answers them, until it is told to.
//!
//! Linux only: a listener whose queue is full drops the segments that ask for another connection,
//! and the connecting side repeats them, after a second at first.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `black_hole::…`")]

use std::net::{SocketAddr, TcpListener, TcpStream};

use edgewake::net::TcpSocket;

#[derive(Debug)]
pub struct BlackHole {
    listener: TcpListener,
    /// What fills its queue.
    plugs: Vec<TcpStream>,
}

impl BlackHole {
    pub fn new() -> BlackHole {
        BlackHole::at("127.0.0.1:0".parse().expect("an address"))
    }

    pub fn at(address: SocketAddr) -> BlackHole {
        let socket = TcpSocket::new_for(&address).expect("a socket");
        socket.bind(address).expect("a free port");
        let listener = socket.listen(0).expect("it is bound").into_std().expect("no error today");
        listener.set_nonblocking(false).expect("an open descriptor");
        let address = listener.local_addr().expect("it is bound");
        // A backlog of none has room for one.
        let plugs = vec![TcpStream::connect(address).expect("room for one")];
        BlackHole { listener, plugs }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    /// Makes room: what repeats its connect is answered.
    pub fn open(&mut self) {
        for _ in self.plugs.drain(..) {
            drop(self.listener.accept().expect("a plug is queued"));
        }
    }

    /// The connection that came in through the opened hole.
    pub fn accept(&self) -> TcpStream {
        self.listener.accept().expect("a connection").0
    }
}
