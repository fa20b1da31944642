//! The same server on mio: a table of connections, and a loop.

use std::collections::HashMap;
use std::io::{self, ErrorKind::WouldBlock, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(0);

fn main() -> io::Result<()> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(256));
    let address = "127.0.0.1:8000".parse().map_err(io::Error::other)?;
    let mut listener = TcpListener::bind(address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: HashMap<Token, (TcpStream, Vec<u8>)> = HashMap::new();
    let mut next = 0;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    next += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(next), both)?;
                    connections.insert(Token(next), (stream, Vec::new()));
                }
            } else if let Some((stream, unsent)) = connections.get_mut(&event.token()) {
                if !serve(stream, unsent) {
                    connections.remove(&event.token());
                }
            }
        }
    }
}

/// Sends what is left and echoes what comes, until it would block; whether more may come.
fn serve(stream: &mut TcpStream, unsent: &mut Vec<u8>) -> bool {
    let mut bytes = [0; 4096];
    loop {
        while !unsent.is_empty() {
            match stream.write(unsent) {
                Ok(count) => drop(unsent.drain(..count)),
                Err(error) => return error.kind() == WouldBlock,
            }
        }
        match stream.read(&mut bytes) {
            Ok(0) => return false,
            Ok(count) => unsent.extend_from_slice(&bytes[..count]),
            Err(error) => return error.kind() == WouldBlock,
        }
    }
}
