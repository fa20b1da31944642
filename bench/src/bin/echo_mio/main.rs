//! The mio peer: the baseline's loop on `mio::Poll`, which is what a library below the runtimes
//! leaves to its user. One thread, one shared buffer, connections in a table by descriptor.
//!
//! `echo_mio --tcp 127.0.0.1:0` takes a short read for a drained socket where the baseline does:
//! mio's event tells what that needs. `--until-block` receives until `WouldBlock`, as mio's own
//! documentation asks for. Ends on SIGINT and SIGTERM.

mod conn;
mod datagrams;
mod server;
mod stream;

use std::io;
use std::process::ExitCode;

use edgewake_bench::os::{datagram, process, signals, socket};
use edgewake_bench::serve::{self, Arguments, ONE_BUFFER};
use edgewake_bench::{announce, target::Target};
use mio::net::{TcpListener, UdpSocket, UnixListener};

const USAGE: &str = "\
usage: echo_mio --tcp ADDR | --udp ADDR | --unix PATH [options]
  --until-block   receive until WouldBlock, whatever a short read tells
  --buffer BYTES  size of the shared buffer (default 65536)";

fn main() -> ExitCode {
    let mut until_block = false;
    let parsed = serve::parse(USAGE, |word, _| {
        until_block |= word == "until-block";
        Ok(word == "until-block")
    });
    serve::run("echo_mio", || {
        let arguments = parsed.map_err(io::Error::other)?;
        run(&arguments, until_block)?;
        serve::remove_name(&arguments.target)
    })
}

fn run(arguments: &Arguments, until_block: bool) -> io::Result<()> {
    process::raise_fd_limit()?;
    let stop = signals::termination()?;
    let buffer = vec![0; arguments.buffer.unwrap_or(ONE_BUFFER)];
    match &arguments.target {
        Target::Tcp(addr) => {
            let listener = TcpListener::from_std(socket::listen(*addr)?);
            announce::listening_on(listener.local_addr()?)?;
            server::run(listener, buffer, until_block, &stop)
        }
        Target::Udp(addr) => {
            let socket = UdpSocket::from_std(datagram::bind(*addr)?);
            announce::listening_on(socket.local_addr()?)?;
            datagrams::run(socket, buffer, &stop)
        }
        Target::Unix(path) => {
            let listener = UnixListener::from_std(socket::listen_unix(path)?);
            announce::listening_on(path.display())?;
            server::run(listener, buffer, until_block, &stop)
        }
    }
}
