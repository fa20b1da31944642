//! edgewake under the workloads: its current-thread runtime, a new one each repeat.

use std::io;

use edgewake::time::sleep;
use edgewake::{Runtime, spawn, yield_now};

use crate::workload::{self, Figure};

pub(crate) fn measure() -> io::Result<Vec<Figure>> {
    let runtime = Runtime::new()?;
    Ok(runtime.block_on(async {
        let joined = workload::spawn_join(|| spawn(async {})).await;
        let yielded = workload::yields(|| spawn(workload::yielder(yield_now))).await;
        let mut figures = vec![joined, yielded];
        figures.extend(workload::timers(sleep));
        figures.extend(workload::lateness(sleep).await);
        figures
    }))
}
