//! The pause of an operation that failed for want of something of which no edge tells: on a timer,
//! since trying again at once would spin.
//!
//! An accept that found no descriptor left (T57; freeing one gives no edge, measured on Linux
//! 6.18), a send that found the device's queue full (T45), a connect to a full backlog (T56), the
//! opening of a FIFO that nobody reads.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use crate::{
    choice,
    driver::{self, TimerKey, context},
    sync::Arc,
};

const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1);

/// A queue of packets drains in milliseconds, and nobody has to do anything for it.
const SHORTEST_BRIEF: Duration = Duration::from_millis(1);
const LONGEST_BRIEF: Duration = Duration::from_millis(50);

/// A pause that doubles from failure to failure.
#[derive(Debug)]
pub(crate) struct Backoff {
    pause: Duration,
    longest: Duration,
    timer: Option<(Arc<driver::Shared>, TimerKey)>,
}

impl Backoff {
    /// The pauses of an accept: from 5 ms to a second.
    pub(crate) fn new() -> Backoff {
        Backoff::between(SHORTEST, LONGEST)
    }

    /// With pauses for what passes by itself and soon.
    pub(crate) fn brief() -> Backoff {
        Backoff::between(SHORTEST_BRIEF, LONGEST_BRIEF)
    }

    pub(crate) fn between(shortest: Duration, longest: Duration) -> Backoff {
        Backoff { pause: shortest, longest, timer: None }
    }

    /// Starts the next pause. False where no driver is there to time it.
    #[cold]
    pub(crate) fn start(&mut self, cx: &Context<'_>) -> bool {
        self.stop();
        let Some(driver) = context::current() else { return false };
        let deadline = choice::now() + self.pause;
        let Some(key) = driver.insert_timer(deadline, cx.waker().clone()) else { return false };
        self.timer = Some((driver, key));
        self.pause = self.pause.saturating_mul(2).min(self.longest);
        true
    }

    /// Pending while the pause lasts.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        match &self.timer {
            Some((driver, key)) if driver.timers().update(*key, cx.waker()) => Poll::Pending,
            _ => {
                self.timer = None;
                Poll::Ready(())
            }
        }
    }

    /// Whether a pause was started whose end nobody has seen yet.
    pub(crate) fn is_running(&self) -> bool {
        self.timer.is_some()
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn stop(&mut self) {
        if let Some((driver, key)) = self.timer.take() {
            driver.timers().remove(key);
        }
    }
}

impl Drop for Backoff {
    fn drop(&mut self) {
        if self.is_running() {
            self.stop();
        }
    }
}
