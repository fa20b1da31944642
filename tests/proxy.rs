//! The proxy of `examples/proxy`: bytes and ends of both directions, over every pair of sockets and
//! by every method; how flows end early, and how the whole does.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "../examples/common"]
mod common {
    #[allow(clippy::print_stderr, dead_code, reason = "a program's, of which a part is used")]
    pub(crate) mod command_line;
    #[allow(dead_code, reason = "a program's, of which a part is used")]
    pub(crate) mod lines;
    pub(crate) mod numbers;
    pub(crate) mod place;
}
#[path = "../examples/proxy/counters.rs"]
#[allow(dead_code, reason = "a program's, of which a part is used")]
mod counters;
#[path = "../examples/proxy/endpoints.rs"]
mod endpoints;
#[path = "../examples/proxy/flow.rs"]
mod flow;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "../examples/proxy/service.rs"]
mod service;
mod support;
#[path = "support/unix.rs"]
mod unix;

use std::{future::pending, io, net::SocketAddr, time::Duration};

use edgewake::{
    Runtime,
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, CopyMethod},
    net::{TcpListener, TcpStream, UnixListener, UnixStream, unix::UnixBind},
};
use endpoints::{Stream, Target};
use peer::pattern;
use proxy::{METHODS, Running};
use service::{Drained, drain};
use support::deadline;
use unix::SocketPath;

/// More than a buffer or a pipe holds, by far.
const BULK: usize = (1 << 20) + 77;

const ANY: &str = "tcp:127.0.0.1:0";

fn run<F: Future<Output = ()>>(body: impl FnOnce() -> F + Send + 'static) {
    deadline(move || Runtime::new().unwrap().block_on(body()));
}

/// A server behind the proxy.
enum Server {
    Tcp(TcpListener),
    Unix(UnixListener, SocketPath),
}

impl Server {
    async fn tcp() -> Server {
        Server::Tcp(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn unix() -> Server {
        let path = SocketPath::new();
        Server::Unix(UnixListener::bind(&*path).unwrap(), path)
    }

    fn place(&self) -> String {
        match self {
            Server::Tcp(listener) => format!("tcp:{}", listener.local_addr().unwrap()),
            Server::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    async fn accept(&self) -> Stream {
        match self {
            Server::Tcp(listener) => Stream::Tcp(listener.accept().await.unwrap().0),
            Server::Unix(listener, _) => Stream::Unix(listener.accept().await.unwrap().0),
        }
    }

    /// Accepts one connection and sends back what comes, once all has come.
    async fn echo(&self) {
        match self.accept().await {
            Stream::Tcp(stream) => echo(stream).await,
            Stream::Unix(stream) => echo(stream).await,
        }
    }
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    stream.close().await.unwrap();
}

/// Sends a bulk of bytes and the end, and compares what comes back until the other end.
async fn pour(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let bytes = pattern(11, BULK);
    stream.write_all(&bytes).await.unwrap();
    stream.close().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer == bytes, "{} bytes came back of {BULK}", answer.len());
}

async fn connect(proxy: &Running) -> Stream {
    Target::parse(&proxy.place).unwrap().connect().await.unwrap()
}

async fn connect_tcp(proxy: &Running) -> TcpStream {
    match connect(proxy).await {
        Stream::Tcp(stream) => stream,
        Stream::Unix(_) => panic!("a proxy of Unix sockets"),
    }
}

// T61: the end of one direction goes through, and the other goes on until it ends as well.
#[test]
fn t61_bytes_and_ends_go_through() {
    run(|| async {
        for method in METHODS {
            for (listens_unix, serves_unix) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                let server = if serves_unix { Server::unix() } else { Server::tcp().await };
                let path = SocketPath::new();
                let listen = format!("unix:{}", path.display());
                let listen = if listens_unix { &listen } else { ANY };
                let proxy = Running::start(listen, &server.place(), method, 10);
                let client = async {
                    match connect(&proxy).await {
                        Stream::Tcp(stream) => pour(stream).await,
                        Stream::Unix(stream) => pour(stream).await,
                    }
                };
                futures::join!(client, server.echo());
                proxy.proxy.counters.until_open(|open| open == 0).await;
                assert_eq!(proxy.moved(), (BULK as u64, BULK as u64));
                assert!(proxy.proxy.counters.summary().to_string().ends_with(", 0 errors"));
                proxy.stop().await;
            }
        }
    });
}

// Goal: flows are apart: one that stands still holds up no other.
#[test]
fn flows_do_not_hold_each_other_up() {
    run(|| async {
        let server = Server::tcp().await;
        let proxy = Running::start(ANY, &server.place(), CopyMethod::Auto, 100);
        let mut stuck = Vec::new();
        for _ in 0..5 {
            let client = connect_tcp(&proxy).await;
            // The server's end is kept and never read.
            stuck.push((server.accept().await, client));
            let (_, client) = stuck.last_mut().unwrap();
            let bytes = [7; 64 * 1024];
            while let Ok(written) =
                edgewake::time::timeout(Duration::from_millis(50), client.write(&bytes)).await
            {
                written.unwrap();
            }
        }
        for _ in 0..5 {
            let client = async { pour(connect_tcp(&proxy).await).await };
            futures::join!(client, server.echo());
        }
        proxy.proxy.counters.until_open(|open| open == 5).await;
    });
}

// Goal: a server that is not there is the client's end, and is told.
#[test]
fn missing_server_ends_the_client() {
    run(|| async {
        // Kept, so that nobody else gets the port.
        let (_bound, gone) = peer::refusing();
        let proxy = Running::start(ANY, &format!("tcp:{gone}"), CopyMethod::Auto, 10);
        let mut client = connect_tcp(&proxy).await;
        assert_eq!(client.read(&mut [0; 1]).await.unwrap_or(0), 0);
        proxy.proxy.counters.until_open(|open| open == 0).await;
        let summary = proxy.proxy.counters.summary().to_string();
        assert!(summary.contains("1 error (the last: cannot connect: "), "{summary}");
    });
}

// Goal: a server that answers nothing, neither yes nor no, is given up, and the client is told.
// Method: a Unix listener whose backlog is full, where Linux lets who connects wait.
#[test]
fn silent_server_is_given_up() {
    if !unix::LINUX {
        return;
    }
    run(|| async {
        let path = SocketPath::new();
        let _silent = UnixBind::new().backlog(1).listener(&*path).unwrap();
        let _waiting = unix::fill_backlog(&path);
        let place = format!("unix:{}", path.display());
        let patience = Duration::from_millis(50);
        let proxy = Running::start_patient(ANY, &place, CopyMethod::Auto, 10, patience);
        let mut client = connect_tcp(&proxy).await;
        assert_eq!(client.read(&mut [0; 1]).await.unwrap_or(0), 0);
        let proxy = proxy.stop().await;
        proxy.counters.until_open(|open| open == 0).await;
        let summary = proxy.counters.summary().to_string();
        assert!(summary.contains("1 error (the last: cannot connect: "), "{summary}");
    });
}

// Goal: a client that is reset does not leave its server waiting, nor with an end that looks whole.
#[test]
fn reset_ends_the_flow() {
    run(|| async {
        for method in METHODS {
            let server = Server::tcp().await;
            let proxy = Running::start(ANY, &server.place(), method, 10);
            let mut client = connect_tcp(&proxy).await;
            let Stream::Tcp(mut behind) = server.accept().await else { panic!("it is TCP") };
            client.write_all(b"hello").await.unwrap();
            behind.read_exact(&mut [0; 5]).await.unwrap();
            client.set_linger(Some(Duration::ZERO)).unwrap();
            drop(client);
            let end = behind.read(&mut [0; 1]).await.expect_err("a reset, and no orderly end");
            assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
            proxy.proxy.counters.until_open(|open| open == 0).await;
        }
    });
}

// Goal: no more flows than there is room for; who comes then waits, and is not turned away.
#[test]
fn flows_are_bounded() {
    run(|| async {
        let server = Server::tcp().await;
        let proxy = Running::start(ANY, &server.place(), CopyMethod::Auto, 2);
        let first = (connect_tcp(&proxy).await, server.accept().await);
        let _second = (connect_tcp(&proxy).await, server.accept().await);
        let mut third = connect_tcp(&proxy).await;
        third.write_all(b"x").await.unwrap();
        let nobody = edgewake::time::timeout(Duration::from_millis(50), server.accept()).await;
        assert!(nobody.is_err(), "a third flow");
        drop(first);
        let Stream::Tcp(mut behind) = server.accept().await else { panic!("it is TCP") };
        behind.read_exact(&mut [0; 1]).await.unwrap();
        assert_eq!(proxy.proxy.counters.open(), 2);
    });
}

async fn never() -> io::Result<()> {
    pending().await
}

// Goal: once it stops, nobody else is accepted, and what is open may come to its end.
#[test]
fn open_flows_may_end() {
    run(|| async {
        let server = Server::tcp().await;
        let proxy = Running::start(ANY, &server.place(), CopyMethod::Auto, 10);
        let address: SocketAddr = proxy.place["tcp:".len()..].parse().unwrap();
        let client = connect_tcp(&proxy).await;
        let Stream::Tcp(behind) = server.accept().await else { panic!("it is TCP") };
        let proxy = proxy.stop().await;
        TcpStream::connect(address).await.expect_err("nobody listens any more");

        let brief = Duration::from_millis(20);
        assert_eq!(drain(&proxy, brief, never()).await.unwrap(), Drained::AllBut(1));
        let again = drain(&proxy, Duration::from_secs(3600), async { Ok(()) }).await;
        assert_eq!(again.unwrap(), Drained::AllBut(1), "the second signal ends it");

        let last = async {
            futures::join!(pour(client), echo(behind));
        };
        let drained = drain(&proxy, Duration::from_secs(3600), never());
        assert_eq!(futures::join!(drained, last).0.unwrap(), Drained::All);
    });
}

// Goal: a proxy that has stopped leaves no socket behind that nobody serves.
#[test]
fn unix_path_is_removed_with_the_proxy() {
    run(|| async {
        let (server, path) = (Server::unix(), SocketPath::new());
        let listen = format!("unix:{}", path.display());
        let proxy = Running::start(&listen, &server.place(), CopyMethod::Auto, 10);
        let client = async { pour(UnixStream::connect(&*path).await.unwrap()).await };
        futures::join!(client, server.echo());
        proxy.stop().await;
        assert!(!path.exists(), "the socket's file is left behind");
    });
}
