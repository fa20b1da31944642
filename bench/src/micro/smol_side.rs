//! smol under the workloads: a `LocalExecutor` under `block_on`; its timers need neither.

use std::io;
use std::time::Duration;

use smol::future::yield_now;
use smol::{LocalExecutor, Timer};

use super::{Operation, Side, wake, workload};

pub(crate) const SIDE: Side = Side { name: "smol", measure, sleeps };

fn measure(operation: Operation, count: usize) -> io::Result<Option<f64>> {
    let executor = LocalExecutor::new();
    Ok(Some(match operation {
        Operation::SpawnJoin => {
            let spawning = workload::spawn_join(count, || executor.spawn(async {}));
            smol::block_on(executor.run(spawning))
        }
        Operation::Yield => {
            let yielding = workload::yields(count, |yields| {
                executor.spawn(workload::yielder(yields, yield_now))
            });
            smol::block_on(executor.run(yielding))
        }
        Operation::Wake => {
            let waking = wake::pairs(count, |player| executor.spawn(player));
            smol::block_on(executor.run(waking))
        }
        Operation::WakeAcross => wake::across(count, |answer| {
            smol::block_on(executor.run(executor.spawn(answer)));
        })?,
        Operation::TimerInsert => workload::timers(count, Timer::after).insert,
        Operation::TimerCancel => workload::timers(count, Timer::after).cancel,
    }))
}

fn sleeps(count: usize) -> io::Result<Vec<Duration>> {
    let executor = LocalExecutor::new();
    Ok(smol::block_on(executor.run(workload::sleeps(count, Timer::after))))
}
