//! edgewake under the workloads: its current-thread runtime.

use std::io;
use std::time::Duration;

use edgewake::time::sleep;
use edgewake::{Runtime, spawn, yield_now};

use super::{Operation, Side, wake, workload};

pub(crate) const SIDE: Side = Side { name: "edgewake", measure, sleeps };

fn measure(operation: Operation, count: usize) -> io::Result<Option<f64>> {
    let runtime = Runtime::new()?;
    Ok(Some(match operation {
        Operation::SpawnJoin => runtime.block_on(workload::spawn_join(count, || spawn(async {}))),
        Operation::Yield => runtime.block_on(workload::yields(count, |yields| {
            spawn(workload::yielder(yields, yield_now))
        })),
        Operation::Wake => runtime.block_on(wake::pairs(count, spawn)),
        Operation::WakeAcross => {
            let mut outcome = Ok(());
            let run = |answer| outcome = runtime.block_on(async { spawn(answer).await });
            let each = wake::across(count, run)?;
            outcome.map_err(io::Error::other)?;
            each
        }
        Operation::TimerInsert => timers(&runtime, count).insert,
        Operation::TimerCancel => timers(&runtime, count).cancel,
    }))
}

fn timers(runtime: &Runtime, count: usize) -> workload::Timers {
    runtime.block_on(async { workload::timers(count, sleep) })
}

fn sleeps(count: usize) -> io::Result<Vec<Duration>> {
    Ok(Runtime::new()?.block_on(workload::sleeps(count, sleep)))
}
