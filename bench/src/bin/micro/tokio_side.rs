//! tokio under the workloads: its current-thread runtime, a new one each repeat.

use std::io;

use tokio::task::yield_now;
use tokio::time::sleep;

use crate::workload::{self, Figure};

pub(crate) fn measure() -> io::Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut figures = runtime.block_on(async {
        let joined = workload::spawn_join(|| tokio::spawn(async {})).await;
        let yielded = workload::yields(|| tokio::spawn(workload::yielder(yield_now))).await;
        vec![joined, yielded]
    });
    {
        // Entered, so that `sleep` finds its driver; in no task, so without a budget.
        let _context = runtime.enter();
        figures.extend(workload::timers(sleep));
    }
    figures.extend(runtime.block_on(workload::lateness(sleep)));
    Ok(figures)
}
