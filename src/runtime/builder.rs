//! The settings of a runtime.

use std::{cell::RefCell, io, marker::PhantomData, time::Duration};

use edgewake_sys::thread::set_timer_slack;

use super::{Core, Runtime, scheduler::Shared};
use crate::{
    blocking::{self, OnDemand},
    driver::Driver,
    sync::Arc,
    task::Local,
};

/// Polls of tasks after which the kernel is asked for events although there is work.
const EVENT_INTERVAL: u32 = 128;

/// Configures and builds a [`Runtime`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let runtime = edgewake::Builder::new()
///     .event_interval(64)
///     .busy_poll(Duration::from_micros(20))
///     .build()?;
/// runtime.block_on(async {});
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing before `build`"]
pub struct Builder {
    event_interval: u32,
    busy_poll: Duration,
    timer_slack: Option<Duration>,
    blocking_threads: usize,
    blocking_keep_alive: Duration,
    measure_time: bool,
}

impl Builder {
    /// Starts from the defaults: `event_interval` 128, no busy polling, the thread's timer slack,
    /// at most 512 threads for blocking work, which end after ten idle seconds.
    pub fn new() -> Builder {
        Builder {
            event_interval: EVENT_INTERVAL,
            busy_poll: Duration::ZERO,
            timer_slack: None,
            blocking_threads: blocking::THREADS,
            blocking_keep_alive: blocking::KEEP_ALIVE,
            measure_time: false,
        }
    }

    /// Sets after how many polls of tasks the kernel is asked for events although there is more to
    /// run. Zero counts as one.
    ///
    /// Less shortens the wait of sockets behind busy tasks, and costs a system call each time.
    pub fn event_interval(mut self, polls: u32) -> Builder {
        self.event_interval = polls.max(1);
        self
    }

    /// Sets for how long the loop looks for events without waiting before it gives the processor
    /// up.
    ///
    /// Waking a sleeping core costs 30 to 60 us on common machines, which is what this saves a
    /// lone connection; it costs a busy processor for that long after each pause.
    pub fn busy_poll(mut self, patience: Duration) -> Builder {
        self.busy_poll = patience;
        self
    }

    /// Sets the timer slack of the thread while it is inside
    /// [`block_on`](Runtime::block_on): by how much the kernel may delay its waits.
    ///
    /// # Platform notes
    ///
    /// Linux and Android (prctl(2) `PR_SET_TIMERSLACK`, 50 us by default);
    /// [`build`](Self::build) fails elsewhere.
    pub fn timer_slack(mut self, slack: Duration) -> Builder {
        self.timer_slack = Some(slack);
        self
    }

    /// Sets how many threads there may be for what can only block: the closures of
    /// [`spawn_blocking`](crate::spawn_blocking), and looking names up. Zero counts as one; 512 by
    /// default.
    ///
    /// None is started before it is needed, and none while an idle one is there. What finds all of
    /// them busy waits in a queue, which has no bound.
    ///
    /// Closures that wait for one another need as many threads as there are of them. A look-up
    /// holds its thread for as long as the system's resolver waits for a name server that does not
    /// answer, tens of seconds.
    pub fn blocking_threads(mut self, most: usize) -> Builder {
        self.blocking_threads = most;
        self
    }

    /// Sets after how long without work such a thread ends. Ten seconds by default.
    ///
    /// Work goes to the thread that was busy last, so those that the load does not need have none,
    /// and end, however steadily it comes.
    pub fn blocking_keep_alive(mut self, idle: Duration) -> Builder {
        self.blocking_keep_alive = idle;
        self
    }

    /// Sets whether the loop measures how long it is busy and how long it waits, which
    /// [`Metrics::time_busy`](crate::Metrics::time_busy) and
    /// [`time_waiting`](crate::Metrics::time_waiting) then tell. Off by default.
    ///
    /// It costs two looks at the clock a turn, some 50 ns on common machines; a loop with a lone
    /// connection makes a turn for each message. Everything else in [`Metrics`](crate::Metrics) is
    /// counted always.
    ///
    /// # Examples
    ///
    /// ```
    /// let runtime = edgewake::Builder::new().measure_time(true).build()?;
    /// runtime.block_on(async { (0..1000).sum::<u64>() });
    /// let metrics = runtime.metrics();
    /// let (busy, waiting) = (metrics.time_busy.unwrap(), metrics.time_waiting.unwrap());
    /// println!("the loop worked for {busy:?} and waited for {waiting:?}");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn measure_time(mut self, on: bool) -> Builder {
        self.measure_time = on;
        self
    }

    /// Builds the runtime.
    ///
    /// # Errors
    ///
    /// - `EMFILE`, `ENFILE`, `ENOMEM`: it takes two descriptors, with the pipe notifier three;
    /// - [`Unsupported`](io::ErrorKind::Unsupported): a timer slack was set on a system without.
    pub fn build(self) -> io::Result<Runtime> {
        if let Some(slack) = self.timer_slack {
            // Set and set back: an unsupported setting fails here, not silently later.
            let before = set_timer_slack(slack)?;
            set_timer_slack(before)?;
        }
        let blocking = OnDemand::new(self.blocking_threads, self.blocking_keep_alive);
        let driver = Driver::new(self.busy_poll, self.measure_time, blocking)?;
        let shared = Arc::new(Shared::new(Arc::clone(driver.shared())));
        let local = Local::new(shared.identity());
        Ok(Runtime {
            shared,
            core: RefCell::new(Core { driver, local }),
            event_interval: self.event_interval,
            timer_slack: self.timer_slack,
            not_send: PhantomData,
        })
    }
}

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}
