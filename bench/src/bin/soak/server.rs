//! A server process as its owner sees it: where it listens, what it does, what it costs.

use std::cell::Cell;
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixStream};
use std::time::{Duration, Instant};

use edgewake_bench::os::process;

use crate::child::Child;

/// How long a state may take to come about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long the processor time of a server that has nothing to do is watched, and how much of it
/// there may be. A loop that spins takes all of it, one that looks every millisecond a hundredth.
const STILL: Duration = Duration::from_secs(2);
const STILL_MOST: f64 = 0.005;
const STILL_TRIES: usize = 3;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Its listeners for echoes.
    pub(crate) echo: Vec<SocketAddr>,
    /// Which of them is next.
    turn: Cell<usize>,
    kept: SocketAddr,
    frames: SocketAddr,
    frames_unix: String,
    fds: String,
    /// Its socket of datagrams.
    pub(crate) udp: SocketAddr,
    /// The microseconds between two signals.
    storm: u64,
    /// The time that the storm has lasted, up to its last start.
    stormed: Duration,
    since: Option<Instant>,
}

/// What a server says of itself.
#[derive(Debug)]
pub(crate) struct State(HashMap<String, u64>);

/// What must be as before, when all peers have gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) connections: u64,
    tasks: u64,
    queued: u64,
    sources: u64,
    timers: u64,
    descriptors: usize,
}

impl State {
    /// A number of that name.
    pub(crate) fn get(&self, name: &str) -> u64 {
        *self.0.get(name).unwrap_or_else(|| panic!("a server says nothing of {name}"))
    }
}

impl Server {
    /// Starts server `number`, with so many listeners for echoes, and its storm of signals.
    pub(crate) fn start(number: u8, ports: u8, storm: u64) -> io::Result<Self> {
        let arguments = ["serve".to_owned(), number.to_string(), ports.to_string()];
        let mut child = Child::start(&format!("server {number}"), &arguments)?;
        let line = child.ask("addresses")?;
        let named = |name| line.split(' ').filter_map(move |word| word.strip_prefix(name));
        let missing = || io::Error::other(format!("not all addresses in {line:?}"));
        let address = |name| named(name).next().and_then(|word| word.parse().ok());
        let text = |name| named(name).next().map(str::to_owned);
        let mut server = Self {
            echo: named("echo=").filter_map(|word| word.parse().ok()).collect(),
            turn: Cell::new(0),
            kept: address("kept=").ok_or_else(missing)?,
            frames: address("frames=").ok_or_else(missing)?,
            frames_unix: text("frames_unix=").ok_or_else(missing)?,
            fds: text("fds=").ok_or_else(missing)?,
            udp: address("udp=").ok_or_else(missing)?,
            storm,
            stormed: Duration::ZERO,
            since: None,
            child,
        };
        server.storm(true)?;
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Says a line to it, and waits for the answer.
    pub(crate) fn ask(&mut self, line: &str) -> io::Result<String> {
        self.child.ask(line)
    }

    /// Switches the signals on or off.
    pub(crate) fn storm(&mut self, on: bool) -> io::Result<()> {
        let interval = if on { self.storm } else { 0 };
        self.ask(&format!("storm {interval}"))?;
        if let Some(since) = self.since.take() {
            self.stormed += since.elapsed();
        }
        self.since = on.then(Instant::now);
        Ok(())
    }

    /// How long there have been signals, as of the last switch.
    pub(crate) fn stormed(&self) -> Duration {
        self.stormed
    }

    pub(crate) fn state(&mut self) -> io::Result<State> {
        let line = self.ask("state")?;
        let words = line.split(' ').filter_map(|word| word.split_once('='));
        Ok(State(words.map(|(name, n)| (name.to_owned(), n.parse().unwrap_or(0))).collect()))
    }

    /// Waits until the server is in the state that `reached` tells, and returns it.
    pub(crate) fn until(
        &mut self,
        what: &str,
        reached: impl Fn(&State) -> bool,
    ) -> io::Result<State> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let state = self.state()?;
            if reached(&state) {
                return Ok(state);
            }
            if Instant::now() > deadline {
                let pid = self.pid();
                let message = format!("server {pid}: not in {PATIENCE:?}: {what}; {state:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            // Not to wait for anything: the server is to have time for something else.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What it holds at this moment.
    pub(crate) fn rest(&mut self) -> io::Result<Rest> {
        let state = self.state()?;
        Ok(Rest {
            connections: state.get("alive"),
            tasks: state.get("tasks"),
            queued: state.get("queued"),
            sources: state.get("sources"),
            timers: state.get("timers"),
            descriptors: process::open_fds(self.pid())?,
        })
    }

    /// Waits until it holds no more, and no less, than `before`.
    pub(crate) fn until_rest(&mut self, before: &Rest) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.rest()?;
            if now == *before {
                return Ok(());
            }
            if Instant::now() > deadline {
                let pid = self.pid();
                let message = format!("server {pid}: something is left: {now:?}, not {before:?}");
                return Err(io::Error::other(message));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Without signals, checks that it takes no processor time, and returns what it took and how
    /// often it ran, in the best of a few windows: what has come before may be worked off.
    pub(crate) fn still(&mut self) -> io::Result<(f64, u64)> {
        self.storm(false)?;
        let mut least = (f64::MAX, 0);
        for _ in 0..STILL_TRIES {
            let (time, runs) = self.spent()?;
            std::thread::sleep(STILL);
            let (time_after, runs_after) = self.spent()?;
            least = (time_after - time, runs_after - runs);
            if least.0 <= STILL_MOST {
                self.storm(true)?;
                return Ok(least);
            }
        }
        let (pid, spent) = (self.pid(), least.0 * 1e3);
        let message = format!("{spent:.1} ms of processor time in {STILL:?} with nothing to do");
        Err(io::Error::other(format!("server {pid}: {message}")))
    }

    /// Its processor time, and how often it was put on a processor.
    fn spent(&self) -> io::Result<(f64, u64)> {
        Ok((process::processor_time(self.pid())?, process::runs(self.pid())?))
    }

    /// A connection to its echo, by the next of the listeners.
    pub(crate) fn connect_echo(&self) -> io::Result<TcpStream> {
        let turn = self.turn.replace(self.turn.get() + 1);
        patient(TcpStream::connect(self.echo[turn % self.echo.len()])?)
    }

    /// A connection to its echo that gives up who is silent.
    pub(crate) fn connect_kept(&self) -> io::Result<TcpStream> {
        patient(TcpStream::connect(self.kept)?)
    }

    /// A connection to its frames.
    pub(crate) fn connect_frames(&self) -> io::Result<TcpStream> {
        patient(TcpStream::connect(self.frames)?)
    }

    /// A Unix stream to its frames.
    pub(crate) fn connect_frames_unix(&self) -> io::Result<UnixStream> {
        unix(&self.frames_unix)
    }

    /// A Unix stream to where descriptors go.
    pub(crate) fn connect_fds(&self) -> io::Result<UnixStream> {
        unix(&self.fds)
    }

    /// Ends it, which must be a good end.
    pub(crate) fn quit(mut self) -> io::Result<()> {
        self.ask("quit")?;
        self.child.ended()
    }
}

fn patient(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn unix(name: &str) -> io::Result<UnixStream> {
    let stream = UnixStream::connect_addr(&UnixAddr::from_abstract_name(name)?)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}
