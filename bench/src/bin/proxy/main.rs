//! Proxies in turns: bytes a second, processor time a gigabyte, and memory an idle flow.
//!
//! Each contender is a program that takes `--listen PLACE --connect PLACE` and prints where it
//! listens. Connections go through it to a sink, or to an echo, in this process; what is measured
//! is the contender's process alone. The hand-written loop takes part always, by both its methods.
//! A round has every contender once, started anew, and the order turns from round to round.

mod args;
mod idle;

use std::io;
use std::process::ExitCode;

use args::Args;
use edgewake_bench::os::process;
use edgewake_bench::proxy::contender::Contender;
use edgewake_bench::proxy::measure::{self, Run};
use edgewake_bench::stats;

fn main() -> ExitCode {
    match args::parse().map_err(io::Error::other).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    process::raise_fd_limit()?;
    // This process and all its threads stay off the proxy's core.
    process::pin_to(args.load_core)?;
    let contenders = args.contenders()?;
    if args.idle > 0 {
        return idle::run(args, &contenders);
    }
    for &message in &args.messages {
        let mut runs: Vec<Vec<Run>> = contenders.iter().map(|_| Vec::new()).collect();
        for round in 0..args.rounds {
            for turn in 0..contenders.len() {
                let index = (round + turn) % contenders.len();
                runs[index].push(measure::run(&args.setting(message), &contenders[index])?);
            }
        }
        print(args, message, &contenders, &runs);
    }
    Ok(())
}

fn print(args: &Args, message: usize, contenders: &[Contender], runs: &[Vec<Run>]) {
    println!(
        "\n{} -> {}, {}, {} connections, writes of {message} B, {} MiB each way, {} rounds",
        args.listen.word(),
        args.connect.word(),
        args.shape.word(),
        args.connections,
        args.bytes >> 20,
        args.rounds
    );
    println!(
        "{:<34} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8}  rate against the first",
        "contender", "MB/s", "least", "most", "CPU s/GB", "least", "most"
    );
    let rates = |index: usize| -> Vec<f64> { runs[index].iter().map(Run::rate).collect() };
    let first = rates(0);
    for (index, contender) in contenders.iter().enumerate() {
        let rates = rates(index);
        let costs: Vec<f64> = runs[index].iter().map(Run::cost).collect();
        let ratios: Vec<f64> = rates.iter().zip(&first).map(|(ours, it)| ours / it).collect();
        let ratio = stats::estimate(&ratios);
        println!(
            "{:<34} {:>8.0} {:>8.0} {:>8.0} {:>9.3} {:>8.3} {:>8.3}  {:.2} ({:.2} to {:.2})",
            contender.label(),
            stats::median(&rates) / 1e6,
            stats::percentile(&rates, 0.0) / 1e6,
            stats::percentile(&rates, 100.0) / 1e6,
            stats::median(&costs),
            stats::percentile(&costs, 0.0),
            stats::percentile(&costs, 100.0),
            ratio.median,
            ratio.low,
            ratio.high
        );
    }
}
