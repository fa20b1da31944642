//! monoio under the workloads, on both of its drivers, with its timers.
//!
//! It has no `yield_now`: a future that wakes itself, which is smol's, does the same. Its wakers
//! cross threads with its feature `sync` only, which this package's `monoio-sync` turns on.

use std::io;
use std::time::Duration;

use monoio::time::sleep;
use monoio::{Driver, IoUringDriver, LegacyDriver, Runtime, RuntimeBuilder};
use smol::future::yield_now;

use super::{Operation, Side, wake, workload};

/// On epoll, which monoio calls its legacy driver.
pub(crate) const EPOLL: Side = Side {
    name: "monoio epoll",
    measure: |operation, count| {
        let runtime = RuntimeBuilder::<LegacyDriver>::new().enable_timer().build()?;
        measure(runtime, operation, count)
    },
    sleeps: |count| {
        let runtime = RuntimeBuilder::<LegacyDriver>::new().enable_timer().build()?;
        sleeps(runtime, count)
    },
};

/// On io_uring.
pub(crate) const URING: Side = Side {
    name: "monoio uring",
    measure: |operation, count| {
        let runtime = RuntimeBuilder::<IoUringDriver>::new().enable_timer().build()?;
        measure(runtime, operation, count)
    },
    sleeps: |count| {
        let runtime = RuntimeBuilder::<IoUringDriver>::new().enable_timer().build()?;
        sleeps(runtime, count)
    },
};

fn measure(
    mut runtime: Runtime<impl Driver>,
    operation: Operation,
    count: usize,
) -> io::Result<Option<f64>> {
    Ok(Some(match operation {
        Operation::SpawnJoin => {
            runtime.block_on(workload::spawn_join(count, || monoio::spawn(async {})))
        }
        Operation::Yield => runtime.block_on(workload::yields(count, |yields| {
            monoio::spawn(workload::yielder(yields, yield_now))
        })),
        Operation::Wake => runtime.block_on(wake::pairs(count, monoio::spawn)),
        Operation::WakeAcross if !cfg!(feature = "monoio-sync") => return Ok(None),
        Operation::WakeAcross => wake::across(count, |answer| {
            runtime.block_on(async { monoio::spawn(answer).await });
        })?,
        Operation::TimerInsert => timers(runtime, count).insert,
        Operation::TimerCancel => timers(runtime, count).cancel,
    }))
}

fn timers(mut runtime: Runtime<impl Driver>, count: usize) -> workload::Timers {
    runtime.block_on(async { workload::timers(count, sleep) })
}

fn sleeps(mut runtime: Runtime<impl Driver>, count: usize) -> io::Result<Vec<Duration>> {
    Ok(runtime.block_on(workload::sleeps(count, sleep)))
}
