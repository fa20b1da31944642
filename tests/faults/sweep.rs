//! The sweep: a scenario is run again and again, and each time one more of its system calls says
//! something else that it can say, until none is left.
//!
//! After each run: it has ended, nothing has panicked, its own checks of every byte held, an error
//! is the one that went in, no descriptor, task or registration is left, and the same loop serves a
//! new connection. Then it is run once more for each of its await points, and dropped there.
//!
//! Every run has a thread of its own: what a thread keeps for later is gone with it.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt::{self, Write as _},
    future::{Future, poll_fn},
    io::{self, Write as _},
    pin::pin,
    sync::OnceLock,
    task::Poll,
    time::Duration,
};

use edgewake::{
    JoinHandle, Runtime,
    net::{TcpListener, TcpStream},
    spawn_local,
    time::timeout,
    yield_now,
};
use edgewake_sys::faults::{Action, Installed, Plan, install};
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    os,
    support::{alone, deadline, eventually},
};

/// How the parts of a run ended.
pub(crate) type Outcomes = Vec<io::Result<()>>;

/// How long a run may take before it counts as hung.
const LONG: Duration = Duration::from_secs(20);

/// Something that a program does, all on one thread.
pub(crate) struct Scenario {
    name: &'static str,
    run: fn(&Runtime) -> Outcomes,
    /// It moves bytes, and no messages that a short count would cut off.
    streams: bool,
    swept: OnceLock<Report>,
}

/// What a sweep has found to strike.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Faults survived, by the name of the call.
    survived: BTreeMap<&'static str, usize>,
    /// The calls of the longest run.
    pub(crate) calls: u64,
    /// Await points at which it was dropped.
    pub(crate) abandoned: u64,
}

impl Report {
    pub(crate) fn faults(&self) -> usize {
        self.survived.values().sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (faults, calls, abandoned) = (self.faults(), self.calls, self.abandoned);
        write!(f, "survived {faults} faults of {calls} calls, dropped at {abandoned} awaits (")?;
        for (index, (name, count)) in self.survived.iter().enumerate() {
            write!(f, "{}{name} {count}", if index == 0 { "" } else { ", " })?;
        }
        f.write_char(')')
    }
}

thread_local! {
    /// Tasks that are neither done nor dropped.
    static TASKS: Cell<usize> = const { Cell::new(0) };
    /// How often the run may wait before it is dropped.
    static WAITS_LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// Drives a scenario's future. Panics where it hangs. No outcome if it was dropped on its way.
pub(crate) fn drive(runtime: &Runtime, future: impl Future<Output = Outcomes>) -> Outcomes {
    runtime.block_on(async {
        let mut run = pin!(timeout(LONG, future));
        let outcome = poll_fn(|cx| match run.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => {
                let left = WAITS_LEFT.get().saturating_sub(1);
                WAITS_LEFT.set(left);
                if left == 0 { Poll::Ready(None) } else { Poll::Pending }
            }
        });
        match outcome.await {
            Some(outcome) => outcome.expect("the scenario hangs"),
            None => Vec::new(),
        }
    })
}

/// A task that counts as leaked while it is neither done nor dropped; dropping this aborts it.
pub(crate) struct Task<T>(JoinHandle<T>);

struct Alive;

impl Drop for Alive {
    fn drop(&mut self) {
        TASKS.set(TASKS.get() - 1);
    }
}

pub(crate) fn task<T: 'static>(future: impl Future<Output = T> + 'static) -> Task<T> {
    TASKS.set(TASKS.get() + 1);
    let alive = Alive;
    Task(spawn_local(async move {
        let _alive = alive;
        future.await
    }))
}

impl<T> Task<T> {
    /// What became of it; `None` if it was aborted.
    pub(crate) async fn outcome(&mut self) -> Option<T> {
        match (&mut self.0).await {
            Ok(output) => Some(output),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_cancelled) => None,
            },
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A client, and a server in a task. Where the client fails the server is given up: it may be
/// waiting for a connection that was never made.
pub(crate) async fn both(
    client: impl Future<Output = io::Result<()>>,
    server: impl Future<Output = io::Result<()>> + 'static,
) -> Outcomes {
    let mut server = task(server);
    let client = client.await;
    if client.is_err() && !server.0.is_finished() {
        server.0.abort();
    }
    let server = server.outcome().await.unwrap_or(Ok(()));
    vec![client, server]
}

/// Polls a future once and drops it.
pub(crate) async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Awaits a future, but drops it where it has to wait, and makes and awaits it again: what was on
/// its way to it must not be lost with it.
macro_rules! dropped_once {
    ($future:expr) => {
        match $crate::sweep::once($future).await {
            Some(output) => output,
            None => $future.await,
        }
    };
}
pub(crate) use dropped_once;

/// Says which run it was if that panics.
struct Case {
    plan: Option<Installed>,
    what: String,
}

impl Case {
    fn text(&self) -> String {
        let struck = self.plan.as_ref().map(|plan| (plan.struck(), plan.done(), plan.counted()));
        format!("{}: {struck:?}", self.what)
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Where the message is lost, the panic still fails the test.
            let _unwritable: io::Result<()> = writeln!(io::stderr(), "in {}", self.text());
        }
    }
}

/// Whether the library deals with it, so that nobody above learns of it.
fn is_absorbed(call: &str, action: Action) -> bool {
    use os::errno::{EAGAIN, EINTR, EINVAL, ENOSYS, EPERM};
    match action {
        Action::Fail(EINTR) | Action::Later(EAGAIN) => true,
        Action::Fail(errno) => match call {
            "accept" | "accept4" => true,
            "epoll_pwait2" => [ENOSYS, EPERM].contains(&errno),
            "splice" | "sendfile" => [EINVAL, ENOSYS, EPERM].contains(&errno),
            _ => false,
        },
        Action::Later(_) => false,
        _ => true,
    }
}

/// What the plan did in a run: nothing; or there was such a call, with or without an answer left.
enum Struck {
    NoCall(u64),
    NoAnswer,
    Call(&'static str),
}

impl Scenario {
    pub(crate) const fn new(name: &'static str, run: fn(&Runtime) -> Outcomes) -> Scenario {
        Scenario { name, run, streams: false, swept: OnceLock::new() }
    }

    /// A scenario whose transfers may come short as well.
    pub(crate) const fn of_streams(name: &'static str, run: fn(&Runtime) -> Outcomes) -> Scenario {
        Scenario { name, run, streams: true, swept: OnceLock::new() }
    }

    /// Sweeps, the first time that it is asked. Prints the result past the test harness, which
    /// would keep it to itself.
    pub(crate) fn sweep(&'static self) -> &'static Report {
        self.swept.get_or_init(|| {
            let _alone = alone();
            // Makes what the process keeps for good.
            self.warm_up();
            let mut report = Report::default();
            self.strike_all(&mut report);
            if self.streams {
                for most in [1, 1000] {
                    self.shorten_all(most, &mut report);
                }
            }
            self.abandon_all(&mut report);
            writeln!(io::stdout(), "{}: {report}", self.name).expect("a standard output");
            report
        })
    }

    fn warm_up(&'static self) {
        deadline(|| {
            let runtime = Runtime::new().expect("no plan is installed");
            judge(None, &(self.run)(&runtime), self.name);
        });
    }

    fn strike_all(&'static self, report: &mut Report) {
        for nth in 1.. {
            for index in 0.. {
                match self.once(nth, Action::Answer(index)) {
                    Struck::Call(call) => *report.survived.entry(call).or_default() += 1,
                    Struck::NoAnswer => break,
                    Struck::NoCall(counted) => {
                        report.calls = report.calls.max(counted);
                        return;
                    }
                }
            }
        }
    }

    fn shorten_all(&'static self, most: usize, report: &mut Report) {
        for nth in 1.. {
            match self.once(nth, Action::Short(most)) {
                Struck::Call(call) => *report.survived.entry(call).or_default() += 1,
                Struck::NoAnswer | Struck::NoCall(_) => return,
            }
        }
    }

    fn abandon_all(&'static self, report: &mut Report) {
        for waits in 1.. {
            let before = settled();
            let reached = deadline(move || {
                WAITS_LEFT.set(waits);
                let _case = Case { plan: None, what: format!("{} dropped at {waits}", self.name) };
                let runtime = Runtime::new().expect("no plan is installed");
                drop((self.run)(&runtime));
                let reached = WAITS_LEFT.replace(u64::MAX) == 0;
                aftermath(&runtime);
                reached
            });
            all_closed(before, &format!("{} dropped at {waits}", self.name));
            if !reached {
                return;
            }
            report.abandoned = waits;
        }
    }

    /// One run, its `nth` call struck.
    fn once(&'static self, nth: u64, action: Action) -> Struck {
        let before = settled();
        let (struck, what) = deadline(move || {
            let plan = install(Plan { call: None, nth, action });
            let what = format!("{}, call {nth}, {action:?}", self.name);
            let mut case = Case { plan: Some(plan), what };
            let runtime = Runtime::new();
            let outcomes = match &runtime {
                Ok(runtime) => (self.run)(runtime),
                Err(error) => vec![Err(copy(error))],
            };
            let what = case.text();
            let plan = case.plan.take().expect("it was put there");
            let (struck, done, counted) = (plan.struck(), plan.done(), plan.counted());
            drop(plan);
            case.what = what.clone();
            judge(struck.zip(done), &outcomes, &what);
            if let Ok(runtime) = &runtime {
                aftermath(runtime);
            }
            let struck = match struck {
                Some(call) => Struck::Call(call),
                None if counted >= nth => Struck::NoAnswer,
                None => Struck::NoCall(counted),
            };
            (struck, what)
        });
        all_closed(before, &what);
        struck
    }
}

fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Whether the outcomes are what the plan has earned.
fn judge(struck: Option<(&'static str, Action)>, outcomes: &Outcomes, what: &str) {
    let failed = outcomes.iter().any(|outcome| outcome.is_err());
    let told = |errno| {
        let is_it = |error: &io::Error| error.raw_os_error() == Some(errno);
        outcomes.iter().any(|outcome| outcome.as_ref().is_err_and(is_it))
    };
    match struck {
        None => assert!(!failed, "an error out of nothing: {what}: {outcomes:?}"),
        Some((call, action)) if is_absorbed(call, action) => {
            assert!(!failed, "an error where there need be none: {what}: {outcomes:?}");
        }
        Some((_, Action::Fail(errno) | Action::Later(errno))) => {
            assert!(!failed || told(errno), "another error: {what}: {outcomes:?}");
        }
        Some(_) => unreachable!("all others are absorbed"),
    }
}

/// What has to hold after any run, with no plan installed any more.
fn aftermath(runtime: &Runtime) {
    runtime.block_on(async {
        for _ in 0..4 {
            yield_now().await;
        }
    });
    assert_eq!(TASKS.get(), 0, "tasks of the scenario are left");
    let left = runtime.metrics();
    let left = (left.tasks_alive, left.sources, left.timers_pending);
    assert_eq!(left, (0, 0, 0), "tasks, sources, or timers are left");
    let served = runtime.block_on(timeout(LONG, serve_another()));
    served.expect("the next connection hangs").expect("the next connection fails");
    #[cfg(all(target_os = "linux", edgewake_selector = "epoll"))]
    assert_eq!(registrations(runtime), 1, "more is registered than the notifier");
}

async fn serve_another() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?);
    let ((mut server, _), mut client) = futures::try_join!(listener.accept(), client)?;
    let mut bytes = [0; 5];
    futures::try_join!(server.read_exact(&mut bytes), client.write_all(b"hello"))?;
    assert_eq!(&bytes, b"hello");
    drop(client);
    assert_eq!(server.read(&mut bytes).await?, 0);
    Ok(())
}

/// Waits until as many descriptors are open as before. One of another thread, which has just woken
/// the runtime, may be the last to let go of its selector.
#[track_caller]
fn all_closed(before: usize, what: &str) {
    eventually(&format!("no descriptor left, or lost: {what}"), || settled() == before);
}

/// How many descriptors are open once no thread of a runtime's pool is left: such a thread lets go
/// of the selector as its last act, after the runtime has.
fn settled() -> usize {
    eventually("the threads of the pools end", || !is_pool_running());
    descriptors()
}

fn is_pool_running() -> bool {
    // Without it the first count of a sweep may have some that are about to be closed.
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return false };
    threads.flatten().any(|thread| {
        // One that has ended meanwhile has no name.
        let name = std::fs::read_to_string(thread.path().join("comm"));
        name.is_ok_and(|name| name.starts_with("edgewake-pool"))
    })
}

/// How many descriptors this process has open.
fn descriptors() -> usize {
    match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) if cfg!(target_os = "linux") => entries.count(),
        _ => os::open_descriptors(),
    }
}

/// How many registrations the runtime's epoll holds.
#[cfg(all(target_os = "linux", edgewake_selector = "epoll"))]
fn registrations(runtime: &Runtime) -> usize {
    use std::os::fd::{AsFd, AsRawFd};
    let path = format!("/proc/self/fdinfo/{}", runtime.as_fd().as_raw_fd());
    let info = std::fs::read_to_string(path).expect("proc is mounted");
    info.lines().filter(|line| line.starts_with("tfd:")).count()
}
