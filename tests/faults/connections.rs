//! How connections come about: many at once at a listener, and a race for one of several addresses.

use std::{
    io::{self, Read, Write},
    net as std_net,
    os::fd::AsFd,
    time::Duration,
};

use edgewake::net::{TcpListener, TcpStream, tcp::Connector};
use edgewake_sys::fd;
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    sweep::{Scenario, drive, task},
    tcp,
};

pub(crate) static STORM: Scenario =
    Scenario::of_streams("accept storm", |runtime| drive(runtime, async { vec![storm().await] }));
pub(crate) static RACE: Scenario =
    Scenario::new("happy eyeballs", |runtime| drive(runtime, async { vec![race().await] }));

pub(crate) static ADOPTED: Scenario = Scenario::of_streams("sockets of std's", |runtime| {
    drive(runtime, async { vec![adopted().await] })
});

const CLIENTS: usize = 8;

/// Clients that connect, send and wait, all before the first accept.
async fn storm() -> io::Result<()> {
    let (listener, address) = tcp::bound().await?;
    listener.set_backlog(CLIENTS as u32)?;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut client = std_net::TcpStream::connect(address).expect("it listens");
        client.write_all(&[number as u8]).expect("room");
        clients.push(client);
    }
    let mut serving = Vec::new();
    for _ in 0..CLIENTS {
        let (mut stream, _) = listener.accept().await?;
        serving.push(task(async move {
            let mut byte = [0];
            stream.read_exact(&mut byte).await?;
            stream.write_all(&byte).await
        }));
    }
    for mut one in serving {
        one.outcome().await.expect("nobody aborts it")?;
    }
    for (number, mut client) in clients.into_iter().enumerate() {
        let mut back = Vec::new();
        client.read_to_end(&mut back).expect("it was answered");
        assert_eq!(back, [number as u8], "another one's answer");
    }
    Ok(())
}

/// One address that refuses and two that do not: whatever call fails, the race goes on.
async fn race() -> io::Result<()> {
    let (first, second) = (tcp::bound().await?, tcp::bound().await?);
    // Bound past the door, and closed again: nobody listens there.
    let free = std_net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let refusing = free.local_addr().expect("a bound socket");
    drop(free);
    let addresses = [refusing, first.1, second.1];
    let connector = Connector::new().attempt_delay(Duration::from_millis(2));
    let mut stream = connector.connect(&addresses[..]).await?;
    let reached = stream.peer_addr()?;
    let listener = if reached == first.1 { &first.0 } else { &second.0 };
    let mut accepted = loop {
        // Attempts that lost may lie in the queue before the one that won.
        let (accepted, from) = listener.accept().await?;
        if from == stream.local_addr()? {
            break accepted;
        }
    };
    stream.write_all(b"won").await?;
    let mut word = [0; 3];
    accepted.read_exact(&mut word).await?;
    assert_eq!(&word, b"won");
    Ok(())
}

/// Sockets of std's are taken over and given back, and a listener is doubled.
async fn adopted() -> io::Result<()> {
    let listener = std_net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    let client = std_net::TcpStream::connect(address).expect("it listens");
    let listener = TcpListener::from_std(listener)?;
    let twin = listener.try_clone()?;
    drop(listener);
    assert!(fd::is_nonblocking(twin.as_fd())?);
    let (mut server, _) = twin.accept().await?;
    let mut client = TcpStream::from_std(client)?;
    let mut word = [0; 5];
    futures::try_join!(client.write_all(b"taken"), server.read_exact(&mut word))?;
    assert_eq!(&word, b"taken");
    let mut client = client.into_std()?;
    server.write_all(b"given").await?;
    client.set_nonblocking(false).expect("a socket");
    client.read_exact(&mut word).expect("it was written");
    assert_eq!(&word, b"given");
    Ok(())
}
