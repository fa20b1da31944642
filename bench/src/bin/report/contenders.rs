//! Who takes part, with which command, and why some cannot take part in some.

use std::io;
use std::path::Path;

use edgewake_bench::proxy::contender::Contender as Proxy;
use edgewake_bench::server::{self, ServerCommand};
use edgewake_bench::target::Transport;

use crate::catalog::{How, Scenario};

/// The reference of all ratios.
pub(crate) const BY_HAND: &str = "by hand";
/// Whose report this is.
pub(crate) const EDGEWAKE: &str = "edgewake";

/// A program of this package, or an example of the library's.
#[derive(Debug, Clone, Copy)]
enum Program {
    Ours(&'static str),
    Example(&'static str),
}

/// One that takes part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// The library's package, in the file of locked versions; empty for what has none.
    pub(crate) package: &'static str,
    server: Program,
    arguments: &'static [&'static str],
}

const fn ours(
    name: &'static str,
    package: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
) -> Contender {
    Contender { name, package, server: Program::Ours(program), arguments }
}

const fn edgewake(name: &'static str, arguments: &'static [&'static str]) -> Contender {
    Contender { name, package: "", server: Program::Example("echo"), arguments }
}

/// All echo servers, the reference first.
pub(crate) const CONTENDERS: &[Contender] = &[
    ours(BY_HAND, "", "baseline", &[]),
    edgewake(EDGEWAKE, &["--quiet"]),
    edgewake("edgewake, buffered", &["--quiet", "--buffered"]),
    ours("mio", "mio", "echo_mio", &[]),
    ours("tokio", "tokio", "echo_tokio", &["--async-read"]),
    ours("tokio, readable", "", "echo_tokio", &[]),
    ours("tokio, 2 threads", "", "echo_tokio", &["--async-read", "--threads", "2"]),
    ours("smol", "smol", "echo_smol", &[]),
    ours("monoio, epoll", "monoio", "echo_monoio", &["--driver", "epoll"]),
    ours("monoio, io_uring", "", "echo_monoio", &["--driver", "uring"]),
];

/// Proxies: the hand-written one with a buffer is the reference.
const PROXIES: &[(&str, Program, &[&str])] = &[
    (BY_HAND, Program::Ours("proxy_baseline"), &[]),
    ("by hand, splice", Program::Ours("proxy_baseline"), &["--method", "splice"]),
    (EDGEWAKE, Program::Example("proxy"), &["--quiet"]),
    ("edgewake, buffer", Program::Example("proxy"), &["--quiet", "--method", "buffer"]),
    ("tokio", Program::Ours("proxy_tokio"), &[]),
];

/// Libraries whose small server is built, with what their manifest says of them.
pub(crate) const BUILDS: &[(&str, &str)] = &[
    (BY_HAND, "libc = \"0.2\""),
    (
        EDGEWAKE,
        "edgewake = { path = \"{root}\" }\n\
         futures = { version = \"0.3\", default-features = false }",
    ),
    ("mio", "mio = { version = \"1\", features = [\"net\", \"os-poll\"] }"),
    ("tokio", "tokio = { version = \"1\", features = [\"io-util\", \"net\", \"rt\"] }"),
    ("smol", "smol = \"2\""),
    (
        "monoio",
        "monoio = { version = \"0.2\", default-features = false, \
         features = [\"iouring\", \"legacy\"] }",
    ),
];

/// Why one is missing where others are, as far as that is known beforehand.
const ABSENT: &[(&str, &str, &str)] = &[
    ("micro", "mio", "has no tasks and no timers"),
    ("udp-stream-batches", "tokio", "its sockets move one datagram a call"),
    ("udp-stream-batches", "smol", "its sockets move one datagram a call"),
    ("udp-stream-batches", "mio", "its sockets move one datagram a call"),
    ("udp-stream-batches", "monoio", "its sockets move one datagram a call"),
    ("udp-stream-gso", "tokio", "its sockets do not offer it"),
    ("udp-stream-gso", "smol", "its sockets do not offer it"),
    ("udp-stream-gso", "mio", "its sockets do not offer it"),
    ("udp-stream-gso", "monoio", "its sockets do not offer it"),
    ("proxy", "mio", "has no copying of its own: it would be the hand-written loop"),
    ("proxy", "smol", "not written: smol::io::copy takes a buffer, as tokio's does"),
    ("proxy", "monoio", "not written"),
];

/// Who is missing from a scenario, and why.
pub(crate) fn absent(scenario: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    ABSENT.iter().filter(move |it| it.0 == scenario).map(|&(_, who, why)| (who, why))
}

/// Why one does not take part in what others of its kind do, if it does not.
pub(crate) fn refuses(contender: &Contender, scenario: &Scenario) -> Option<&'static str> {
    let datagrams = match scenario.how {
        How::Load(load) => load.transport == Transport::Udp,
        How::Count(name) => name.starts_with("udp"),
        _ => false,
    };
    match contender.name {
        "tokio, 2 threads" if datagrams => Some("one socket: one task"),
        "tokio, readable" if !readable(scenario) => Some("as tokio"),
        _ => None,
    }
}

/// Where `echo_tokio` without `--async-read` does something else than with it: on TCP.
fn readable(scenario: &Scenario) -> bool {
    match scenario.how {
        How::Load(load) => load.transport == Transport::Tcp,
        How::Count(name) => !name.starts_with("udp") && !name.starts_with("unix"),
        _ => true,
    }
}

fn words(
    program: Program,
    places: &[&str],
    arguments: &[&str],
    examples: &Path,
) -> io::Result<String> {
    let path = match program {
        Program::Ours(name) => server::sibling_path(name)?,
        Program::Example(name) => {
            let path = examples.join(name);
            if !path.exists() {
                let hint = format!("the example {name} has not been built");
                return Err(io::Error::new(io::ErrorKind::NotFound, hint));
            }
            path.to_str().ok_or_else(|| io::Error::other("the path is not UTF-8"))?.to_owned()
        }
    };
    let words = [path.as_str()].into_iter().chain(places.iter().copied());
    shlex::try_join(words.chain(arguments.iter().copied())).map_err(io::Error::other)
}

impl Contender {
    /// The command line that `cost` takes.
    pub(crate) fn line(&self, examples: &Path) -> io::Result<String> {
        words(self.server, &["{listen}"], self.arguments, examples)
    }

    pub(crate) fn command(&self, examples: &Path) -> io::Result<ServerCommand> {
        ServerCommand::parse(&self.line(examples)?).map_err(io::Error::other)
    }

    /// What it is told beside, so that a message fits into a buffer as large as the others'.
    pub(crate) fn for_size(&self, size: usize) -> &'static [&'static str] {
        match self.server {
            Program::Ours("echo_tokio") | Program::Example("echo") if size > 16 * 1024 => {
                &["--buffer", "65536"]
            }
            _ => &[],
        }
    }
}

/// The proxies, by name; the error of one that has not been built.
pub(crate) fn proxies(examples: &Path) -> Vec<(&'static str, io::Result<Proxy>)> {
    let parse = |&(name, program, arguments): &(&'static str, Program, &[&str])| {
        let line = words(program, &["{listen}", "{connect}"], arguments, examples);
        (name, line.and_then(|line| Proxy::parse(&line).map_err(io::Error::other)))
    };
    PROXIES.iter().map(parse).collect()
}
