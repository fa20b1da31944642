//! Holds idle connections, for counting what one costs the server.
//!
//! Each connection makes one echo first: only then is it certain that the server has accepted it
//! and allocated what a connection that waits for input needs. The line printed after the last
//! says that the server's memory can be read.

use std::io::{self, Write};
use std::os::fd::AsFd;

use edgewake_bench::os::epoll::{self, Epoll, Events};
use edgewake_bench::os::signals;

use crate::args::Args;
use crate::rounds::Lane;

pub(crate) fn hold(args: &Args) -> io::Result<()> {
    let stop_signals = signals::termination()?;
    let mut lanes = Vec::with_capacity(args.connections);
    let mut buffer = vec![0; args.size + 1];
    for index in 0..args.connections {
        let mut lane = Lane::connect(args, index)?;
        lane.send()?;
        lane.receive(&mut buffer, drop)?;
        lanes.push(lane);
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "idle={}", lanes.len())?;
    stdout.flush()?;
    let epoll = Epoll::new()?;
    epoll.add(stop_signals.as_fd(), epoll::IN, 0)?;
    let mut events = Events::with_capacity(1);
    while epoll.wait(&mut events, -1)? == 0 {}
    Ok(())
}
