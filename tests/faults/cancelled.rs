//! Every future that waits, dropped where it waits and made again: what was on its way to it comes
//! to the second one, whatever some call says. One scenario for each kind of object; those of
//! streams come from faults/endings.rs, where whole conversations are led in this way.

use std::{
    io::{self, IoSlice},
    net::Ipv4Addr,
    os::fd::OwnedFd,
    sync::LazyLock,
    time::Duration,
};

use edgewake::{
    AsyncFd, Interest, Runtime,
    io::pipe::{self, OpenOptions},
    net::{
        TcpStream, UdpSocket, UnixDatagram, UnixSeqpacket, UnixStream, lookup_host,
        udp::{RecvBatch, SendBatch},
    },
    spawn_blocking,
    time::{interval, sleep, timeout},
    yield_now,
};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    os::TemporaryPath,
    sweep::{Outcomes, Scenario, both, drive, dropped_once, once, task},
    tcp,
};

pub(crate) static MESSAGES: Scenario =
    Scenario::new("cancelled messages", |runtime| drive(runtime, async { vec![messages().await] }));
pub(crate) static STREAMS: Scenario =
    Scenario::of_streams("cancelled waits of streams", |runtime| {
        drive(runtime, async { vec![streams().await] })
    });
pub(crate) static FULL: Scenario = Scenario::of_streams("cancelled writers", |runtime| {
    drive(runtime, async { vec![full().await] })
});
pub(crate) static PIPES: Scenario = Scenario::of_streams("cancelled waits of pipes", pipes);
pub(crate) static OTHERS: Scenario =
    Scenario::new("cancelled waits for tasks and time", |runtime| {
        drive(runtime, async {
            let mut outcomes = vec![others().await];
            outcomes.extend(accepting().await);
            outcomes
        })
    });

/// Awaits `$future`, which has to wait, is dropped there and made again, for what `$cause` does a
/// while later.
macro_rules! caused {
    ($cause:expr, $future:expr) => {{
        let cause = async {
            for _ in 0..3 {
                yield_now().await;
            }
            let caused: io::Result<_> = $cause.await;
            caused
        };
        let wait = async {
            let output: io::Result<_> = dropped_once!($future);
            output
        };
        futures::try_join!(wait, cause)?.0
    }};
}

async fn messages() -> io::Result<()> {
    let any = (Ipv4Addr::LOCALHOST, 0);
    let (here, there) = (UdpSocket::bind(any).await?, UdpSocket::bind(any).await?);
    let (from, to) = (here.local_addr()?, there.local_addr()?);
    let mut room = [0; 16];
    let peeked = caused!(here.send_to(b"one", to), there.peek_from(&mut room));
    assert_eq!(peeked, (3, from));
    assert_eq!(there.recv_from(&mut room).await?, (3, from));
    there.connect(from).await?;
    here.connect(to).await?;
    assert_eq!(caused!(here.send(b"two"), there.peek(&mut room)), 3);
    assert_eq!(there.recv(&mut room).await?, 3);
    assert_eq!(caused!(here.send(b"three"), there.recv(&mut room)), 5);
    let received = caused!(here.send(b"four"), there.recv_message(&mut room));
    assert_eq!((received.length, &room[..4]), (4, &b"four"[..]));
    let mut buffer: Vec<u8> = Vec::with_capacity(16);
    assert_eq!(caused!(here.send(b"five"), there.recv_buf(&mut buffer)), 4);
    assert_eq!(buffer, b"five");
    let (mut sending, mut batch) = (SendBatch::new(), RecvBatch::new(4, 2048));
    sending.push(b"six".to_vec(), to);
    let cause = async {
        while !sending.is_empty() {
            here.send_batch(&mut sending).await?;
        }
        Ok(())
    };
    assert_eq!(caused!(cause, there.recv_batch(&mut batch)), 1);
    assert!(batch.iter().all(|one| one.data() == b"six"));
    unix_messages().await
}

async fn unix_messages() -> io::Result<()> {
    let mut room = [0; 16];
    let (one, other) = UnixDatagram::pair()?;
    assert_eq!(caused!(one.send(b"peek"), other.peek(&mut room)), 4);
    assert_eq!(other.recv(&mut room).await?, 4);
    assert_eq!(caused!(one.send(b"from"), other.recv_from(&mut room)).0, 4);
    // A queue that is full: each message that was taken arrives, and no other.
    let mut sent = 0_u8;
    while let Some(outcome) = once(one.send(&[sent])).await {
        assert_eq!(outcome?, 1);
        sent += 1;
    }
    let mut drained = 0;
    let drain = async {
        while drained < sent {
            assert_eq!((other.recv(&mut room).await?, room[0]), (1, drained));
            drained += 1;
        }
        Ok(())
    };
    assert_eq!(caused!(drain, one.send(b"last")), 4);
    assert_eq!((other.recv(&mut room).await?, &room[..4]), (4, &b"last"[..]));
    let (one, other) = UnixSeqpacket::pair()?;
    assert_eq!(caused!(one.send(b"packet"), other.recv(&mut room)), 6);
    assert_eq!(caused!(one.send(b"peek"), other.peek(&mut room)), 4);
    assert_eq!(other.recv(&mut room).await?, 4);
    caused!(dropped(one), other.closed());
    Ok(())
}

/// A cause that cannot fail: something is dropped.
async fn dropped(cause: impl Sized) -> io::Result<()> {
    drop(cause);
    Ok(())
}

async fn streams() -> io::Result<()> {
    let (listener, address) = tcp::bound().await?;
    // An attempt that is dropped is a connection that may come about all the same.
    let client = async { dropped_once!(TcpStream::connect(address)) };
    let (client, server) = futures::try_join!(client, listener.accept())?;
    let (client, server) = match client.local_addr()? == server.1 {
        true => (client, server.0),
        false => (client, listener.accept().await?.0),
    };
    let mut room = [0; 16];
    let sent = |bytes: &'static [u8]| async { (&client).write_all(bytes).await };
    let ready = caused!(sent(b"ready"), server.ready(Interest::READABLE));
    assert!(!ready.is_empty());
    assert_eq!(caused!(async { Ok(()) }, server.peek(&mut room[..1])), 1);
    (&server).read_exact(&mut room[..5]).await?;
    assert_eq!(&room[..5], b"ready");
    assert_eq!(caused!(sent(b"p"), server.peek(&mut room)), 1);
    let mut buffer: Vec<u8> = Vec::with_capacity(16);
    assert_eq!(caused!(async { Ok(()) }, server.read_buf(&mut buffer)), 1);
    buffer.clear();
    assert_eq!(caused!(sent(b"b"), server.read_buf(&mut buffer)), 1);
    assert_eq!((&buffer[..], &room[..1]), (&b"b"[..], &b"p"[..]));
    let (mut reader, writer) = server.into_split();
    caused!(sent(b"h"), reader.readable());
    assert_eq!(caused!(async { Ok(()) }, reader.read(&mut room)), 1);
    let server = reader.reunite(writer).expect("two halves of one");
    caused!(
        client.shutdown(std::net::Shutdown::Write).map(|()| async { Ok(()) })?,
        server.closed()
    );
    drop((client, server));
    let (one, other) = std::os::unix::net::UnixStream::pair()?;
    any_descriptor(one, UnixStream::from_std(other)?).await
}

/// The bridge to descriptors of all kinds.
async fn any_descriptor(one: std::os::unix::net::UnixStream, other: UnixStream) -> io::Result<()> {
    use std::io::Read;
    let one = AsyncFd::new(one)?;
    let guard = caused!(async { (&other).write_all(b"x").await }, one.readable());
    drop(guard);
    let read = |mut fd: &std::os::unix::net::UnixStream| fd.read(&mut [0; 1]);
    assert_eq!(caused!(async { Ok(()) }, one.async_io(Interest::READABLE, read)), 1);
    let cause = async { (&other).write_all(b"y").await };
    assert_eq!(caused!(cause, one.async_io(Interest::READABLE, read)), 1);
    drop(dropped_once!(one.writable())?);
    Ok(())
}

/// What is sent from byte `at` on: numbers that go round, so that each byte tells its place.
fn numbers(at: usize, length: usize) -> &'static [u8] {
    const ROUND: usize = 251;
    static NUMBERS: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..ROUND * 1000).map(|number| (number % ROUND) as u8).collect());
    &NUMBERS[at % ROUND..][..length]
}

/// Writers at a peer that takes nothing: dropped, they have written all that they said, and no
/// byte more.
async fn full() -> io::Result<()> {
    let (one, mut other) = UnixStream::pair()?;
    let mut sent = 0_usize;
    while let Some(outcome) = once((&one).write(numbers(sent, 60_000))).await {
        sent += outcome?;
    }
    let (mut arrived, mut room) = (0_usize, vec![0; 100_000]);
    for round in 0..3 {
        let drain = async {
            let target = sent;
            while arrived < target {
                let count = other.read(&mut room).await?;
                if count == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let right = room[..count] == *numbers(arrived, count);
                assert!(right, "a byte is lost, doubled or changed");
                arrived += count;
            }
            Ok(())
        };
        let bytes = numbers(sent, 60_000);
        let mut rest = bytes;
        let parts = [IoSlice::new(&bytes[..1]), IoSlice::new(&bytes[1..])];
        let count = match round {
            0 => caused!(drain, (&one).write_vectored(&parts)),
            1 => caused!(drain, one.write_buf(&mut rest)),
            _ => {
                caused!(drain, one.writable());
                (&one).write(bytes).await?
            }
        };
        sent += count;
        while let Some(outcome) = once((&one).write(numbers(sent, 60_000))).await {
            sent += outcome?;
        }
    }
    drop(one);
    let mut left = Vec::new();
    other.read_to_end(&mut left).await?;
    for (index, part) in left.chunks(60_000).enumerate() {
        assert_eq!(part, numbers(arrived + index * 60_000, part.len()));
    }
    assert_eq!(arrived + left.len(), sent, "written and not arrived, or the other way round");
    Ok(())
}

fn pipes(runtime: &Runtime) -> Outcomes {
    let path = TemporaryPath::fifo("cancelled");
    drive(runtime, async {
        let run = async {
            let (sender, receiver) = pipe::pipe()?;
            let mut room = [0; 16];
            let sent = async { (&sender).write_all(b"pipe").await };
            caused!(sent, receiver.readable());
            (&receiver).read_exact(&mut room[..4]).await?;
            let mut buffer: Vec<u8> = Vec::with_capacity(16);
            let sent = async { (&sender).write_all(b"p").await };
            assert_eq!(caused!(sent, receiver.read_buf(&mut buffer)), 1);
            caused!(dropped(sender), receiver.closed());
            drop(receiver);
            let (sender, receiver) = pipe::pipe()?;
            let mut sent = 0;
            while let Some(outcome) = once((&sender).write(&[7; 4096])).await {
                sent += outcome?;
            }
            let drained = async { (&receiver).read_exact(&mut vec![0; sent]).await };
            caused!(drained, sender.writable());
            caused!(dropped(receiver), sender.closed());
            let options = OpenOptions::new();
            let open = async {
                sleep(Duration::from_millis(1)).await;
                options.open_receiver(&path)
            };
            let waiting = OpenOptions::new();
            let waiting = async { dropped_once!(waiting.open_sender_when_read(&path)) };
            let (sender, receiver) = futures::try_join!(waiting, open)?;
            (&sender).write_all(b"fifo").await?;
            (&receiver).read_exact(&mut room[..4]).await?;
            assert_eq!(&room[..4], b"fifo");
            // Given back as it is, whoever waited for it.
            drop((OwnedFd::from(sender), OwnedFd::from(receiver)));
            Ok(())
        };
        vec![run.await]
    })
}

const TICK: Duration = Duration::from_millis(1);

async fn others() -> io::Result<()> {
    assert!(dropped_once!(timeout(TICK, std::future::pending::<()>())).is_err());
    let mut ticks = interval(TICK);
    let first = dropped_once!(ticks.tick());
    let second = dropped_once!(ticks.tick());
    assert!(second - first >= TICK, "a dropped wait took its tick along");
    let mut spawned = task(async {
        sleep(TICK).await;
        7
    });
    assert_eq!(dropped_once!(spawned.outcome()), Some(7));
    let mut blocking = spawn_blocking(|| 8);
    assert_eq!(dropped_once!(&mut blocking).expect("nobody aborts it"), 8);
    dropped_once!(yield_now());
    // By a thread of the pool, or not at all.
    let found = dropped_once!(lookup_host("127.0.0.1:1"))?;
    assert_eq!(found.count(), 1);
    Ok(())
}

/// An accept that was dropped takes no connection with it.
async fn accepting() -> Outcomes {
    let (listener, address) = match tcp::bound().await {
        Ok(bound) => bound,
        Err(error) => return vec![Err(error)],
    };
    let connect = async {
        yield_now().await;
        TcpStream::connect(address).await.map(drop)
    };
    both(connect, async move { dropped_once!(listener.accept()).map(drop) }).await
}
