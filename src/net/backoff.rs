//! A pause on a timer, where no event tells that trying again would help, and trying again at once
//! would spin: an accept that found no descriptor left (T57), a connect to a full backlog (T56).

mod shared;

use std::{
    task::{Context, Poll},
    time::{Duration, Instant},
};

pub(super) use self::shared::SharedBackoff;
use crate::{
    driver::{self, TimerKey, context},
    sync::Arc,
};

const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1);

/// A pause that doubles from failure to failure.
#[derive(Debug)]
pub(super) struct Backoff {
    pause: Duration,
    longest: Duration,
    timer: Option<(Arc<driver::Shared>, TimerKey)>,
}

impl Backoff {
    /// The pauses of an accept: from 5 ms to a second.
    pub(super) fn new() -> Backoff {
        Backoff::between(SHORTEST, LONGEST)
    }

    pub(super) fn between(shortest: Duration, longest: Duration) -> Backoff {
        Backoff { pause: shortest, longest, timer: None }
    }

    /// Starts the next pause. False where no driver is there to time it.
    pub(super) fn start(&mut self, cx: &Context<'_>) -> bool {
        self.stop();
        let Some(driver) = context::current() else { return false };
        let deadline = Instant::now() + self.pause;
        let Some(key) = driver.insert_timer(deadline, cx.waker().clone()) else { return false };
        self.timer = Some((driver, key));
        self.pause = (self.pause * 2).min(self.longest);
        true
    }

    /// Pending while the pause lasts.
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        match &self.timer {
            Some((driver, key)) if driver.timers().update(*key, cx.waker()) => Poll::Pending,
            _ => {
                self.timer = None;
                Poll::Ready(())
            }
        }
    }

    /// Whether a pause was started whose end nobody has seen yet.
    fn is_running(&self) -> bool {
        self.timer.is_some()
    }

    fn stop(&mut self) {
        if let Some((driver, key)) = self.timer.take() {
            driver.timers().remove(key);
        }
    }
}

impl Drop for Backoff {
    fn drop(&mut self) {
        self.stop();
    }
}
