//! Takes the snapshot of a runtime's counters.

use std::time::Duration;

use super::scheduler::Shared;
use crate::metrics::{Metrics, difference};

impl Shared {
    /// Takes three locks, one after the other and for a moment each: of the injection queue, the
    /// timers and the table of sources. None is held where a user's code runs.
    pub(super) fn metrics(&self) -> Metrics {
        let driver = &*self.driver;
        let (counters, elsewhere, below) = (&self.counters, &self.elsewhere, driver.counters());
        let time =
            |nanoseconds| driver.measures_time().then_some(Duration::from_nanos(nanoseconds));
        let spawned = counters.spawns.get() + elsewhere.spawns.get();
        let queued = counters.local_wakes.get() + counters.admissions.get();
        Metrics {
            turns: below.turns.get(),
            events: below.events.get().saturating_sub(driver.reactor().kicks()),
            spurious_events: driver.reactor().spurious_events(),
            polls: counters.polls.get(),
            local_wakes: counters.local_wakes.get() + counters.root_wakes.get(),
            remote_wakes: elsewhere.wakes.get(),
            notifier_writes: driver.kicks(),
            timer_fires: below.timer_fires.get(),
            tasks_spawned: spawned,
            tasks_alive: difference(spawned, counters.completions.get()),
            // What is in the queue at the end is dropped, not polled.
            run_queue: if self.is_closed() { 0 } else { difference(queued, counters.polls.get()) },
            injection_queue: self.inject.len(),
            timers_pending: driver.timers().pending(),
            sources: driver.reactor().live(),
            time_busy: time(below.busy.get()),
            time_waiting: time(below.waiting.get()),
        }
    }
}
