//! The future of a deadline: it holds an entry of the wheel of one driver.
//!
//! A `Sleep` is in one of three states: `Idle` has no entry, and what its deadline means is
//! found out by the next poll; `Pending` has one, which may have fired meanwhile; `Elapsed` was
//! seen to be over. `reset` leads back to `Idle`, or moves the entry where it stands.
//!
//! # The clock
//!
//! A poll asks the wheel. It reads the clock only if the entry is still there and the driver took
//! no turn since the poll before: a task that never returns to its driver, and polls its timer time
//! and again, sees the deadline pass all the same (T80). The first poll of a
//! `sleep(duration)` reads none, for it was read a moment ago to compute the deadline; should that
//! have passed since, the driver's next turn, which will not wait, fires it.

use std::{
    fmt,
    future::Future,
    mem,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::clock;
use crate::{
    choice,
    driver::{self, TimerKey, TimerState, budget},
    sync::Arc,
};

/// Waits until a duration has passed.
///
/// The duration counts from this call, not from the first poll. Zero is over at once; a duration
/// beyond the range of [`Instant`], as [`Duration::MAX`], is longer than thirty years.
///
/// # Cancel safety
///
/// Dropping the future takes the timer off.
///
/// # Panics
///
/// Making a `Sleep` never panics. [Polling](Sleep#panics) it does outside of a runtime.
///
/// # Platform notes
///
/// See [`Sleep`](Sleep#platform-notes) for the precision.
///
/// # Examples
///
/// ```
/// use edgewake::time::{Duration, Instant, sleep};
///
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let start = Instant::now();
///     sleep(Duration::from_micros(300)).await;
///     assert!(start.elapsed() >= Duration::from_micros(300));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[inline]
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let deadline = clock::after(choice::now(), duration);
    let state = State::Idle { is_ahead: !duration.is_zero() };
    Sleep { deadline, state, made_at: Location::caller() }
}

/// Waits until a deadline is reached. One that has passed is over at the first poll.
///
/// # Cancel safety
///
/// Dropping the future takes the timer off.
///
/// # Panics
///
/// Making a `Sleep` never panics. [Polling](Sleep#panics) it does outside of a runtime.
///
/// # Platform notes
///
/// See [`Sleep`](Sleep#platform-notes) for the precision.
///
/// # Examples
///
/// ```
/// use edgewake::time::{Duration, Instant, sleep_until};
///
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let deadline = Instant::now() + Duration::from_millis(1);
///     // However long the work takes: the next step comes no earlier than the deadline.
///     edgewake::yield_now().await;
///     sleep_until(deadline).await;
///     assert!(Instant::now() >= deadline);
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[inline]
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { deadline, state: State::Idle { is_ahead: false }, made_at: Location::caller() }
}

/// A future that is ready once its deadline is reached, never earlier.
///
/// It can be made anywhere, moved between polls (it is [`Unpin`]) and sent to other threads. The
/// first poll that finds the deadline ahead binds it to the runtime inside which it is polled:
/// that runtime keeps the timer, and wakes the waker of the last poll, whatever task or thread
/// that belongs to, as long as it is itself running. Once over, a `Sleep` stays ready until it is
/// [`reset`](Sleep::reset).
///
/// A task that awaits short or passed deadlines in a loop yields to others now and then: a ready
/// poll counts as an operation of the task's budget.
///
/// # Cancel safety
///
/// Dropping it takes the timer off; awaiting `&mut sleep` keeps it, to go on later.
///
/// # Panics
///
/// A poll panics, and names the place where the `Sleep` was made,
///
/// - outside of an edgewake runtime, where nothing could ever wake it;
/// - if the deadline lies ahead and the runtime it is bound to has been dropped: being ready
///   would be too early, and waiting would be for ever.
///
/// # Platform notes
///
/// The wheel keeps deadlines to the nanosecond, and waiting rounds up to what the kernel offers:
/// nanoseconds with `epoll_pwait2` (Linux 5.11) and with `kevent`, milliseconds on older kernels of
/// Linux and where a sandbox refuses that call. What the kernel makes of it is its own affair:
/// Linux adds the thread's timer slack, 50 microseconds unless
/// [`Builder::timer_slack`](crate::Builder::timer_slack) says otherwise, and a kernel that counts
/// ticks, as NetBSD's of 10 ms, rounds up to one of them.
///
/// Time is that of [`Instant`], which on Linux and macOS stands still while the machine is
/// suspended.
///
/// # Examples
///
/// ```
/// use edgewake::time::{Duration, Instant, sleep};
///
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let mut idle = sleep(Duration::from_secs(3600));
///     // Something happened; the hour begins again.
///     idle.reset(Instant::now() + Duration::from_secs(3600));
///     assert!(!idle.is_elapsed());
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    deadline: Instant,
    state: State,
    made_at: &'static Location<'static>,
}

enum State {
    /// No entry, not known to be over. `is_ahead`: the deadline was derived from the clock just
    /// now, and need not be compared with it again.
    Idle { is_ahead: bool },
    /// An entry in this driver's wheel, unless it has fired.
    Pending { driver: Arc<driver::Shared>, key: TimerKey, seen: u32 },
    /// The deadline was seen to be reached.
    Elapsed,
}

impl Sleep {
    /// The time at which it is over.
    #[inline]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns whether the deadline is reached, by the clock; it need not have been polled.
    #[inline]
    pub fn is_elapsed(&self) -> bool {
        matches!(self.state, State::Elapsed) || self.deadline <= choice::now()
    }

    /// Sets another deadline, earlier or later, also after the first was reached.
    ///
    /// A task that waits for this `Sleep` need not poll it again: its wake-up moves along. That
    /// works from any thread. A `Sleep` that is over waits again from the next poll on, and is
    /// bound anew.
    ///
    /// # Examples
    ///
    /// ```
    /// use edgewake::time::{Duration, Instant, sleep};
    ///
    /// let runtime = edgewake::Runtime::new()?;
    /// runtime.block_on(async {
    ///     let mut sleep = sleep(Duration::ZERO);
    ///     (&mut sleep).await;
    ///     let next = Instant::now() + Duration::from_millis(1);
    ///     sleep.reset(next);
    ///     (&mut sleep).await;
    ///     assert!(Instant::now() >= next);
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        if let State::Pending { driver, key, .. } = &mut self.state {
            if let Some(moved) = driver.reset_timer(*key, deadline) {
                *key = moved;
                return;
            }
            // It has fired: the waker was woken, and the poll that follows inserts it again.
        }
        self.state = State::Idle { is_ahead: false };
    }

    /// Whether the deadline is reached. If not, `waker` will be woken when it is.
    #[inline]
    fn poll_deadline(&mut self, waker: &Waker) -> bool {
        match &mut self.state {
            State::Idle { is_ahead } => {
                let is_ahead = *is_ahead;
                self.start(is_ahead, waker)
            }
            State::Pending { driver, key, seen } => match driver.timers().poll(*key, waker, seen) {
                TimerState::Pending => false,
                TimerState::Unattended => self.look_at_the_clock(),
                TimerState::Fired => {
                    self.state = State::Elapsed;
                    true
                }
                TimerState::Shut => self.outlive_driver(),
            },
            State::Elapsed => true,
        }
    }

    /// The first poll: inserts an entry, if the deadline lies ahead.
    #[inline]
    fn start(&mut self, is_ahead: bool, waker: &Waker) -> bool {
        // Asked for also if the deadline has passed: that a poll outside of a driver panics must
        // not depend on how late it comes.
        let Some(driver) = driver::context::current() else { self.panic_outside() };
        if !is_ahead && self.deadline <= choice::now() {
            self.state = State::Elapsed;
            return true;
        }
        let Some(key) = driver.insert_timer(self.deadline, waker.clone()) else {
            self.panic_shut();
        };
        self.state = State::Pending { driver, key, seen: 0 };
        false
    }

    /// The entry is there, perhaps only because the driver had no turn for a while.
    #[cold]
    fn look_at_the_clock(&mut self) -> bool {
        let reached = self.deadline <= choice::now();
        if reached {
            self.cancel();
        }
        reached
    }

    /// The entry went, at its deadline or when the driver was shut down: the clock knows.
    #[cold]
    fn outlive_driver(&mut self) -> bool {
        if choice::now() < self.deadline {
            self.panic_shut();
        }
        self.state = State::Elapsed;
        true
    }

    /// Takes the entry off, if there is one.
    #[inline]
    fn cancel(&mut self) {
        if let State::Pending { driver, key, .. } = mem::replace(&mut self.state, State::Elapsed) {
            driver.timers().remove(key);
        }
    }

    #[cold]
    fn panic_outside(&self) -> ! {
        panic!(
            "the timer made at {} was polled where no edgewake runtime is running: await it inside \
             `Runtime::block_on` or one of its tasks",
            self.made_at
        )
    }

    #[cold]
    fn panic_shut(&self) -> ! {
        panic!(
            "the timer made at {} can never fire: the edgewake runtime it is bound to was dropped \
             before its deadline",
            self.made_at
        )
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.poll_deadline(cx.waker()) {
            return Poll::Pending;
        }
        // Only what is ready is spent; waiting for hundreds of timers is not an operation. If the
        // budget is used up the state is `Elapsed` all the same, and the next poll finds it so.
        budget::poll_spend(cx)
    }
}

impl Drop for Sleep {
    #[inline]
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Sleep {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let elapsed = self.is_elapsed();
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .field("elapsed", &elapsed)
            .finish_non_exhaustive()
    }
}
