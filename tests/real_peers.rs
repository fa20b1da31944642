//! A real program at the other end: socat as client of our sockets, and as server to them.
//!
//! What both our ends take for granted of each other, lengths of addresses, boundaries of
//! messages, ends of streams, shows against a program that knows nothing of this library.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/socat.rs"]
mod socat;
mod support;

use std::{net::SocketAddr, path::Path, thread};

use edgewake::{
    Runtime,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UdpSocket, UnixDatagram, UnixListener, UnixStream, unix::ToUnixAddr},
};
use os::TemporaryPath;
use peer::pattern;
use socat::Socat;
use support::deadline;

/// Messages of each exchange of datagrams.
const MESSAGES: usize = 20;

/// More than any socket's buffers hold.
const BULK: usize = 1 << 20;

/// Runs the future under the deadline of all tests, if there is a socat.
#[track_caller]
fn with_socat<F: Future<Output = ()>>(body: impl FnOnce() -> F + Send + 'static) {
    if socat::is_there() {
        deadline(move || Runtime::new().expect("a runtime").block_on(body()));
    }
}

/// Messages of many lengths, the same on both sides. socat passes on at most 8192 bytes at once.
fn messages() -> impl Iterator<Item = Vec<u8>> {
    (0..MESSAGES).map(|number| pattern(number as u64, 1 + number * number * 20))
}

/// Has socat send the messages, one after the other is answered, and compares the answers. In a
/// thread, since it waits.
fn converse(mut socat: Socat) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for message in messages() {
            socat.say(&message);
            assert!(socat.hear(message.len()) == message, "{} bytes changed", message.len());
        }
    })
}

/// Has socat send a bulk of bytes and the end, and compares what comes back.
fn pour(socat: Socat) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let bytes = pattern(7, BULK);
        assert!(socat.exchange(bytes.clone()) == bytes, "the bytes came back changed");
    })
}

fn name(path: &TemporaryPath) -> &str {
    let path: &Path = path.as_ref();
    path.to_str().expect("a name of ASCII")
}

/// Accepts one connection and echoes to its end.
async fn serve_stream(listener: UnixListener) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut buffer = [0; 10_000];
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => break,
            count => stream.write_all(&buffer[..count]).await.unwrap(),
        }
    }
}

/// Sends a bulk of bytes and the end to a server that echoes, and compares what comes back.
async fn use_stream(address: impl ToUnixAddr) {
    let stream = UnixStream::connect(address).await.unwrap();
    let bytes = pattern(7, BULK);
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        writer.write_all(&bytes).await.unwrap();
        writer.close().await.unwrap();
    };
    let mut answer = Vec::new();
    let (_, count) = futures::join!(write, reader.read_to_end(&mut answer));
    assert_eq!(count.unwrap(), bytes.len());
    assert!(answer == bytes, "the bytes came back changed");
}

// Goal: datagrams of a stranger come whole, with an address that leads back to it.
#[test]
fn udp_serves_socat() {
    with_socat(|| async {
        for host in ["127.0.0.1", "[::1]"] {
            let Ok(socket) = UdpSocket::bind(format!("{host}:0")).await else {
                assert_ne!(host, "127.0.0.1", "there is always IPv4");
                continue;
            };
            let port = socket.local_addr().unwrap().port();
            let talk = converse(Socat::client(&format!("UDP:{host}:{port}")));
            let mut buffer = [0; 10_000];
            for message in messages() {
                let (count, from) = socket.recv_from(&mut buffer).await.unwrap();
                assert!(buffer[..count] == message, "{count} bytes for {}", message.len());
                assert_eq!(socket.send_to(&message, from).await.unwrap(), message.len());
            }
            talk.join().unwrap();
        }
    });
}

// Goal: a connected socket sends whole datagrams and receives the answers.
#[test]
fn udp_uses_socat() {
    with_socat(|| async {
        let (_socat, place) = Socat::server("UDP4-LISTEN:0,bind=127.0.0.1");
        let address: SocketAddr = place.rsplit(' ').next().unwrap().parse().expect(&place);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(address).await.unwrap();
        let mut buffer = [0; 10_000];
        for message in messages() {
            assert_eq!(socket.send(&message).await.unwrap(), message.len());
            let count = socket.recv(&mut buffer).await.unwrap();
            assert!(buffer[..count] == message, "{count} bytes for {}", message.len());
        }
    });
}

#[test]
fn unix_stream_serves_socat() {
    with_socat(|| async {
        let path = TemporaryPath::new("socat");
        let listener = UnixListener::bind(name(&path)).unwrap();
        let talk = pour(Socat::client(&format!("UNIX-CONNECT:{}", name(&path))));
        serve_stream(listener).await;
        talk.join().unwrap();
    });
}

#[test]
fn unix_stream_uses_socat() {
    with_socat(|| async {
        let path = TemporaryPath::new("socat");
        let (_socat, _) = Socat::stream_server(&format!("UNIX-LISTEN:{}", name(&path)));
        use_stream(name(&path)).await;
    });
}

// T53: what other programs call a socket by is what we call it by: no NUL more, none less.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn t53_abstract_names_are_socats() {
    use edgewake::net::UnixAddr;

    let ours = |end: &str| format!("edgewake-{end}-{}", std::process::id());
    with_socat(move || async move {
        let address = UnixAddr::from_abstract_name(ours("server")).unwrap();
        let listener = UnixListener::bind(address).unwrap();
        let talk = pour(Socat::client(&format!("ABSTRACT-CONNECT:{}", ours("server"))));
        serve_stream(listener).await;
        talk.join().unwrap();

        let (_socat, _) = Socat::stream_server(&format!("ABSTRACT-LISTEN:{}", ours("client")));
        use_stream(UnixAddr::from_abstract_name(ours("client")).unwrap()).await;
    });
}

#[test]
fn unix_datagram_serves_socat() {
    with_socat(|| async {
        let (path, peer) = (TemporaryPath::new("socat"), TemporaryPath::new("socat"));
        let socket = UnixDatagram::bind(name(&path)).unwrap();
        let address = format!("UNIX-SENDTO:{},bind={}", name(&path), name(&peer));
        let talk = converse(Socat::client(&address));
        let mut buffer = [0; 10_000];
        for message in messages() {
            let (count, from) = socket.recv_from(&mut buffer).await.unwrap();
            assert!(buffer[..count] == message, "{count} bytes for {}", message.len());
            assert_eq!(from.as_path(), Some(peer.as_ref()));
            assert_eq!(socket.send_to(&message, from).await.unwrap(), message.len());
        }
        talk.join().unwrap();
    });
}

#[test]
fn unix_datagram_uses_socat() {
    with_socat(|| async {
        let (path, ours) = (TemporaryPath::new("socat"), TemporaryPath::new("socat"));
        // It answers one datagram, and a child of it each further one.
        let (_socat, _) = Socat::server(&format!("UNIX-RECVFROM:{},fork", name(&path)));
        let socket = UnixDatagram::bind(name(&ours)).unwrap();
        let mut buffer = [0; 10_000];
        for message in messages() {
            assert_eq!(socket.send_to(&message, name(&path)).await.unwrap(), message.len());
            let count = socket.recv(&mut buffer).await.unwrap();
            assert!(buffer[..count] == message, "{count} bytes for {}", message.len());
        }
    });
}

// macOS has no such sockets.
#[cfg(not(target_vendor = "apple"))]
#[test]
fn unix_seqpacket_serves_socat() {
    use edgewake::net::UnixSeqpacketListener;

    with_socat(|| async {
        let path = TemporaryPath::new("socat");
        let listener = UnixSeqpacketListener::bind(name(&path)).unwrap();
        // 5 is SOCK_SEQPACKET, on Linux and the BSDs.
        let address = format!("UNIX-CONNECT:{},type=5", name(&path));
        let talk = converse(Socat::client(&address));
        let (socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 10_000];
        for message in messages() {
            let count = socket.recv(&mut buffer).await.unwrap();
            assert!(buffer[..count] == message, "{count} bytes for {}", message.len());
            assert_eq!(socket.send(&message).await.unwrap(), message.len());
        }
        talk.join().unwrap();
        assert_eq!(socket.recv(&mut buffer).await.unwrap(), 0, "socat has gone");
    });
}

#[cfg(not(target_vendor = "apple"))]
#[test]
fn unix_seqpacket_uses_socat() {
    use edgewake::net::UnixSeqpacket;

    with_socat(|| async {
        let path = TemporaryPath::new("socat");
        let (_socat, _) = Socat::server(&format!("UNIX-LISTEN:{},type=5", name(&path)));
        let socket = UnixSeqpacket::connect(name(&path)).await.unwrap();
        let mut buffer = [0; 10_000];
        for message in messages() {
            assert_eq!(socket.send(&message).await.unwrap(), message.len());
            let count = socket.recv(&mut buffer).await.unwrap();
            assert!(buffer[..count] == message, "{count} bytes for {}", message.len());
        }
    });
}
