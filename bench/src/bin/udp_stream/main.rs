//! A stream of UDP datagrams from one thread to another, as fast as they go: one a call, many a
//! call (`sendmmsg`, `recvmmsg`), many a buffer (GSO, GRO), by hand and by library.
//!
//! Each side is a way to send and a way to receive, in a file that binds a library to `stream`. The
//! sides take turns, repeat by repeat, and the median of the repeats is printed. Nothing holds the
//! sender back, as nothing does on a network: what the receiver's buffer has no room for is lost,
//! is counted, and does not count.

mod edgewake_side;
#[cfg(feature = "peers")]
mod mio_side;
#[cfg(feature = "peers")]
mod monoio_side;
mod raw_side;
#[cfg(feature = "peers")]
mod smol_side;
mod stream;
#[cfg(feature = "peers")]
mod tokio_side;

use std::io;
use std::process::ExitCode;

use edgewake_bench::stats;
use lexopt::{Arg, Parser, ValueExt};
use stream::{Plan, Receive, Run, Send};

const USAGE: &str = "\
usage: udp_stream [--repeats R] [--datagrams N] [--size BYTES] [--side TEXT]
                  [--rows]
  --repeats R    of every side; the median is printed (default 7)
  --datagrams N  sent in a repeat (default 400000)
  --size BYTES   of a datagram, 8 to 65507 (default 1200)
  --side TEXT    only the sides whose name has that in it
  --rows         print each repeat instead: side, figure and value, with tabs between";

/// A way to send and a way to receive.
struct Side {
    name: &'static str,
    send: Send,
    receive: Receive,
}

/// The side that the others are compared with.
const REFERENCE: &str =
    if cfg!(feature = "peers") { "tokio, one a call" } else { "by hand, one a call" };

/// Every side of this build.
const SIDES: &[Side] = &[
    Side {
        name: "by hand, one a call",
        send: raw_side::send_one_by_one,
        receive: raw_side::receive_one_by_one,
    },
    Side {
        name: "by hand, mmsg",
        send: raw_side::send_batches,
        receive: raw_side::receive_batches,
    },
    Side {
        name: "by hand, GSO and GRO",
        send: raw_side::send_segments,
        receive: raw_side::receive_segments,
    },
    Side {
        name: "edgewake, one a call",
        send: edgewake_side::send_one_by_one,
        receive: edgewake_side::receive_one_by_one,
    },
    Side {
        name: "edgewake, batches",
        send: edgewake_side::send_batches,
        receive: edgewake_side::receive_batches,
    },
    Side {
        name: "edgewake, GSO and GRO",
        send: edgewake_side::send_segments,
        receive: edgewake_side::receive_segments,
    },
    #[cfg(feature = "peers")]
    Side { name: "mio, one a call", send: mio_side::send, receive: mio_side::receive },
    #[cfg(feature = "peers")]
    Side { name: "tokio, one a call", send: tokio_side::send, receive: tokio_side::receive },
    #[cfg(feature = "peers")]
    Side { name: "smol, one a call", send: smol_side::send, receive: smol_side::receive },
    #[cfg(feature = "peers")]
    Side {
        name: "monoio, epoll, one a call",
        send: monoio_side::send_by_epoll,
        receive: monoio_side::receive_by_epoll,
    },
    #[cfg(feature = "peers")]
    Side {
        name: "monoio, io_uring, one a call",
        send: monoio_side::send_by_uring,
        receive: monoio_side::receive_by_uring,
    },
];

/// What the command line asks for.
struct Args {
    plan: Plan,
    repeats: usize,
    side: String,
    rows: bool,
}

fn main() -> ExitCode {
    match parse().map_err(io::Error::other).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("udp_stream: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Args, lexopt::Error> {
    let mut args = Args {
        plan: Plan { datagrams: 400_000, size: 1200 },
        repeats: 7,
        side: String::new(),
        rows: false,
    };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("repeats") => args.repeats = parser.value()?.parse::<usize>()?.max(1),
            Arg::Long("datagrams") => args.plan.datagrams = parser.value()?.parse()?,
            Arg::Long("size") => args.plan.size = parser.value()?.parse()?,
            Arg::Long("side") => args.side = parser.value()?.string()?,
            Arg::Long("rows") => args.rows = true,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    if !(stream::LEAST_SIZE..=stream::MOST_SIZE).contains(&args.plan.size) {
        return Err(format!("--size {}?\n{USAGE}", args.plan.size).into());
    }
    Ok(args)
}

fn run(args: &Args) -> io::Result<()> {
    let sides: Vec<&Side> = SIDES.iter().filter(|side| side.name.contains(&args.side)).collect();
    let mut runs: Vec<Vec<Run>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.repeats {
        for (side, runs) in sides.iter().zip(&mut runs) {
            runs.push(stream::run(&args.plan, side.send, side.receive)?);
        }
    }
    if args.rows {
        print_rows(&sides, &runs);
    } else {
        print_table(args, &sides, &runs);
    }
    Ok(())
}

/// Every repeat, for programs to read.
fn print_rows(sides: &[&Side], runs: &[Vec<Run>]) {
    for (side, runs) in sides.iter().zip(runs) {
        for run in runs {
            println!("{}\trate\t{}", side.name, run.rate());
            println!("{}\tlost_percent\t{}", side.name, run.lost_percent());
        }
    }
}

fn print_table(args: &Args, sides: &[&Side], runs: &[Vec<Run>]) {
    let Plan { datagrams, size } = args.plan;
    println!("{datagrams} datagrams of {size} B, {} repeats (medians)", args.repeats);
    println!(
        "{:<28} {:>12} {:>10} {:>10} {:>7} {:>11} {:>11}  against",
        "side", "received/s", "least", "most", "lost %", "calls/sent", "calls/recvd"
    );
    let median = |runs: &[Run], value: fn(&Run) -> f64| {
        stats::median(&runs.iter().map(value).collect::<Vec<_>>())
    };
    let reference = sides.iter().position(|side| side.name == REFERENCE);
    let reference = reference.map(|index| median(&runs[index], Run::rate));
    for (side, runs) in sides.iter().zip(runs) {
        let rates: Vec<f64> = runs.iter().map(Run::rate).collect();
        let calls = |value: fn(&Run) -> f64| match median(runs, value) {
            0.0 => "-".to_owned(),
            calls => format!("{calls:.3}"),
        };
        let rate = stats::median(&rates);
        let ratio = reference.map_or(String::new(), |it| format!("{:.2} x {REFERENCE}", rate / it));
        println!(
            "{:<28} {rate:>12.0} {:>10.0} {:>10.0} {:>7.2} {:>11} {:>11}  {ratio}",
            side.name,
            stats::percentile(&rates, 0.0),
            stats::percentile(&rates, 100.0),
            median(runs, Run::lost_percent),
            calls(Run::calls_a_sent),
            calls(Run::calls_a_received),
        );
    }
}
