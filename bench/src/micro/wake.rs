//! The workloads of wake-ups: tasks that wake one another, and a thread that wakes a task.
//!
//! Both are futures written by hand that keep the waker of their first poll, so that what is timed
//! is the library's wake-up and poll, and no channel's. A task's waker wakes it as long as it lives.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::workload::each;

/// Pairs of tasks that wake each other. Many, for the same reason as there are many yielders.
const PAIRS: usize = 32;

/// One of two tasks that take turns: it passes the turn on and wakes the other, so often.
#[derive(Debug)]
pub(crate) struct Player {
    table: Arc<Table>,
    me: usize,
    left: usize,
}

/// What the two players share.
#[derive(Debug)]
struct Table {
    turn: AtomicUsize,
    wakers: [OnceLock<Waker>; 2],
}

impl Player {
    fn pair(turns: usize) -> [Self; 2] {
        let wakers = [OnceLock::new(), OnceLock::new()];
        let table = Arc::new(Table { turn: AtomicUsize::new(0), wakers });
        [0, 1].map(|me| Self { table: Arc::clone(&table), me, left: turns })
    }
}

impl Future for Player {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (me, other) = (self.me, 1 - self.me);
        self.table.wakers[me].get_or_init(|| cx.waker().clone());
        // Acquire: partner of the other player's Release, so that its turn is over.
        if self.table.turn.load(Ordering::Acquire) != me {
            return Poll::Pending;
        }
        self.left -= 1;
        // Release: partner of the other player's Acquire.
        self.table.turn.store(other, Ordering::Release);
        // Who has not been polled yet will be, and finds the turn its own.
        if let Some(waker) = self.table.wakers[other].get() {
            waker.wake_by_ref();
        }
        if self.left == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Runs pairs of players, each a task of `spawn`. Nanoseconds for a wake-up and its poll.
pub(crate) async fn pairs<J: Future>(count: usize, spawn: impl Fn(Player) -> J) -> f64 {
    let turns = count.div_ceil(2 * PAIRS);
    let players: Vec<Player> = (0..PAIRS).flat_map(|_| Player::pair(turns)).collect();
    let mut handles = Vec::with_capacity(players.len());
    let start = Instant::now();
    handles.extend(players.into_iter().map(spawn));
    for handle in handles {
        handle.await;
    }
    each(start.elapsed(), 2 * PAIRS * turns)
}

/// A task that a thread wakes: it answers each number by the same, and unparks the thread.
#[derive(Debug)]
pub(crate) struct Answer {
    bell: Arc<Bell>,
    ringer: Thread,
    last: usize,
}

/// What the task and the thread share.
#[derive(Debug, Default)]
struct Bell {
    rung: AtomicUsize,
    answered: AtomicUsize,
    waker: OnceLock<Waker>,
}

impl Future for Answer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.bell.waker.get().is_none() {
            self.bell.waker.get_or_init(|| cx.waker().clone());
            self.ringer.unpark();
        }
        // Acquire: partner of the ringer's Release. That stands before its wake-up, so a number
        // that is missed here is seen by the poll of that wake-up.
        let rung = self.bell.rung.load(Ordering::Acquire);
        // Relaxed: this task alone writes it.
        if rung != self.bell.answered.load(Ordering::Relaxed) {
            // Release: partner of the ringer's Acquire, which looks again when it is unparked.
            self.bell.answered.store(rung, Ordering::Release);
            self.ringer.unpark();
        }
        if rung == self.last { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Has a thread wake the task that `run` runs to its end, and wait for its answer, `count` times.
/// Nanoseconds for both ways.
pub(crate) fn across(count: usize, run: impl FnOnce(Answer)) -> io::Result<f64> {
    let bell = Arc::new(Bell::default());
    let rings = Arc::clone(&bell);
    let thread = thread::Builder::new().name("ringer".into()).spawn(move || ring(&rings, count))?;
    run(Answer { bell, ringer: thread.thread().clone(), last: count });
    let elapsed = thread.join().map_err(|_| io::Error::other("the ringer panicked"))?;
    Ok(each(elapsed, count))
}

fn ring(bell: &Bell, count: usize) -> Duration {
    let waker = loop {
        match bell.waker.get() {
            Some(waker) => break waker,
            None => thread::park(),
        }
    };
    let start = Instant::now();
    for number in 1..=count {
        // Release: partner of the task's Acquire.
        bell.rung.store(number, Ordering::Release);
        waker.wake_by_ref();
        // Acquire: partner of the task's Release.
        while bell.answered.load(Ordering::Acquire) != number {
            thread::park();
        }
    }
    start.elapsed()
}
