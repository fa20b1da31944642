//! Every echo server of this package, run as a process under the generator, which compares each
//! byte that comes back: over TCP, Unix streams and UDP, with small messages and large ones, and
//! with connections that come and go. Afterwards SIGTERM or SIGINT ends it cleanly.
//!
//! With the feature `peers` the servers of the other libraries take part.

#![cfg(target_os = "linux")]

#[path = "servers/process.rs"]
mod process;

use edgewake_bench::os::process::Signal;
use edgewake_bench::target::Transport;
use process::{Server, generate};

/// A server and the flags that make it work in another way.
struct Contender {
    program: &'static str,
    flags: &'static [&'static str],
}

const fn contender(program: &'static str, flags: &'static [&'static str]) -> Contender {
    Contender { program, flags }
}

fn contenders() -> Vec<Contender> {
    let mut all = vec![contender(env!("CARGO_BIN_EXE_baseline"), &[])];
    all.extend(peers());
    all
}

#[cfg(not(feature = "peers"))]
fn peers() -> Vec<Contender> {
    Vec::new()
}

#[cfg(feature = "peers")]
fn peers() -> Vec<Contender> {
    const MIO: &str = env!("CARGO_BIN_EXE_echo_mio");
    const MONOIO: &str = env!("CARGO_BIN_EXE_echo_monoio");
    const SMOL: &str = env!("CARGO_BIN_EXE_echo_smol");
    const TOKIO: &str = env!("CARGO_BIN_EXE_echo_tokio");
    let mut peers = vec![
        contender(MIO, &[]),
        contender(MIO, &["--until-block"]),
        contender(MONOIO, &["--driver", "epoll"]),
        contender(SMOL, &[]),
        contender(SMOL, &["--async-read"]),
        contender(TOKIO, &[]),
        contender(TOKIO, &["--async-read"]),
        contender(TOKIO, &["--threads", "2"]),
    ];
    if monoio::utils::detect_uring() {
        peers.push(contender(MONOIO, &["--driver", "uring"]));
    } else {
        println!("skipped: io_uring is not to be had on this machine");
    }
    peers
}

/// Runs each contender on `transport`, and the generator on it once for each line of flags.
fn exercise(transport: Transport, end: Signal, runs: &[&[&str]]) {
    for contender in contenders() {
        let server = Server::start(contender.program, contender.flags, transport);
        for flags in runs {
            generate(&server, flags);
        }
        server.end(end);
    }
}

/// What streams of both kinds are exercised with.
const STREAMS: &[&[&str]] = &[
    &["--connections", "1", "--messages", "200"],
    &["--connections", "16", "--messages", "1600"],
    &["--connections", "16", "--messages", "160", "--rounds"],
    &["--connections", "4", "--messages", "100", "--size", "65536"],
    &["--connections", "2", "--messages", "20", "--size", "1000003"],
    &["--connections", "16", "--messages", "3200", "--depth", "16"],
    &["--connections", "16", "--messages", "2560", "--depth", "16", "--rounds"],
    &["--connections", "2", "--messages", "100", "--depth", "16", "--size", "65536"],
];

#[test]
fn tcp_echoes_come_back_whole() {
    exercise(Transport::Tcp, Signal::Terminate, STREAMS);
}

#[test]
fn unix_echoes_come_back_whole() {
    exercise(Transport::Unix, Signal::Interrupt, STREAMS);
}

#[test]
fn datagrams_come_back_to_their_senders() {
    exercise(
        Transport::Udp,
        Signal::Terminate,
        &[
            &["--connections", "1", "--messages", "200"],
            &["--connections", "16", "--messages", "1600"],
            &["--connections", "2", "--messages", "50", "--size", "9000"],
        ],
    );
}

#[test]
fn connections_come_and_go() {
    let runs: &[&[&str]] = &[
        &["--mode", "churn", "--connections", "8", "--messages", "400"],
        &["--mode", "churn", "--connections", "8", "--messages", "80", "--rounds"],
    ];
    exercise(Transport::Tcp, Signal::Interrupt, runs);
    exercise(Transport::Unix, Signal::Terminate, runs);
}
