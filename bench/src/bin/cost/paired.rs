//! The ratio of request rates, in interleaved rounds.
//!
//! A round starts the baseline, loads it, ends it, and does the same with the server, each pinned
//! to its core with the generator on the other; every second round goes the other way about. What
//! drifts (frequency, neighbours) hits both, so the ratio of a round is steadier than its rates.
//! Both are started anew each round: where a process happens to lie in memory is worth percents,
//! and must be part of the spread, not of the result.

use std::io;

use edgewake_bench::generator::{self, Results};
use edgewake_bench::os::process::{Placement, Standing};
use edgewake_bench::server::ServerCommand;
use edgewake_bench::stats;
use edgewake_bench::target::Transport;

use crate::args::Args;
use crate::table;

pub(crate) fn run(
    args: &Args,
    baseline: &ServerCommand,
    transport: Transport,
    connections: usize,
) -> io::Result<()> {
    warn_if_busy()?;
    table::paired_header(transport, connections, args.rounds);
    let measure = |server: &ServerCommand| measure(args, server, transport, connections);
    for server in &args.servers {
        let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..args.rounds {
            let (reference, subject);
            if round % 2 == 0 {
                reference = measure(baseline)?;
                subject = measure(server)?;
            } else {
                subject = measure(server)?;
                reference = measure(baseline)?;
            }
            ratios.push(subject.rate / reference.rate);
            ours.push(subject);
            theirs.push(reference);
        }
        table::paired_row(baseline.label(), &median_of(&theirs), None);
        table::paired_row(server.label(), &median_of(&ours), Some(stats::estimate(&ratios)));
    }
    if args.servers.is_empty() {
        println!("  (nothing to pair: give a --server)");
    }
    Ok(())
}

fn measure(
    args: &Args,
    server: &ServerCommand,
    transport: Transport,
    connections: usize,
) -> io::Result<Results> {
    let on = |core| Placement { core: Some(core), standing: Standing::Normal };
    let server = server.start(transport, &[], on(args.server_core))?;
    // A lone connection takes a wake-up of two cores an echo: fewer of them take as long.
    let messages = args.messages.unwrap_or(if connections == 1 { 30_000 } else { 100_000 });
    let mut arguments = Vec::new();
    for (flag, value) in [
        ("--connections", connections.to_string()),
        ("--warmup", (messages / 10).to_string()),
        ("--messages", messages.to_string()),
        ("--size", args.size.to_string()),
    ] {
        arguments.extend([flag.to_owned(), value]);
    }
    let results = generator::run(server.target(), &arguments, on(args.generator_core))?;
    server.stop(args.signal)?;
    Ok(results)
}

/// Rates measured beside other work are the other work's; the counts do not mind it.
fn warn_if_busy() -> io::Result<()> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let load: f64 = text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    if load > 0.5 {
        println!("\nthe load average is {load} before the start: expect a wide interval");
    }
    Ok(())
}

fn median_of(runs: &[Results]) -> Results {
    let median =
        |value: fn(&Results) -> f64| stats::median(&runs.iter().map(value).collect::<Vec<_>>());
    Results {
        messages: runs.iter().map(|run| run.messages).sum(),
        rate: median(|run| run.rate),
        p50_us: median(|run| run.p50_us),
        p99_us: median(|run| run.p99_us),
    }
}
