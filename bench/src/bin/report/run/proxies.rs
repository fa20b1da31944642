//! Rounds of proxies: megabytes a second, and the proxy's processor time a gigabyte.

use std::io;

use edgewake_bench::os::process;
use edgewake_bench::proxy::contender::Contender;
use edgewake_bench::proxy::load::Shape;
use edgewake_bench::proxy::measure::{self, Setting};
use edgewake_bench::target::Transport;

use super::{Plan, Sink};
use crate::catalog::{How, Scenario};
use crate::contenders;
use crate::rows::Row;

const BYTES: u64 = 512 << 20;
const QUICK_BYTES: u64 = 128 << 20;

#[derive(Debug)]
pub(super) struct Proxies {
    scenarios: Vec<(&'static Scenario, Setting)>,
    contenders: Vec<(&'static str, Contender)>,
}

impl Proxies {
    pub(super) fn new(plan: &Plan, sink: &mut Sink) -> io::Result<Self> {
        let mut proxies = Self { scenarios: Vec::new(), contenders: Vec::new() };
        for scenario in plan.of_kind(|how| matches!(how, How::Proxy { .. })) {
            if let How::Proxy { message } = scenario.how {
                let setting = Setting {
                    listen: Transport::Tcp,
                    connect: Transport::Tcp,
                    shape: Shape::Sink,
                    connections: 4,
                    bytes: if plan.quick { QUICK_BYTES } else { BYTES },
                    message,
                    core: plan.server_core(),
                };
                proxies.scenarios.push((scenario, setting));
            }
        }
        if proxies.scenarios.is_empty() {
            return Ok(proxies);
        }
        for (who, command) in contenders::proxies(&plan.examples) {
            match command {
                Ok(command) => proxies.contenders.push((who, command)),
                Err(error) => {
                    for (scenario, _) in &proxies.scenarios {
                        sink.failed(scenario.name, who, &error)?;
                    }
                }
            }
        }
        Ok(proxies)
    }

    pub(super) fn round(&self, sink: &mut Sink, round: usize) -> io::Result<()> {
        for (scenario, setting) in &self.scenarios {
            for turn in 0..self.contenders.len() {
                let (who, contender) = &self.contenders[(round + turn) % self.contenders.len()];
                if sink.is_out(scenario.name, who) {
                    continue;
                }
                sink.progress.say(&format!("round {}, {}: {who}", round + 1, scenario.name));
                match pinned(setting, contender) {
                    Ok(run) => {
                        let rate = Row::value(scenario.name, "rate", who, round, run.rate() / 1e6);
                        sink.add(&rate)?;
                        sink.add(&Row::value(scenario.name, "cpu_s_gb", who, round, run.cost()))?;
                    }
                    Err(error) => sink.failed(scenario.name, who, &error)?,
                }
            }
        }
        Ok(())
    }
}

/// Both ends of the flows are threads of this process. A thread of their own starts them, so that
/// they stay on the generator's core and this process's other children do not.
fn pinned(setting: &Setting, contender: &Contender) -> io::Result<measure::Run> {
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            process::pin_to(0)?;
            measure::run(setting, contender)
        });
        load.join().map_err(|_| io::Error::other("the load panicked"))?
    })
}
