//! Faults where several threads work together: which call is the Nth is different each time, so the
//! faults are drawn from a seed, on every thread, and are such that all must arrive all the same.

use std::{
    io::{self, Write as _},
    sync::mpsc,
    thread,
    time::Duration,
};

use edgewake::{
    Handle, Runtime,
    net::{TcpListener, TcpStream},
    spawn_local,
    time::{sleep, timeout},
};
use edgewake_sys::faults::{Action, Installed, Plan, install};
use futures::{
    AsyncReadExt, AsyncWriteExt, StreamExt,
    channel::mpsc as async_mpsc,
    future::{join, try_join_all},
};

use crate::{
    peer::pattern,
    support::{PATIENCE, deadline},
    tcp::serve,
};

const SEEDS: u64 = 60;
const CONNECTIONS: usize = 4;
const MESSAGES: u64 = 6;

/// Until it is dropped every sixth call of this thread is struck.
fn struck_by(seed: u64) -> Installed {
    install(Plan { call: None, nth: 6, action: Action::Draw(seed) })
}

/// Serves connections on a loop of its own, and echoes numbers that other threads send. Returns how
/// many faults it had.
fn server(
    seed: u64,
    address: &mpsc::Sender<(std::net::SocketAddr, Handle)>,
    mut numbers: async_mpsc::UnboundedReceiver<u64>,
) -> io::Result<u64> {
    let runtime = Runtime::new()?;
    let plan = struck_by(seed);
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        address.send((listener.local_addr()?, runtime.handle())).expect("it waits");
        let accept = async {
            let mut serving = Vec::new();
            for _ in 0..CONNECTIONS {
                serving.push(spawn_local(serve(listener.accept().await?.0)));
            }
            for one in serving {
                one.await.expect("no panic")?;
            }
            io::Result::Ok(())
        };
        let count = async {
            for expected in 0.. {
                match numbers.next().await {
                    Some(number) => assert_eq!(number, expected, "out of order"),
                    None => return expected,
                }
            }
            unreachable!("the numbers end")
        };
        let (served, counted) = join(accept, count).await;
        assert_eq!(counted, MESSAGES, "numbers are lost");
        served
    })?;
    Ok(plan.counted())
}

async fn client(address: std::net::SocketAddr, seed: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    for message in 0..MESSAGES {
        let sent = pattern(seed + message, 1 + (message * 1500) as usize);
        let mut back = vec![0; sent.len()];
        let (mut reader, mut writer) = (&stream, &stream);
        let read = async { reader.read_exact(&mut back).await };
        futures::try_join!(writer.write_all(&sent), read)?;
        assert!(back == sent, "message {message} came back changed");
    }
    stream.close().await?;
    assert_eq!(stream.read(&mut [0; 8]).await?, 0);
    Ok(())
}

/// One loop serves, one has the clients, and this one also spawns and sends to the other.
fn run(seed: u64) -> u64 {
    let (address, addresses) = mpsc::channel();
    let (send, numbers) = async_mpsc::unbounded();
    let other = thread::spawn(move || server(seed * 2, &address, numbers).expect("no error"));
    let (address, handle) = addresses.recv_timeout(PATIENCE).expect("it listens");
    let runtime = Runtime::new().expect("no plan is installed yet");
    let plan = struck_by(seed * 2 + 1);
    let outcome = runtime.block_on(timeout(PATIENCE / 2, async {
        let clients = try_join_all((0..CONNECTIONS as u64).map(|one| client(address, one + seed)));
        let numbers = async {
            for number in 0..MESSAGES {
                send.unbounded_send(number).expect("it receives");
                let spawned = handle.spawn(async move { number });
                assert_eq!(spawned.await.expect("no panic"), number);
                sleep(Duration::from_micros(300)).await;
            }
            drop(send);
            Ok(())
        };
        futures::try_join!(clients, numbers)
    }));
    outcome.unwrap_or_else(|_| panic!("seed {seed} hangs")).expect("no error");
    plan.counted() + other.join().expect("no panic")
}

// T24, T69. Goal: two loops that serve and wake each other lose nothing, whatever harmless thing
// any of their calls says. A failing seed is in the message.
#[test]
fn t69_two_loops_from_a_seed() {
    let _alone = crate::support::alone();
    let mut faults = 0;
    for seed in 1..=SEEDS {
        faults += deadline(move || {
            std::panic::catch_unwind(|| run(seed)).unwrap_or_else(|panic| {
                panic!("seed {seed}: {}", crate::support::message(&*panic));
            })
        });
    }
    writeln!(io::stdout(), "two loops: survived {faults} faults from {SEEDS} seeds")
        .expect("a standard output");
    assert!(faults > SEEDS * 20, "only {faults} faults");
}
