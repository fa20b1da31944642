//! Turns of a server that has connections and nothing to do.
//!
//! A process that makes a system call has run, and the kernel counts how often each of its threads
//! was given the processor (`/proc/PID/task/*/schedstat`, the third number). Where that has not
//! grown over a while, no thread turned, called or looked at a clock. No tool watches: one that
//! attaches interrupts the wait.
//!
//! A server without a descriptor left has something to do: it tries again now and then, since
//! nothing tells it that one is free (`TcpListener::accept`). That is counted apart.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use edgewake_bench::os::process::{Placement, runs};
use edgewake_bench::target::{Target, Transport};

use crate::args::Args;
use edgewake_bench::generator::Holder;
use edgewake_bench::server::ServerCommand;

/// Longer than what a server may do once a second, as long as it lasts.
const WINDOW: Duration = Duration::from_secs(3);
/// What has come before may be worked off meanwhile.
const TRIES: usize = 3;

/// The descriptors a server is allowed that is to run out of them, and the clients it then has.
const FEW_DESCRIPTORS: &str = "--nofile=32:32";
const TOO_MANY: usize = 64;

/// How often a server ran in a window, in three states.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turns {
    /// With a hundred connections, each of which has had an echo.
    pub(crate) idle: u64,
    /// When they are closed.
    pub(crate) gone: u64,
    /// Out of descriptors, with clients in the queue.
    pub(crate) at_limit: u64,
}

pub(crate) fn measure(args: &Args, command: &ServerCommand) -> io::Result<Turns> {
    let server = command.start(Transport::Tcp, &[], Placement::default())?;
    let held = Holder::start(server.target(), 100)?;
    let idle = least(server.pid())?;
    drop(held);
    let gone = least(server.pid())?;
    server.stop(args.signal)?;

    let limit = ["prlimit".to_owned(), FEW_DESCRIPTORS.to_owned()];
    let server = command.start(Transport::Tcp, &limit, Placement::default())?;
    let clients = crowd(server.target())?;
    let at_limit = least(server.pid())?;
    drop(clients);
    server.stop(args.signal)?;
    Ok(Turns { idle, gone, at_limit })
}

/// More clients than the server has descriptors for. The first has an answer, so that the server is
/// known to take connections; the last ones have none, since they are only in the queue.
fn crowd(target: &Target) -> io::Result<Vec<TcpStream>> {
    let Target::Tcp(addr) = target else { return Err(io::Error::other("not TCP")) };
    let mut clients = Vec::with_capacity(TOO_MANY);
    for _ in 0..TOO_MANY {
        clients.push(TcpStream::connect_timeout(addr, Duration::from_secs(10))?);
    }
    let mut byte = [7];
    clients[0].set_read_timeout(Some(Duration::from_secs(10)))?;
    clients[0].write_all(&byte)?;
    clients[0].read_exact(&mut byte)?;
    let last = &mut clients[TOO_MANY - 1];
    last.set_read_timeout(Some(Duration::from_millis(200)))?;
    last.write_all(&byte)?;
    match last.read(&mut byte) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(clients),
        _ => Err(io::Error::other("the server has not run out of descriptors")),
    }
}

/// The fewest runs in a window, of a few windows: 0 as soon as there is one without any.
fn least(pid: u32) -> io::Result<u64> {
    let mut least = u64::MAX;
    for _ in 0..TRIES {
        let before = runs(pid)?;
        std::thread::sleep(WINDOW);
        least = least.min(runs(pid)?.saturating_sub(before));
        if least == 0 {
            break;
        }
    }
    Ok(least)
}
