//! One turn: a selector, the sources registered with it, a wheel of timers, and the flag that
//! tells other threads whether they have to kick.
//!
//! # A turn
//!
//! 1. `parked = true`.
//! 2. Look again at the queues of the caller (`more`) and at the wheel, then derive the timeout:
//!    zero if anything is there, else until the earliest deadline.
//! 3. `select`. `EINTR` is absorbed: it is an empty batch.
//! 4. `parked = false`; every event sets readiness and wakes, with no lock held. So does, after
//!    them, the second look at a new connection (`reactor::source::looks`); a turn that owes one
//!    does not wait.
//! 5. Advance the wheel, and wake, unless step 2 found that nothing is due and an event came first:
//!    then the next step 2 looks, so that a busy loop reads the clock once a turn and not twice. No
//!    clock is read while the wheel is empty.
//!
//! The other side pushes first, then asks `parked` (a fence between), and notifies only if it took
//! the flag from true to false. So either step 2 sees what was pushed, or the pusher sees the flag:
//! see `parked`, and its model in loom.
//!
//! A turn that does not wait ([`Driver::look`]) publishes nothing: its caller looks at the queues
//! again before it waits.
//!
//! It holds the pool of threads for what can only block, which starts none before it is used.
//!
//! Used by the runtime. [`context`] is how sockets and timers find the driver of their thread, and
//! holds the counter of the task budget.

pub(crate) mod budget;
pub(crate) mod context;
mod parked;
#[cfg_attr(
    not(all(feature = "net", feature = "time")),
    allow(dead_code, reason = "each of the two uses a part of it")
)]
mod timers;

#[cfg(all(test, edgewake_loom))]
mod loom;
#[cfg(all(test, not(edgewake_loom)))]
mod tests;

use std::{
    io,
    task::Waker,
    time::{Duration, Instant},
};

use edgewake_sys::{Events, Notifier, Token, is_interrupted, probe};

use self::parked::Parked;
#[cfg(feature = "time")]
pub(crate) use self::timers::TimerState;
pub(crate) use self::timers::{TimerKey, Timers};
use crate::{
    blocking::OnDemand,
    choice,
    metrics::{DriverCounters, SharedCounter, Stopwatch},
    reactor::{Dispatcher, Reactor, wake_all, wake_each},
    sync::Arc,
};

/// The notifier's token: no slot has it.
const NOTIFIER: Token = Token(u64::MAX);

/// How many events one `select` takes; what does not fit comes with the next one.
const EVENTS_PER_TURN: usize = 1024;

/// What all threads may touch of a driver.
#[derive(Debug)]
pub(crate) struct Shared {
    reactor: Arc<Reactor>,
    timers: Timers,
    parked: Parked,
    notifier: Notifier,
    blocking: OnDemand,
    counters: DriverCounters,
    /// By whatever thread.
    kicks: SharedCounter,
    measures_time: bool,
    /// Where a model waits for a kick: in the kernel it would wait for real.
    #[cfg(all(test, edgewake_loom))]
    pub(crate) kicked: ::loom::sync::Notify,
}

impl Shared {
    pub(crate) fn blocking(&self) -> &OnDemand {
        &self.blocking
    }

    pub(crate) fn reactor(&self) -> &Arc<Reactor> {
        &self.reactor
    }

    pub(crate) fn counters(&self) -> &DriverCounters {
        &self.counters
    }

    /// How often the notifier was used.
    pub(crate) fn kicks(&self) -> u64 {
        self.kicks.get()
    }

    /// Whether busy and waiting time are counted.
    pub(crate) fn measures_time(&self) -> bool {
        self.measures_time
    }

    /// Called after something was pushed that the driver's thread has to see: kicks it, if it is
    /// waiting or about to.
    pub(crate) fn unpark(&self) {
        if self.parked.take() {
            self.kick();
        }
    }

    #[cold]
    fn kick(&self) {
        #[cfg(all(test, edgewake_loom))]
        self.kicked.notify();
        loop {
            match self.notifier.notify(self.reactor.selector()) {
                Err(error) if is_interrupted(&error) => {}
                Ok(()) => return self.kicks.increment(),
                Err(_) => {
                    // No kernel documents another error for these calls on descriptors that are
                    // open. Should one come, the flag goes back, so that the next push tries
                    // again, rather than trusting a kick that was never given.
                    return self.parked.publish();
                }
            }
        }
    }
}

#[cfg_attr(
    not(all(feature = "net", feature = "time")),
    allow(dead_code, reason = "each of the two uses a part of it")
)]
impl Shared {
    pub(crate) fn timers(&self) -> &Timers {
        &self.timers
    }

    /// Inserts a timer, and kicks the driver if it may be waiting for a later one (T73). `None`
    /// once it has shut down: nothing would ever fire.
    #[inline]
    pub(crate) fn insert_timer(&self, deadline: Instant, waker: Waker) -> Option<TimerKey> {
        self.kick_for(self.timers.insert(deadline, waker))
    }

    /// Moves a timer to another deadline; its waker stays. `None` if it has gone.
    pub(crate) fn reset_timer(&self, key: TimerKey, deadline: Instant) -> Option<TimerKey> {
        self.kick_for(self.timers.reset(key, deadline))
    }

    #[inline]
    fn kick_for(&self, inserted: Option<(TimerKey, bool)>) -> Option<TimerKey> {
        let (key, kick) = inserted?;
        if kick {
            self.unpark();
        }
        Some(key)
    }
}

/// The right to turn: owned by one thread at a time.
#[derive(Debug)]
pub(crate) struct Driver {
    shared: Arc<Shared>,
    dispatcher: Dispatcher,
    events: Events,
    /// Reused between turns; empty outside of one.
    fired: Vec<Waker>,
    /// If any.
    busy_poll: Option<Duration>,
    stopwatch: Option<Stopwatch>,
}

impl Driver {
    pub(crate) fn new(
        busy_poll: Duration,
        measures_time: bool,
        blocking: OnDemand,
    ) -> io::Result<Driver> {
        let reactor = Arc::new(Reactor::new()?);
        let notifier = Notifier::new(reactor.selector(), NOTIFIER)?;
        let timers = Timers::new();
        let entry = notifier.entry().map(|(fd, interest)| (fd, NOTIFIER, interest));
        let shared = Arc::new(Shared {
            reactor: Arc::clone(&reactor),
            timers,
            parked: Parked::new(),
            notifier,
            blocking,
            counters: DriverCounters::default(),
            kicks: SharedCounter::default(),
            measures_time,
            #[cfg(all(test, edgewake_loom))]
            kicked: ::loom::sync::Notify::new(),
        });
        let events = Events::with_capacity(EVENTS_PER_TURN);
        let busy_poll = Some(busy_poll).filter(|patience| !patience.is_zero());
        let stopwatch = measures_time.then(Stopwatch::new);
        // The last: nothing has to drop it half-way.
        let dispatcher = Dispatcher::new(reactor).with_notifier(entry);
        Ok(Driver { shared, dispatcher, events, fired: Vec::new(), busy_poll, stopwatch })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// One turn. Waits as long as it takes, not at all if `more` says that there is work, which is
    /// asked after `parked` is published.
    ///
    /// # Errors
    ///
    /// What the selector returns, `EINTR` excepted: only a defect of this library or of the
    /// process (a closed descriptor) causes one.
    #[inline(always)]
    pub(crate) fn turn(&mut self, more: impl Fn() -> bool) -> io::Result<()> {
        self.dispatcher.catch_up();
        if self.dispatcher.has_looks() {
            return self.look_now();
        }
        if self.busy_poll.is_some() && self.spin(&more)? {
            self.deliver(false);
            return Ok(());
        }
        self.shared.parked.publish();
        choice::moment("parked");
        if more() {
            return self.turn_for_more();
        }
        choice::moment("nothing to do");
        let next = self.shared.timers.until_next();
        choice::moment("about to wait");
        let outcome = self.select(next);
        choice::moment("awake");
        self.shared.parked.retract();
        choice::moment("not parked");
        outcome?;
        // Nothing was due just now.
        self.deliver(next != Some(Duration::ZERO));
        Ok(())
    }

    /// The rest of a turn for which there was work after all.
    #[cold]
    fn turn_for_more(&mut self) -> io::Result<()> {
        let outcome = self.select_apart(Some(Duration::ZERO));
        self.shared.parked.retract();
        outcome?;
        self.deliver(false);
        Ok(())
    }

    /// A turn that does not wait.
    ///
    /// # Errors
    ///
    /// As for [`turn`](Self::turn).
    pub(crate) fn look(&mut self) -> io::Result<()> {
        self.dispatcher.catch_up();
        self.look_now()
    }

    /// Also where somebody who was not registered is to be looked at soon.
    fn look_now(&mut self) -> io::Result<()> {
        self.select_apart(Some(Duration::ZERO))?;
        self.deliver(false);
        Ok(())
    }

    /// Sets readiness, fires timers, wakes. `early`: no timer was due before the wait.
    ///
    /// Never inlined: of a function with several callers the compiler would make several copies of
    /// the dispatch, and call its loop from each.
    #[inline(never)]
    fn deliver(&mut self, early: bool) {
        self.shared.counters.turns.add(1);
        self.shared.counters.events.add(self.events.len() as u64);
        let eventful = !self.events.is_empty();
        if eventful && self.dispatcher.dispatch(&self.events, NOTIFIER) > 0 {
            self.drain_notifier();
        }
        if self.dispatcher.has_looks() {
            self.dispatcher.look();
        }
        if self.shared.timers.may_be_due() && !(early && eventful) {
            self.fire_timers();
        }
    }

    #[cold]
    fn fire_timers(&mut self) {
        self.shared.timers.advance(&mut self.fired);
        if !self.fired.is_empty() {
            probe::timer_fire(self.fired.len() as u64);
            self.shared.counters.timer_fires.add(self.fired.len() as u64);
        }
        wake_each(&mut self.fired);
    }

    #[cold]
    fn drain_notifier(&self) {
        while let Err(error) = self.shared.notifier.drain() {
            if !is_interrupted(&error) {
                // The kick has done its work: this thread is awake. A pipe that could not be
                // emptied stays readable and is drained at the next kick.
                return;
            }
        }
    }

    /// Busy polling: looks at the kernel and the queues without waiting for as long as the builder
    /// was told. True once there is something to do.
    #[inline(never)]
    fn spin(&mut self, more: &impl Fn() -> bool) -> io::Result<bool> {
        let Some(busy_poll) = self.busy_poll else { return Ok(false) };
        let start = choice::now();
        loop {
            self.select_apart(Some(Duration::ZERO))?;
            let due = || self.shared.timers.until_next() == Some(Duration::ZERO);
            if !self.events.is_empty() || more() || due() {
                return Ok(true);
            }
            if choice::now() - start >= busy_poll {
                return Ok(false);
            }
            std::hint::spin_loop();
        }
    }

    /// The thread begins to run the loop.
    pub(crate) fn begin(&mut self) {
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.skip();
        }
    }

    /// It stops, for now.
    pub(crate) fn end(&mut self) {
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.charge(&self.shared.counters.busy);
        }
    }

    #[inline(always)]
    fn select(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if self.stopwatch.is_some() { self.select_timed(timeout) } else { self.ask(timeout) }
    }

    /// For all but the turn that waits: one text of it is enough for them.
    #[inline(never)]
    fn select_apart(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.select(timeout)
    }

    #[cold]
    fn select_timed(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.end();
        let outcome = self.ask(timeout);
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.charge(&self.shared.counters.waiting);
        }
        outcome
    }

    #[inline(always)]
    fn ask(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        probe::turn_begin();
        let outcome = self.shared.reactor.selector().select(&mut self.events, timeout);
        probe::turn_end(self.events.len() as u64);
        match outcome {
            // T72: the batch is empty then; the caller derives its deadline anew.
            Err(error) if is_interrupted(&error) => Ok(()),
            outcome => outcome,
        }
    }

    /// Ends the service: waiters of sources get an error, those of timers are woken, closures that
    /// no thread has taken are dropped.
    pub(crate) fn shut(&mut self) {
        self.dispatcher.shut();
        self.shared.blocking.shut();
        wake_all(self.shared.timers.shut());
    }

    /// When the next timer fires.
    pub(crate) fn until_next_timer(&self) -> Option<Duration> {
        self.shared.timers.until_next()
    }

    /// For a foreign loop that is about to wait on this driver's descriptor: publishes
    /// that a push must kick. False if there is work already (`more`), and nothing is published.
    pub(crate) fn park_outside(&mut self, more: impl Fn() -> bool) -> bool {
        self.dispatcher.catch_up();
        if self.dispatcher.has_looks() {
            return false;
        }
        self.shared.parked.publish();
        choice::moment("parked");
        let idle = !more();
        choice::moment("nothing to do");
        if !idle {
            self.shared.parked.retract();
        }
        idle
    }
}
