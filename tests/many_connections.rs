//! Hundreds of connections at once on one thread, every byte of each checked.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{cell::Cell, rc::Rc};

use edgewake::{
    Runtime,
    net::{TcpListener, TcpStream},
    spawn_local,
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    peer::{listener, pattern, until},
    support::deadline,
};

const WANTED: usize = 600;

/// As many connections as the process may have the two descriptors of, at most [`WANTED`].
fn count() -> usize {
    let limit = os::raise_descriptor_limit(2 * WANTED as u64 + 64);
    let count = (limit as usize).saturating_sub(64) / 2;
    assert!(count >= 16, "{limit} descriptors are too few to show anything");
    count.min(WANTED)
}

async fn serve(listener: TcpListener, connections: usize) {
    for _ in 0..connections {
        let (stream, _) = listener.accept().await.expect("a connection");
        drop(spawn_local(async move {
            let mut room = [0; 777];
            loop {
                stream.readable().await.expect("a driver");
                match stream.try_read(&mut room) {
                    Ok(0) => return,
                    Ok(count) => (&stream).write_all(&room[..count]).await.expect("room"),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(error) => panic!("an echo's read: {error}"),
                }
            }
        }));
    }
}

// Goal: several hundred connections that all live at the same time get their own bytes back, each
// message of them, and the end at the end. Method: no connection sends its second message before
// all have got their first one back.
#[test]
fn every_byte_of_hundreds_of_connections_comes_back() {
    deadline(|| {
        let count = count();
        Runtime::new().expect("a runtime").block_on(async {
            let listener = listener().await;
            let address = listener.local_addr().expect("bound");
            let server = spawn_local(serve(listener, count));
            let served = Rc::new(Cell::new(0));
            let clients: Vec<_> = (0..count)
                .map(|index| {
                    let served = Rc::clone(&served);
                    spawn_local(async move {
                        let mut stream = TcpStream::connect(address).await.expect("it listens");
                        for round in 0..3 {
                            let length = 1 + (index * 37 + round * 1001) % 3000;
                            let message = pattern((index * 3 + round) as u64, length);
                            stream.write_all(&message).await.expect("room");
                            let mut back = vec![0; length];
                            stream.read_exact(&mut back).await.expect("the echo");
                            assert!(back == message, "connection {index}, round {round}");
                            served.set(served.get() + 1);
                            let all = (round + 1) * count;
                            until("all are served", || served.get() >= all).await;
                        }
                        stream.close().await.expect("connected");
                        assert_eq!(stream.read(&mut [0; 8]).await.expect("the end"), 0);
                    })
                })
                .collect();
            for client in clients {
                client.await.expect("no panic");
            }
            server.await.expect("no panic");
            assert_eq!(served.get(), 3 * count);
        });
    });
}
