//! A server's listener, its live connections and all their bytes go over to a successor.
//!
//! The servers are those of `examples/handover`, here each with a runtime and a thread of its own;
//! the example's `demo` does the same with processes. Its clients find what is lost or repeated.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "../examples/handover/channel.rs"]
mod channel;
#[path = "../examples/handover/client.rs"]
mod client;
#[path = "../examples/common"]
mod common {
    pub(crate) mod numbers;
}
#[path = "../examples/handover/connection.rs"]
mod connection;
#[path = "../examples/handover/crowd.rs"]
mod crowd;
#[path = "../examples/handover/frame.rs"]
mod frame;
#[path = "support/os.rs"]
mod os;
#[path = "../examples/handover/server.rs"]
mod server;
#[path = "../examples/handover/state.rs"]
mod state;
#[path = "../examples/handover/succession.rs"]
mod succession;
mod support;
#[path = "../examples/handover/tally.rs"]
mod tally;
#[path = "support/unix.rs"]
mod unix;

use std::{
    io,
    net::SocketAddr,
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use channel::{Channel, Kind};
use crowd::Crowd;
use edgewake::{
    Runtime,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use futures::channel::oneshot;
use server::{Ended, Moved};
use support::{deadline, eventually};
use unix::SocketPath;

const CLIENTS: usize = 24;

/// More than one message carries descriptors.
const MANY: u64 = 400;

const HANDOVERS: usize = 4;

/// Answers that each client has from each server.
const ANSWERS: u64 = 3;

/// After so long without a byte taken it is worth a look whether the server is stuck.
const STALLED: Duration = Duration::from_millis(100);

/// A server in a thread of its own.
struct Server {
    thread: Option<thread::JoinHandle<Ended>>,
    stop: Option<oneshot::Sender<()>>,
    warnings: Arc<Mutex<Vec<String>>>,
    address: SocketAddr,
    /// What it has taken over, if it has a predecessor.
    took: Option<Moved>,
}

impl Server {
    /// Starts it and waits until it serves.
    async fn start(control: &Path) -> Server {
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let (control, log): (PathBuf, _) = (control.to_owned(), Arc::clone(&warnings));
        let body = async move {
            let (estate, took) = match succession::take_over(&control).await.unwrap() {
                Some(estate) => {
                    let took = Moved::of(&estate);
                    (estate, Some(took))
                }
                None => (server::found(([127, 0, 0, 1], 0).into(), &control).unwrap(), None),
            };
            tell.send((estate.listener.local_addr().unwrap(), took)).unwrap();
            // A dropped sender stops it as well.
            let stop = async { stopped.await.unwrap_or_default() };
            let warn = |what: &str| log.lock().unwrap().push(what.to_owned());
            server::serve(estate, stop, warn).await.unwrap()
        };
        let thread = thread::spawn(|| Runtime::new().unwrap().block_on(body));
        let (address, took) = told.await.expect("a server that serves");
        Server { thread: Some(thread), stop: Some(stop), warnings, address, took }
    }

    /// What it has handed over; it must end by itself.
    fn handed_over(mut self) -> Moved {
        match self.thread.take().map(|thread| thread.join().unwrap()) {
            Some(Ended::HandedOver(moved)) => moved,
            other => panic!("no handover: {other:?}"),
        }
    }

    fn stop(mut self) {
        drop(self.stop.take());
        assert_eq!(self.thread.take().map(|thread| thread.join().unwrap()), Some(Ended::Stopped));
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap().clone()
    }
}

fn run<F: Future<Output = ()>>(body: impl FnOnce(SocketPath) -> F + Send + 'static) {
    // Each connection has its client, its server and its successor in this one process.
    os::raise_descriptor_limit(3 * MANY + 300);
    deadline(move || Runtime::new().unwrap().block_on(body(SocketPath::new())));
}

async fn end(crowd: Crowd) {
    let shared = crowd.end().await.unwrap();
    let tally = &shared.tally;
    assert_eq!(
        (tally.failed.get(), tally.lost.get(), tally.repeated.get()),
        (0, 0, 0),
        "{tally}: {:?}",
        tally.verdict()
    );
    tally.verdict().unwrap();
}

// Goal: with several handovers in a row under load, no request fails, none is lost, none comes
// twice; connections that come meanwhile wait in the listener.
#[test]
fn clients_notice_no_handover() {
    run(|control| async move {
        let mut server = Server::start(&control).await;
        let crowd = Crowd::start(server.address, CLIENTS);
        crowd.come_on(ANSWERS).await;
        for _ in 0..HANDOVERS {
            let successor = Server::start(&control).await;
            let old = std::mem::replace(&mut server, successor);
            assert_eq!(old.warnings(), [""; 0]);
            assert_eq!(Some(old.handed_over()), server.took);
            assert_eq!(server.took.map(|took| took.connections > 0), Some(true));
            crowd.come_on(ANSWERS).await;
        }
        end(crowd).await;
        server.stop();
    });
}

// Goal: connections that take more than one message, and none of which is busy, are all there.
#[test]
fn idle_connections_go_over_in_groups() {
    run(|control| async move {
        let old = Server::start(&control).await;
        let mut clients = Vec::new();
        let limit = os::descriptor_limits().0;
        for number in 0..MANY.min(limit.saturating_sub(200) / 3) {
            let mut client = TcpStream::connect(old.address).await.unwrap();
            exchange(&mut client, 0, number).await;
            clients.push(client);
        }
        let new = Server::start(&control).await;
        assert_eq!(old.handed_over().connections, clients.len());
        for (number, client) in (1..).zip(&mut clients) {
            exchange(client, 1, number).await;
        }
        new.stop();
    });
}

/// Makes a request and waits for its answer.
async fn exchange(client: &mut TcpStream, number: u64, what: u64) {
    let mut request = Vec::new();
    frame::append(&mut request, number, &what.to_be_bytes());
    client.write_all(&request).await.unwrap();
    let mut answer = vec![0; request.len()];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, request);
}

// Goal: bytes that only the old process has, in both directions, go over: half a request, and
// answers that were not sent since the client did not read.
#[test]
fn bytes_in_hand_go_over() {
    run(|control| async move {
        let old = Server::start(&control).await;
        let mut client = TcpStream::connect(old.address).await.unwrap();
        let mut requests = Vec::new();
        for number in 0..200 {
            frame::append(&mut requests, number, &[number as u8; 60_000]);
        }
        let (mut old, mut sent) = (old, 0);
        // Until it holds answers that nobody reads, and has stopped within a request.
        let new = loop {
            while let Ok(count) = timeout(STALLED, client.write(&requests[sent..])).await {
                sent += count.unwrap();
            }
            assert!(sent < requests.len(), "a server that takes everything");
            let new = Server::start(&control).await;
            let moved = old.handed_over();
            assert_eq!(new.took, Some(moved));
            if moved.unsent > 0 && moved.unprocessed > 0 {
                break new;
            }
            old = new;
        };

        let (mut reader, mut writer) = client.split();
        let write = async {
            writer.write_all(&requests[sent..]).await.unwrap();
            writer.close().await.unwrap();
        };
        let mut answers = Vec::new();
        let (_, read) = futures::join!(write, reader.read_to_end(&mut answers));
        read.unwrap();
        assert!(answers == requests, "{} bytes came back of {}", answers.len(), requests.len());
        new.stop();
    });
}

// Goal: a client that has ended, and waits for its last answers, gets them from the successor.
#[test]
fn ended_connections_go_over() {
    run(|control| async move {
        let old = Server::start(&control).await;
        let mut client = TcpStream::connect(old.address).await.unwrap();
        let mut request = Vec::new();
        frame::append(&mut request, 0, b"the only request");
        client.write_all(&request).await.unwrap();
        client.close().await.unwrap();
        let new = Server::start(&control).await;
        old.handed_over();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, request);
        new.stop();
    });
}

// Goal: a successor that dies before it has everything changes nothing, wherever it dies.
#[test]
fn handover_that_fails_changes_nothing() {
    run(|control| async move {
        let server = Server::start(&control).await;
        let crowd = Crowd::start(server.address, 5);
        crowd.come_on(ANSWERS).await;
        for steps in 0..3 {
            let stream = UnixStream::connect(&*control).await.unwrap();
            let mut successor = Channel::new(stream);
            successor.send(Kind::Ask, b"edgewake handover 1", &[]).await.unwrap();
            let listeners = successor.expect(Kind::Listeners).await.unwrap();
            assert_eq!(listeners.fds.len(), 2);
            for _ in 0..steps {
                successor.send(Kind::Taken, &[], &[]).await.unwrap();
                drop(successor.connections().await.unwrap());
            }
            drop(successor);
            eventually("the handover is off", || server.warnings().len() > steps);
            crowd.come_on(ANSWERS).await;
            let warnings = server.warnings();
            assert_eq!(warnings.len(), steps + 1, "{warnings:?}");
            assert!(warnings[steps].starts_with("the handover is off"), "{warnings:?}");
        }
        let new = Server::start(&control).await;
        server.handed_over();
        crowd.come_on(ANSWERS).await;
        end(crowd).await;
        new.stop();
    });
}

// Goal: a predecessor that dies between the last `Taken` and `Go` leaves its successor with the end
// of the stream, and not with connections that may be somebody else's.
#[test]
fn successor_waits_for_go() {
    run(|control| async move {
        let address = ([127, 0, 0, 1], 0).into();
        let estate = server::found(address, &control).unwrap();
        let predecessor = async {
            let (stream, _) = estate.control.accept().await.unwrap();
            let mut channel = succession::hear(stream).await.unwrap();
            let listeners = [estate.listener.as_fd(), estate.control.as_fd()];
            channel.send(Kind::Listeners, &[], &listeners).await.unwrap();
            channel.expect(Kind::Taken).await.unwrap();
            channel.send(Kind::End, &0_u64.to_be_bytes(), &[]).await.unwrap();
            channel.expect(Kind::Taken).await.unwrap();
        };
        let (_, taken) = futures::join!(predecessor, succession::take_over(&control));
        let error = taken.expect_err("nobody said go");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    });
}

// Goal: a port in use leaves no control socket behind that nobody serves.
#[test]
fn port_in_use_leaves_no_file() {
    run(|control| async move {
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let error = server::found(other.local_addr().unwrap(), &control).expect_err("in use");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(!control.exists(), "the socket's file is left behind");
    });
}

// Goal: who does not speak the protocol, or another version of it, gets nothing.
#[test]
fn strangers_get_nothing() {
    run(|control| async move {
        let server = Server::start(&control).await;
        let mut stranger = UnixStream::connect(&*control).await.unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let refused = |outcome: io::Result<usize>| match outcome {
            // It is closed with our bytes unread, which is a reset on some systems.
            Ok(0) | Err(_) => {}
            Ok(count) => panic!("{count} bytes for a stranger"),
        };
        refused(stranger.read(&mut [0; 100]).await);
        let mut other = Channel::new(UnixStream::connect(&*control).await.unwrap());
        other.send(Kind::Ask, b"edgewake handover 0", &[]).await.unwrap();
        other.expect(Kind::Listeners).await.expect_err("another version");
        eventually("both are told of", || server.warnings().len() == 2);

        let new = Server::start(&control).await;
        server.handed_over();
        new.stop();
    });
}
