//! The server that is abused: edgewake, one thread, told by its owner what to do.
//!
//! Its stdin is a Unix stream to the owner (see `control`). Five services: `echo` sends back what
//! comes, `kept` the same, and gives up who is not heard of any more, `frames` messages with a
//! length in front (over TCP and over Unix streams), `fds` writes into every descriptor that it is
//! sent, and `udp` sends datagrams back. What they wait for is counted, so that the owner can wait
//! until they do, instead of for a time.

mod control;
mod counters;
mod datagrams;
mod descriptors;
mod echo;
mod frames;

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use edgewake::net::{Keepalive, TcpListener, UdpSocket, UnixListener, UnixStream};
use edgewake::{JoinHandle, Runtime, spawn_local};
use edgewake_bench::os::{process, socket, storm};

use counters::Counters;

/// A buffer for all echoes, as none of them waits with something in it.
const SHARED_BUFFER: usize = 64 * 1024;

/// What all connections share.
struct Shared {
    counters: Counters,
    buffer: RefCell<Box<[u8]>>,
}

/// What is listened on, and the tasks that accept there: none while that is paused.
struct Listeners {
    echo: Vec<Rc<TcpListener>>,
    kept: Rc<TcpListener>,
    frames: Rc<TcpListener>,
    frames_unix: Rc<UnixListener>,
    fds: Rc<UnixListener>,
    names: [String; 2],
    accepting: RefCell<Vec<JoinHandle<()>>>,
    shared: Rc<Shared>,
}

/// Serves until it is told to quit: server `number`, with `ports` listeners for echoes, each on an
/// address of its own.
pub(crate) fn run(number: u8, ports: u8) -> io::Result<()> {
    process::raise_fd_limit()?;
    storm::count_alarms()?;
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    let owner = UnixStream::from_std(stdin.into())?;
    Runtime::new()?.block_on(async {
        let shared = Rc::new(Shared {
            counters: Counters::default(),
            buffer: RefCell::new(vec![0; SHARED_BUFFER].into_boxed_slice()),
        });
        let listeners = Listeners::bind(number, ports, &shared)?;
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let udp_address = udp.local_addr()?;
        let datagrams = spawn_local(datagrams::serve(udp, Rc::clone(&shared)));
        listeners.resume();
        control::obey(owner, &listeners, udp_address).await?;
        datagrams.abort();
        listeners.pause().await
    })
}

impl Listeners {
    fn bind(number: u8, ports: u8, shared: &Rc<Shared>) -> io::Result<Listeners> {
        let tcp = |last| {
            let address = SocketAddr::from((Ipv4Addr::new(127, 0, number, last), 0));
            socket::listen(address).and_then(TcpListener::from_std).map(Rc::new)
        };
        let echo = (1..=ports).map(tcp).collect::<io::Result<Vec<_>>>()?;
        let names = ["frames", "fds"].map(|service| {
            // The abstract names of Linux leave no file behind.
            format!("edgewake-soak-{}-{service}", std::process::id())
        });
        let unix = |name: &str| UnixListener::bind(format!("\0{name}")).map(Rc::new);
        let kept = tcp(1)?;
        give_up_the_silent(&kept)?;
        Ok(Listeners {
            echo,
            kept,
            frames: tcp(1)?,
            frames_unix: unix(&names[0])?,
            fds: unix(&names[1])?,
            names,
            accepting: RefCell::default(),
            shared: Rc::clone(shared),
        })
    }

    /// Where it listens, as words.
    fn addresses(&self) -> io::Result<String> {
        let mut words = String::new();
        for listener in &self.echo {
            words += &format!("echo={} ", listener.local_addr()?);
        }
        let [frames_unix, fds] = &self.names;
        Ok(format!(
            "{words}kept={} frames={} frames_unix={frames_unix} fds={fds}",
            self.kept.local_addr()?,
            self.frames.local_addr()?
        ))
    }

    /// Starts to accept, everywhere.
    fn resume(&self) {
        let mut accepting = self.accepting.borrow_mut();
        for listener in &self.echo {
            accepting.push(self.accept(listener, TcpListener::accept, echo::serve));
        }
        accepting.push(self.accept(&self.kept, TcpListener::accept, echo::serve));
        accepting.push(self.accept(&self.frames, TcpListener::accept, frames::serve));
        accepting.push(self.accept(&self.frames_unix, UnixListener::accept, frames::serve));
        accepting.push(self.accept(&self.fds, UnixListener::accept, descriptors::serve));
    }

    /// Drops every accept that waits, and returns when that is done.
    async fn pause(&self) -> io::Result<()> {
        for task in self.accepting.take() {
            task.abort();
            match task.await {
                Err(error) if error.is_cancelled() => {}
                outcome => return Err(io::Error::other(format!("an accept loop: {outcome:?}"))),
            }
        }
        Ok(())
    }

    fn accept<L: 'static, S: 'static, A, F>(
        &self,
        listener: &Rc<L>,
        accept: impl AsyncFn(&L) -> io::Result<(S, A)> + 'static,
        serve: fn(S, Rc<Shared>) -> F,
    ) -> JoinHandle<()>
    where
        F: Future<Output = io::Result<()>> + 'static,
    {
        let (listener, shared) = (Rc::clone(listener), Rc::clone(&self.shared));
        spawn_local(async move {
            loop {
                let (stream, _) = accept(&listener).await.expect("an accept waits or succeeds");
                start(serve(stream, Rc::clone(&shared)), &shared);
            }
        })
    }
}

/// Has connections end with an error when their peer is not heard of for two seconds, the least that
/// Linux knows for those that are idle. They have these options from their listener. With as little
/// room to send as there may be, some of them wait for room.
fn give_up_the_silent(listener: &TcpListener) -> io::Result<()> {
    let second = Duration::from_secs(1);
    let keepalive = Keepalive::new().with_idle(second).with_interval(second).with_count(1);
    listener.set_keepalive(Some(keepalive))?;
    listener.set_user_timeout(second)?;
    listener.set_send_buffer_size(1)
}

/// Starts the task of a connection, which counts as alive until its socket is closed.
fn start(conversation: impl Future<Output = io::Result<()>> + 'static, shared: &Rc<Shared>) {
    let counters = &shared.counters;
    counters.accepted.set(counters.accepted.get() + 1);
    counters.alive.set(counters.alive.get() + 1);
    let shared = Rc::clone(shared);
    // Dropping the handle of a task detaches it.
    drop(spawn_local(async move {
        let outcome = conversation.await;
        let counters = &shared.counters;
        counters.alive.set(counters.alive.get() - 1);
        if outcome.is_err() {
            counters.failed.set(counters.failed.get() + 1);
        }
    }));
}
