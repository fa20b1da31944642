//! Timers and wake-ups: sleeps that end in order and never early, timeouts, intervals, and other
//! threads that wake the loop.

use std::{
    cell::{Cell, RefCell},
    io,
    os::fd::AsFd,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use edgewake::{
    Builder, Runtime, spawn_blocking,
    time::{interval, sleep, timeout},
};
use futures::{StreamExt, channel::mpsc as async_mpsc};

use crate::support::PATIENCE;
use crate::sweep::{Outcomes, Scenario, drive, task};
use edgewake_sys::{Events, Interest, Selector, Token};

pub(crate) static TIMERS: Scenario = Scenario::new("timers", timers);
pub(crate) static WOKEN: Scenario =
    Scenario::new("woken by a thread", |runtime| drive(runtime, async { vec![woken().await] }));
pub(crate) static WAKING: Scenario = Scenario::new("waking a loop", waking);

/// A millisecond, a tick of the coarsest clock here.
const TICK: Duration = Duration::from_millis(1);

fn timers(_: &Runtime) -> Outcomes {
    // A loop of its own, whose slack is set and put back.
    let runtime = match Builder::new().timer_slack(TICK / 20).build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Err(error)],
    };
    drive(&runtime, async {
        let ended = Rc::new(RefCell::new(Vec::new()));
        let start = Instant::now();
        let mut sleeping: Vec<_> = [4, 1, 3, 2, 0]
            .into_iter()
            .map(|ticks| {
                let ended = Rc::clone(&ended);
                task(async move {
                    sleep(TICK * ticks).await;
                    assert!(start.elapsed() >= TICK * ticks, "it ended early");
                    ended.borrow_mut().push(ticks);
                })
            })
            .collect();
        for one in &mut sleeping {
            one.outcome().await.expect("nobody aborts it");
        }
        assert_eq!(ended.borrow().len(), 5, "each once");
        assert!(timeout(TICK, std::future::pending::<()>()).await.is_err());
        assert!(timeout(TICK * 1000, sleep(TICK)).await.is_ok());
        let mut ticks = interval(TICK);
        let first = ticks.tick().await;
        assert!(ticks.tick().await - first >= TICK, "a tick came early");
        vec![Ok(())]
    })
}

const ROUNDS: usize = 5;

/// Another thread sends, whose calls are not struck; the loop's own are.
async fn woken() -> io::Result<()> {
    let (send, mut receive) = async_mpsc::unbounded();
    let (go, went) = mpsc::channel();
    let other = thread::spawn(move || {
        for number in went {
            // The receiver may have been dropped with its future.
            if send.unbounded_send(number).is_err() {
                return;
            }
        }
    });
    for number in 0..ROUNDS {
        go.send(number).expect("it waits");
        assert_eq!(receive.next().await, Some(number), "a wake-up, or its message, is lost");
        let answer = spawn_blocking(move || number * 2).await;
        assert_eq!(answer.expect("it neither panics nor is aborted"), number * 2);
    }
    drop(go);
    other.join().expect("no panic");
    Ok(())
}

/// This thread wakes a loop that waits, its calls struck. The loop is one that is driven from
/// outside, so that it is known to wait; another thread, whose calls are not struck, sees whether
/// its descriptor says so.
fn waking(_: &Runtime) -> Outcomes {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Err(error)],
    };
    let (send, mut receive) = async_mpsc::unbounded::<usize>();
    let got = Rc::new(Cell::new(None));
    let listening = runtime.spawn_local({
        let got = Rc::clone(&got);
        async move {
            while let Some(number) = receive.next().await {
                got.set(Some(number));
            }
        }
    });
    let watch = Watch::over(&runtime);
    let rest = || while runtime.turn().expect("a turn").is_some() {};
    for number in 0..ROUNDS {
        rest();
        send.unbounded_send(number).expect("it receives");
        assert!(watch.is_kicked(), "a wake-up is lost");
        rest();
        assert_eq!(got.take(), Some(number));
        let spawned = Arc::new(AtomicUsize::new(0));
        let inside = Arc::clone(&spawned);
        drop(runtime.handle().spawn(async move { inside.store(1, Ordering::SeqCst) }));
        assert!(watch.is_kicked(), "a task is lost");
        rest();
        assert_eq!(spawned.load(Ordering::SeqCst), 1);
    }
    listening.abort();
    rest();
    vec![Ok(())]
}

/// A thread that watches a runtime's descriptor when it is told to.
struct Watch {
    ask: Option<mpsc::Sender<()>>,
    answer: mpsc::Receiver<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn over(runtime: &Runtime) -> Watch {
        let fd = runtime.as_fd().try_clone_to_owned().expect("a descriptor to spare");
        let (ask, asked) = mpsc::channel();
        let (reply, answer) = mpsc::channel();
        let thread = thread::spawn(move || {
            while asked.recv().is_ok() {
                // A new one, which reports what holds.
                let (selector, mut events) =
                    (Selector::new().expect("a selector"), Events::with_capacity(1));
                selector.register(fd.as_fd(), Token(1), Interest::READABLE).expect("pollable");
                // Less than all patience, so that the message says what is lost.
                selector.select(&mut events, Some(PATIENCE / 3)).expect("no signal comes");
                if reply.send(!events.is_empty()).is_err() {
                    return;
                }
            }
        });
        Watch { ask: Some(ask), answer, thread: Some(thread) }
    }

    fn is_kicked(&self) -> bool {
        self.ask.as_ref().expect("it lives").send(()).expect("it watches");
        self.answer.recv().expect("it answers")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.ask.take());
        let ended = self.thread.take().expect("joined once").join();
        assert!(ended.is_ok() || thread::panicking(), "it has panicked");
    }
}
