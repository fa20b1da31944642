//! The kernel alone: `epoll_pwait2` with a timeout and nothing registered. No library's sleep can
//! end earlier than this one does.

use std::io;
use std::time::Instant;

use edgewake_bench::os::epoll::{Epoll, Events};

use crate::workload::{self, Figure};

pub(crate) fn measure() -> io::Result<Vec<Figure>> {
    let epoll = Epoll::new()?;
    let mut events = Events::with_capacity(1);
    let mut elapsed = Vec::with_capacity(workload::SLEEPS);
    for _ in 0..workload::SLEEPS {
        let start = Instant::now();
        epoll.wait_precise(&mut events, workload::SLEEP)?;
        elapsed.push(start.elapsed());
    }
    Ok(workload::lateness_figures(&elapsed).into())
}
