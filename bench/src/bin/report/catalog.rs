//! What is measured: the scenarios, in the order of the report, and their figures. Pure data.

use edgewake_bench::target::Transport::{self, Tcp, Udp, Unix};

/// Which way a figure is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
    /// Neither way: it is shown, and not compared.
    Neither,
}

/// A figure of a scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    /// Its name in the rows.
    pub(crate) name: &'static str,
    /// Its heading in tables.
    pub(crate) heading: &'static str,
    pub(crate) better: Better,
}

/// A load that `generate` makes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) transport: Transport,
    pub(crate) connections: usize,
    pub(crate) size: usize,
    /// Messages under way on each connection.
    pub(crate) depth: usize,
    /// An operation is a connection, not an echo.
    pub(crate) churn: bool,
}

/// How a scenario is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    /// Rounds of servers under load.
    Load(Load),
    /// Rounds of the program `udp_stream`: the sides whose name ends with one of these.
    Stream(&'static [&'static str]),
    /// Rounds of proxies, with writes of so many bytes.
    Proxy { message: usize },
    /// Rounds of the program `micro`, which names its figures itself.
    Micro,
    /// Once, by the program `cost`: its scenario of that name.
    Count(&'static str),
    /// Once, by the program `cost`: resident bytes of idle connections.
    Idle,
    /// Once: a cold build of a small server.
    Build,
}

/// One scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The first is the one that is compared, and drawn. None: those that the rows name.
    pub(crate) metrics: &'static [Metric],
    pub(crate) how: How,
}

impl Scenario {
    /// Whether it is measured round by round, with a spread; otherwise once.
    pub(crate) fn in_rounds(&self) -> bool {
        matches!(self.how, How::Load(_) | How::Stream(_) | How::Proxy { .. } | How::Micro)
    }

    /// The scenario's figures of that name: its own, or one that the rows name, which is a time.
    pub(crate) fn metric(&self, name: &str) -> Option<Better> {
        match self.metrics {
            [] => Some(Better::Lower),
            metrics => metrics.iter().find(|it| it.name == name).map(|it| it.better),
        }
    }
}

const fn higher(name: &'static str, heading: &'static str) -> Metric {
    Metric { name, heading, better: Better::Higher }
}

const fn lower(name: &'static str, heading: &'static str) -> Metric {
    Metric { name, heading, better: Better::Lower }
}

const ECHOES: &[Metric] = &[
    higher("rate", "echoes/s"),
    lower("p50_us", "p50 µs"),
    lower("p99_us", "p99 µs"),
    lower("cpu_us", "CPU µs an echo"),
];
const CHURN: &[Metric] = &[
    higher("rate", "connections/s"),
    lower("p50_us", "p50 µs"),
    lower("p99_us", "p99 µs"),
    lower("cpu_us", "CPU µs a connection"),
];
/// Nothing holds the sender back: the faster it is, the more is lost.
const STREAM: &[Metric] = &[
    higher("rate", "received/s"),
    Metric { name: "lost_percent", heading: "lost %", better: Better::Neither },
];
const PROXY: &[Metric] = &[higher("rate", "MB/s"), lower("cpu_s_gb", "CPU s/GB")];
const COUNTS: &[Metric] =
    &[lower("instructions", "user instructions"), lower("syscalls", "system calls")];
const IDLE: &[Metric] = &[lower("bytes", "bytes a connection")];
const BUILD: &[Metric] = &[
    lower("cpu_s", "CPU seconds of a cold build"),
    lower("stripped_kib", "stripped KiB"),
    lower("crates", "crates compiled"),
];

const fn load(transport: Transport, connections: usize, size: usize, depth: usize) -> How {
    How::Load(Load { transport, connections, size, depth, churn: false })
}

const fn echo(name: &'static str, title: &'static str, how: How) -> Scenario {
    Scenario { name, title, metrics: ECHOES, how }
}

const fn count(name: &'static str, title: &'static str, cost: &'static str) -> Scenario {
    Scenario { name, title, metrics: COUNTS, how: How::Count(cost) }
}

/// Every scenario.
pub(crate) const SCENARIOS: &[Scenario] = &[
    echo("tcp-1", "TCP echo, 64 B, 1 connection", load(Tcp, 1, 64, 1)),
    echo("tcp-32", "TCP echo, 64 B, 32 connections", load(Tcp, 32, 64, 1)),
    echo("tcp-512", "TCP echo, 64 B, 512 connections", load(Tcp, 512, 64, 1)),
    echo("tcp-pipelined", "TCP echo, 64 B, 32 connections, 16 under way", load(Tcp, 32, 64, 16)),
    echo("tcp-64k", "TCP echo, 64 KiB, 32 connections", load(Tcp, 32, 65_536, 1)),
    echo("unix-32", "Unix echo, 64 B, 32 connections", load(Unix, 32, 64, 1)),
    echo("udp-32", "UDP echo, 64 B, 32 clients", load(Udp, 32, 64, 1)),
    Scenario {
        name: "churn",
        title: "Connect, one echo of 64 B, close; 32 at a time",
        metrics: CHURN,
        how: How::Load(Load { transport: Tcp, connections: 32, size: 64, depth: 1, churn: true }),
    },
    Scenario {
        name: "udp-stream",
        title: "UDP stream, 1200 B, a datagram a call",
        metrics: STREAM,
        how: How::Stream(&["one a call"]),
    },
    Scenario {
        name: "udp-stream-batches",
        title: "UDP stream, 1200 B, 64 datagrams a call",
        metrics: STREAM,
        how: How::Stream(&["mmsg", "batches"]),
    },
    Scenario {
        name: "udp-stream-gso",
        title: "UDP stream, 1200 B, GSO and GRO",
        metrics: STREAM,
        how: How::Stream(&["GSO and GRO"]),
    },
    Scenario {
        name: "proxy",
        title: "TCP proxy, 4 flows, writes of 16 KiB",
        metrics: PROXY,
        how: How::Proxy { message: 16 * 1024 },
    },
    count("count-tcp-32", "TCP echo, 32 connections", "echo32"),
    count("count-tcp-1", "TCP echo, 1 connection", "echo1"),
    count("count-udp-32", "UDP echo, 32 clients", "udp32"),
    count("count-unix-32", "Unix echo, 32 connections", "unix32"),
    count("count-churn", "connect, echo, close", "churn"),
    Scenario {
        name: "idle",
        title: "Memory of an idle TCP connection, 10,000 of them",
        metrics: IDLE,
        how: How::Idle,
    },
    Scenario { name: "micro", title: "Tasks and timers", metrics: &[], how: How::Micro },
    Scenario {
        name: "build",
        title: "A small TCP echo server, built from nothing",
        metrics: BUILD,
        how: How::Build,
    },
];

/// The scenario of that name.
pub(crate) fn scenario(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|it| it.name == name)
}

/// The list that a wrong name gets.
pub(crate) fn list() -> String {
    SCENARIOS.iter().map(|it| format!("  {:<20} {}\n", it.name, it.title)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for (index, scenario) in SCENARIOS.iter().enumerate() {
            assert!(SCENARIOS[..index].iter().all(|it| it.name != scenario.name));
            assert_eq!(super::scenario(scenario.name).unwrap().title, scenario.title);
        }
        assert!(scenario("tcp").is_none());
        assert!(list().contains("  tcp-1 "));
    }
}
