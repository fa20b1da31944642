//! Rounds of echo servers under the generator's load: rate, latencies, processor time.

use std::io;

use edgewake_bench::generator::{self, Results};
use edgewake_bench::os::process::{self, Placement, Signal, Standing};
use edgewake_bench::server::ServerCommand;

use super::{Plan, Sink};
use crate::catalog::{How, Load, Scenario};
use crate::contenders::{self, BY_HAND, CONTENDERS, Contender};
use crate::rows::Row;

/// How long the hand-written server is loaded in a round; the others do as many operations.
const SECONDS: f64 = 0.35;
const QUICK_SECONDS: f64 = 0.1;
/// The ports of closed connections are not free for a minute.
const MOST_CONNECTIONS: u64 = 12_000;

/// Scenarios with the operations of a run, and the servers.
#[derive(Debug)]
pub(super) struct Loads {
    scenarios: Vec<(&'static Scenario, Load, u64)>,
    servers: Vec<(&'static Contender, ServerCommand)>,
}

impl Loads {
    pub(super) fn new(plan: &Plan, sink: &mut Sink) -> io::Result<Self> {
        let mut scenarios = Vec::new();
        for scenario in plan.of_kind(|how| matches!(how, How::Load(_))) {
            if let How::Load(load) = scenario.how {
                scenarios.push((scenario, load, 0));
            }
        }
        let mut loads = Self { scenarios, servers: Vec::new() };
        if loads.scenarios.is_empty() {
            return Ok(loads);
        }
        for contender in CONTENDERS {
            let command = contender.command(&plan.examples);
            for (scenario, ..) in &loads.scenarios {
                if let Err(error) = &command {
                    sink.failed(scenario.name, contender.name, error)?;
                } else if let Some(why) = contenders::refuses(contender, scenario) {
                    sink.leave_out(scenario.name, contender.name, why)?;
                }
            }
            loads.servers.extend(command.ok().map(|command| (contender, command)));
        }
        loads.calibrate(plan, sink)?;
        Ok(loads)
    }

    /// How many operations the hand-written server does in the time of a run.
    fn calibrate(&mut self, plan: &Plan, sink: &mut Sink) -> io::Result<()> {
        let seconds = if plan.quick { QUICK_SECONDS } else { SECONDS };
        let reference = self.servers.iter().find(|(it, _)| it.name == BY_HAND);
        let (_, server) = reference.ok_or_else(|| io::Error::other("no hand-written server"))?;
        let server = server.clone();
        for (scenario, load, operations) in &mut self.scenarios {
            sink.progress.say(&format!("{}: how many operations?", scenario.name));
            let trial = 2_000.max(4 * (load.connections * load.depth) as u64);
            let (results, _) = measure(plan, &server, load, trial)?;
            *operations = ((results.rate * seconds) as u64).max(trial);
            if load.churn {
                *operations = (*operations).min(MOST_CONNECTIONS);
            }
        }
        Ok(())
    }

    pub(super) fn round(&mut self, plan: &Plan, sink: &mut Sink, round: usize) -> io::Result<()> {
        for (scenario, load, operations) in &self.scenarios {
            for turn in 0..self.servers.len() {
                let (contender, server) = &self.servers[(round + turn) % self.servers.len()];
                let who = contender.name;
                if sink.is_out(scenario.name, who) {
                    continue;
                }
                sink.progress.say(&format!("round {}, {}: {who}", round + 1, scenario.name));
                let server = server.variant(who, contender.for_size(load.size));
                match measure(plan, &server, load, *operations) {
                    Ok(measured) => add(sink, scenario.name, who, round, measured)?,
                    Err(error) => sink.failed(scenario.name, who, &error)?,
                }
            }
        }
        Ok(())
    }
}

fn add(
    sink: &mut Sink,
    scenario: &str,
    who: &str,
    round: usize,
    (results, cpu_us): (Results, f64),
) -> io::Result<()> {
    for (metric, value) in [
        ("rate", results.rate),
        ("p50_us", results.p50_us),
        ("p99_us", results.p99_us),
        ("cpu_us", cpu_us),
    ] {
        sink.add(&Row::value(scenario, metric, who, round, value))?;
    }
    Ok(())
}

/// One server, one load; the results, and microseconds of the server's processor time an operation,
/// its accepts and the warm-up included.
fn measure(
    plan: &Plan,
    command: &ServerCommand,
    load: &Load,
    operations: u64,
) -> io::Result<(Results, f64)> {
    let on = |core| Placement { core: Some(core), standing: Standing::Normal };
    let server = command.start(load.transport, &[], on(plan.server_core()))?;
    let warmup = if load.churn { 0 } else { operations / 10 };
    let mut arguments = Vec::new();
    for (flag, value) in [
        ("--connections", load.connections.to_string()),
        ("--messages", operations.to_string()),
        ("--warmup", warmup.to_string()),
        ("--size", load.size.to_string()),
        ("--mode", if load.churn { "churn" } else { "echo" }.to_owned()),
    ] {
        arguments.extend([flag.to_owned(), value]);
    }
    if load.depth > 1 {
        arguments.extend(["--depth".to_owned(), load.depth.to_string()]);
    }
    let before = process::processor_time(server.pid())?;
    let results = generator::run(server.target(), &arguments, on(0))?;
    let processor = process::processor_time(server.pid())? - before;
    server.stop(Signal::Interrupt)?;
    Ok((results, processor * 1e6 / (operations + warmup) as f64))
}
