//! tokio under the workloads: its current-thread runtime.

use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::{Operation, Side, wake, workload};

pub(crate) const SIDE: Side = Side { name: "tokio", measure, sleeps };

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn measure(operation: Operation, count: usize) -> io::Result<Option<f64>> {
    let runtime = runtime()?;
    Ok(Some(match operation {
        Operation::SpawnJoin => {
            runtime.block_on(workload::spawn_join(count, || tokio::spawn(async {})))
        }
        Operation::Yield => runtime.block_on(workload::yields(count, |yields| {
            tokio::spawn(workload::yielder(yields, yield_now))
        })),
        Operation::Wake => runtime.block_on(wake::pairs(count, tokio::spawn)),
        Operation::WakeAcross => {
            let mut outcome = Ok(());
            let run = |answer| outcome = runtime.block_on(async { tokio::spawn(answer).await });
            let each = wake::across(count, run)?;
            outcome?;
            each
        }
        Operation::TimerInsert => timers(&runtime, count).insert,
        Operation::TimerCancel => timers(&runtime, count).cancel,
    }))
}

/// Entered, so that `sleep` finds its driver; in no task, so without a budget.
fn timers(runtime: &Runtime, count: usize) -> workload::Timers {
    let _context = runtime.enter();
    workload::timers(count, sleep)
}

fn sleeps(count: usize) -> io::Result<Vec<Duration>> {
    Ok(runtime()?.block_on(workload::sleeps(count, sleep)))
}
