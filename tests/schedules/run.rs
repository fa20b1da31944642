//! Runs a workload with many seeds. After each run has to hold: it neither hung nor panicked, every
//! task has ended, no task was woken without being polled within a bound, no source, timer or
//! descriptor is left; and the same seed draws and does the same once more. What each workload
//! promises besides, of bytes, messages and time, it asserts itself.

use std::{
    collections::BTreeSet,
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, Once, PoisonError},
    time::{Duration, Instant},
};

use edgewake::{Builder, Runtime, io::pipe, net::UdpSocket};
use edgewake_sys::faults::schedule::{self, Step};
use futures::AsyncWriteExt;

use crate::{
    os,
    support::{deadline, message},
    tracked::{self, Tracked},
};

/// What a workload has to expect of the kernel.
#[derive(Clone, Copy)]
pub(crate) enum Kernel {
    /// What one end has sent the other end has at once: the same seed does the same again.
    Prompt,
    /// What it does depends on more, but on nothing that changes from one run to the next as a
    /// rule: how busy it is, and so may deliver later, within this time; or how large the pieces
    /// are in which it has memory. Of a few more runs of a seed one does the same.
    Mostly(Duration),
    /// It may deliver later, within this time, and then a seed need not do the same again.
    Late(Duration),
}

#[derive(Clone, Copy)]
pub(crate) struct Workload {
    /// That of its test.
    pub(crate) name: &'static str,
    pub(crate) run: fn(),
    pub(crate) kernel: Kernel,
    pub(crate) seeds: u64,
}

/// How many runs more, where the kernel can have done otherwise.
const RUNS_MAX: u32 = 5;

/// One in so many seeds is run a second time, to see whether it does the same.
const REPEATED: u64 = 8;

impl Workload {
    /// Runs all seeds, or those that the environment asks for. Returns what they have drawn and
    /// done, unless it asks for one.
    pub(crate) fn check(self) -> Option<BTreeSet<&'static str>> {
        let started = Instant::now();
        let (first, last) = match (asked("EDGEWAKE_SEED"), asked("EDGEWAKE_SEEDS")) {
            (Some(seed), _) => (seed, seed),
            (None, Some(seeds)) => (1, seeds),
            (None, None) => (1, self.seeds),
        };
        let (seeds, mut count, mut repeated) = (last - first + 1, 0, 0);
        let mut drawn = BTreeSet::new();
        for seed in first..=last {
            let steps = self.once(seed);
            count += steps.len() as u64;
            drawn.extend(steps.iter().map(|(what, _)| *what));
            let repeats = seed % REPEATED == 0 || first == last;
            if repeats && !matches!(self.kernel, Kernel::Late(_)) {
                self.compare(seed, steps);
                repeated += 1;
            }
        }
        let took = started.elapsed();
        writeln!(
            io::stdout(),
            "{}: {seeds} seeds, {count} steps, {repeated} repeated the same, {took:.1?}",
            self.name
        )
        .expect("a standard output");
        assert!(count > 20 * seeds, "the schedules chose nothing: {count} steps");
        (first != last).then_some(drawn)
    }

    /// One run, in a thread of its own: what a thread keeps for later is gone with it. Nothing else
    /// runs meanwhile, for the descriptors of the process are counted.
    fn once(self, seed: u64) -> Vec<Step> {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        static WARM: Once = Once::new();
        WARM.call_once(make_what_is_kept);
        let before = descriptors();
        let (steps, mut outcome) = deadline(move || self.once_here(seed));
        let left = descriptors();
        if outcome.is_ok() && left.len() != before.len() {
            outcome = Err(format!("descriptors are left, or lost: {before:?} became {left:?}"));
        }
        if let Err(what) = outcome {
            let last = &steps[steps.len().saturating_sub(40)..];
            panic!(
                "{name}, seed {seed}: {what}\nIts last steps: {last:?}\nThe same again: \
                 EDGEWAKE_SEED={seed} RUSTFLAGS='{cfgs}' cargo test --test schedules {name}",
                name = self.name,
                cfgs = cfgs()
            );
        }
        steps
    }

    fn once_here(self, seed: u64) -> (Vec<Step>, Result<(), String>) {
        let patience = match self.kernel {
            Kernel::Prompt => Duration::ZERO,
            Kernel::Mostly(patience) | Kernel::Late(patience) => patience,
        };
        let schedule = schedule::install(seed, patience);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            tracked::begin();
            (self.run)();
            tracked::end();
        }));
        (schedule.steps(), outcome.map_err(|panic| message(&*panic)))
    }

    /// Runs a seed again, and some more times where the kernel may have done otherwise, until two
    /// runs do the same.
    fn compare(self, seed: u64, steps: Vec<Step>) {
        let runs = if let Kernel::Mostly(_) = self.kernel { RUNS_MAX } else { 1 };
        let mut before = vec![steps];
        for _ in 0..runs {
            let again = self.once(seed);
            if before.iter().any(|steps| hash(steps) == hash(&again)) {
                return;
            }
            before.push(again);
        }
        let (one, other) = (&before[0], &before[1]);
        let differs = one.iter().zip(other).position(|(one, other)| one != other);
        let at = differs.unwrap_or(one.len().min(other.len()));
        let around = |steps: &[Step]| {
            format!("{:?}", &steps[at.saturating_sub(10)..steps.len().min(at + 5)])
        };
        panic!(
            "{}, seed {seed} does not do the same again from step {at} on:\n{}\n{}",
            self.name,
            around(one),
            around(other)
        );
    }
}

/// Those that this was built with, as the compiler is told.
fn cfgs() -> String {
    let mut cfgs = "--cfg edgewake_faults".to_owned();
    if cfg!(edgewake_kqueue = "fake") {
        cfgs += " --cfg edgewake_kqueue=\"fake\"";
    }
    if cfg!(edgewake_force_pipe) {
        cfgs += " --cfg edgewake_force_pipe";
    }
    cfgs
}

fn hash(steps: &[Step]) -> u64 {
    let mut hasher = DefaultHasher::new();
    steps.hash(&mut hasher);
    hasher.finish()
}

fn asked(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

/// A process that has closed a pipe's sender keeps one to put in its place, and what the kernel
/// knows of segments is asked once.
fn make_what_is_kept() {
    let runtime = Runtime::new().expect("a runtime");
    let (mut sender, _receiver) = pipe::pipe().expect("a pipe");
    runtime.block_on(sender.close()).expect("no error");
    let _known_now = UdpSocket::new_v4().expect("a socket").max_segments();
}

/// The descriptors that this process has open: their names where the system tells, or else how
/// many.
fn descriptors() -> Vec<String> {
    match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) if cfg!(target_os = "linux") => {
            let names = entries.flatten().map(|entry| std::fs::read_link(entry.path()));
            // The listing's own is closed by now.
            names.flatten().map(|name| name.to_string_lossy().into_owned()).collect()
        }
        _ => vec![String::new(); os::open_descriptors()],
    }
}

/// A number below `options` from the seed.
pub(crate) fn draw(options: u64) -> u64 {
    schedule::draw("the test", options)
}

/// True once in so many times.
pub(crate) fn once_in(times: u64) -> bool {
    draw(times) == 0
}

/// A runtime whose settings are drawn.
pub(crate) fn runtime() -> Runtime {
    let mut builder = Builder::new();
    if once_in(3) {
        builder = builder.busy_poll(Duration::from_micros(1 + draw(200)));
    }
    if once_in(2) {
        builder = builder.event_interval(1 + draw(8) as u32);
    }
    builder.build().expect("a runtime")
}

/// Drives a future to its end in a runtime of drawn settings, and looks at what it leaves.
pub(crate) fn drive(future: impl Future<Output = ()>) {
    let runtime = runtime();
    runtime.block_on(Tracked::root(future));
    nothing_left(&runtime);
}

/// What has to hold once every task has ended.
pub(crate) fn nothing_left(runtime: &Runtime) {
    let left = runtime.metrics();
    let left =
        (left.tasks_alive, left.run_queue, left.injection_queue, left.sources, left.timers_pending);
    assert_eq!(left, (0, 0, 0, 0, 0), "tasks, wake-ups, sources or timers are left");
    #[cfg(all(target_os = "linux", edgewake_selector = "epoll"))]
    assert_eq!(registrations(runtime), 1, "more is registered than the notifier");
}

/// How many registrations the runtime's epoll holds.
#[cfg(all(target_os = "linux", edgewake_selector = "epoll"))]
fn registrations(runtime: &Runtime) -> usize {
    use std::os::fd::{AsFd, AsRawFd};
    let path = format!("/proc/self/fdinfo/{}", runtime.as_fd().as_raw_fd());
    let info = std::fs::read_to_string(path).expect("proc is mounted");
    info.lines().filter(|line| line.starts_with("tfd:")).count()
}
