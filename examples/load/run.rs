//! All connections together, from the first connect to the last answer.

use std::{
    io,
    pin::{Pin, pin},
    rc::Rc,
    time::{Duration, Instant},
};

use edgewake::{
    JoinError, JoinHandle,
    net::{TcpStream, UdpSocket, UnixStream},
    time::{sleep_until, timeout},
};
use futures::{
    StreamExt,
    future::{Either, join_all, select},
    stream,
};

use crate::{
    arguments::Arguments,
    common::{interrupt::Interrupt, place::Place},
    connection::Connection,
    datagrams::Client,
    pace::{Pace, Schedule},
    progress::Progress,
    shared::Shared,
};

/// Connects that are under way at the same time: fewer than any server's queue holds.
const CONNECTING: usize = 100;

/// How long a connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long after the end answers are waited for when none comes.
const PATIENCE: Duration = Duration::from_secs(1);

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) connections: u64,
    /// From the first message to the end, or to the last answer if that came later.
    pub(crate) elapsed: Duration,
    pub(crate) shared: Rc<Shared>,
}

/// Connects, runs for as long as asked or until a signal comes, and waits for the last answers.
pub(crate) async fn run(arguments: &Arguments) -> Result<Outcome, String> {
    let interrupt = Interrupt::new().map_err(|error| format!("cannot watch signals: {error}"))?;
    let shared = Rc::new(Shared::new(arguments.size, Instant::now()));
    let streams = match select(pin!(interrupt.wait()), pin!(connect_all(arguments, &shared))).await
    {
        Either::Left(_) => return Err("interrupted while connecting".into()),
        Either::Right((streams, _)) => streams,
    };
    let connections = streams.len() as u64;
    if connections == 0 {
        let reasons: Vec<_> = shared.tally.errors().into_iter().map(|(error, _)| error).collect();
        return Err(format!("cannot connect to {}: {}", arguments.target, reasons.join("; ")));
    }

    let start = Instant::now();
    let end = start + arguments.duration;
    shared.end.set(end);
    let progress = Progress::start(&shared, start, arguments.duration);
    let tasks: Vec<_> = (0..)
        .zip(streams)
        .map(|(number, stream)| {
            let pace = match arguments.rate {
                Some(rate) => {
                    let schedule = Schedule { start, rate, connections, place: number };
                    Pace::open(schedule, arguments.depth)
                }
                None => Pace::closed(arguments.depth.unwrap_or(1)),
            };
            stream.start(Rc::clone(&shared), pace, number)
        })
        .collect();

    let mut tasks = pin!(join_all(tasks));
    let mut signal = pin!(interrupt.wait());
    let stop = select(signal.as_mut(), sleep_until(end));
    let ended = match select(tasks.as_mut(), stop).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => {
            shared.end.set(end.min(Instant::now()));
            last_answers(tasks, &shared).await
        }
    };
    progress.finish();
    if ended.iter().any(Result::is_err) {
        return Err("a connection's task panicked".into());
    }
    let last = shared.tally.last_answer().unwrap_or(start);
    let elapsed = last.max(shared.end.get().min(Instant::now())) - start;
    Ok(Outcome { connections, elapsed, shared })
}

/// Waits until every connection is done, or no answer comes any more: those that are still missing
/// by then stay unanswered.
async fn last_answers(
    mut tasks: Pin<&mut impl Future<Output = Vec<Result<(), JoinError>>>>,
    shared: &Shared,
) -> Vec<Result<(), JoinError>> {
    loop {
        let before = shared.tally.answers();
        match timeout(PATIENCE, tasks.as_mut()).await {
            Ok(ended) => return ended,
            Err(_elapsed) if shared.tally.answers() > before => {}
            Err(_elapsed) => return Vec::new(),
        }
    }
}

/// A socket that is connected to the server.
#[derive(Debug)]
enum Connected {
    Tcp(TcpStream),
    Udp(UdpSocket),
    Unix(UnixStream),
}

impl Connected {
    async fn to(place: &Place) -> io::Result<Connected> {
        Ok(match place {
            Place::Tcp(address) => {
                let stream = TcpStream::connect(*address).await?;
                stream.set_nodelay(true)?;
                Connected::Tcp(stream)
            }
            Place::Udp(address) => {
                let socket = UdpSocket::new_for(address)?;
                socket.connect(*address).await?;
                Connected::Udp(socket)
            }
            Place::Unix(address) => Connected::Unix(UnixStream::connect(*address).await?),
        })
    }

    /// Starts the task that sends and receives on it.
    fn start(self, shared: Rc<Shared>, pace: Pace, number: u64) -> JoinHandle<()> {
        match self {
            Connected::Tcp(stream) => {
                edgewake::spawn_local(Connection::new(stream, shared, pace, number).drive())
            }
            Connected::Udp(socket) => {
                edgewake::spawn_local(Client::new(socket, shared, pace, number).drive())
            }
            Connected::Unix(stream) => {
                edgewake::spawn_local(Connection::new(stream, shared, pace, number).drive())
            }
        }
    }
}

/// Connects as often as asked. What fails is tallied.
async fn connect_all(arguments: &Arguments, shared: &Shared) -> Vec<Connected> {
    let mut attempts = stream::iter(0..arguments.connections)
        .map(|_| async { timeout(CONNECT_TIMEOUT, Connected::to(&arguments.target)).await? })
        .buffer_unordered(CONNECTING);
    let mut connected = Vec::new();
    while let Some(attempt) = attempts.next().await {
        match attempt {
            Ok(socket) => connected.push(socket),
            Err(error) => shared.tally.fail(&error, 0),
        }
    }
    connected
}
