//! Ends of tasks: however they are aborted, joined, left alone or dropped with their runtime, by
//! tasks or by another thread, each future is dropped once, each handle learns the end, and each
//! output comes to whoever waits for it.

use std::{
    cell::{Cell, RefCell},
    future::pending,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use edgewake::{JoinHandle, time::sleep, yield_now};
use edgewake_sys::faults::schedule;

use crate::{
    run::{draw, drive, nothing_left, once_in, runtime},
    streams::{again, pause},
    tracked::{self, Tracked, on_another_thread, spawn},
};

pub(crate) fn run() {
    if once_in(3) { dropped_with_the_runtime() } else { drive(joined()) }
}

/// Counts the drops of what belongs to a task.
#[derive(Clone, Default)]
struct Drops(Rc<Cell<u32>>);

impl Drop for Drops {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// What a task does until it ends, if it does.
async fn life(number: u64, drops: Drops, depth: u32) -> u64 {
    for _ in 0..draw(8) {
        match draw(6) {
            0 => sleep(Duration::from_micros(draw(500))).await,
            1 if depth < 3 => {
                let child = tree(number + 100, depth + 1);
                // Awaited, left alone, or aborted at whatever point.
                match draw(3) {
                    0 => assert_eq!(child.await.expect("no panic"), number + 100),
                    1 => drop(child),
                    _ => end(child, number + 100).await,
                }
            }
            _ => yield_now().await,
        }
    }
    if once_in(10) {
        // It is a leaf that only an abort ends.
        aborted_at_once().await;
    }
    drop(drops);
    number
}

/// Waits for ever, but that it is aborted at once.
async fn aborted_at_once() {
    let forever = spawn(pending::<()>());
    let forever = aborted(forever);
    assert!(forever.await.expect_err("it has no end").is_cancelled());
}

fn tree(number: u64, depth: u32) -> JoinHandle<u64> {
    let drops = Drops::default();
    spawn(Box::pin(life(number, drops, depth)) as std::pin::Pin<Box<dyn Future<Output = u64>>>)
}

/// Aborts it, now or a little later, and sees its end.
async fn end(mut task: JoinHandle<u64>, number: u64) {
    pause().await;
    task = aborted(task);
    if once_in(3) {
        return;
    }
    // A join that was given up goes on.
    let polls = draw(3);
    for _ in 0..polls {
        if let Some(ended) = once(&mut task).await {
            return check(ended, number);
        }
        pause().await;
    }
    check(task.await, number);
}

fn check(ended: Result<u64, edgewake::JoinError>, number: u64) {
    match ended {
        Ok(output) => assert_eq!(output, number, "another one's output"),
        Err(ended) => assert!(ended.is_cancelled(), "{ended}"),
    }
}

async fn once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| match std::pin::Pin::new(&mut future).poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

/// Aborts it, here or on the other thread, which gives the handle back.
fn aborted<T: Send + 'static>(task: JoinHandle<T>) -> JoinHandle<T> {
    if once_in(2) {
        task.abort();
        return task;
    }
    let place = Arc::new(Mutex::new(Some(task)));
    let there = Arc::clone(&place);
    on_another_thread(move || {
        let task = there.lock().expect("no panic");
        task.as_ref().expect("it is there").abort();
    });
    let task = place.lock().expect("no panic").take();
    task.expect("it is there")
}

async fn joined() {
    let roots: Vec<_> = (0..1 + draw(5)).map(|number| (number, tree(number, 0))).collect();
    for (number, root) in roots {
        match draw(3) {
            0 => end(root, number).await,
            _ => assert_eq!(root.await.expect("no panic"), number),
        }
    }
    // Those that were left alone end by themselves.
    while edgewake::Handle::current().metrics().tasks_alive > 0 {
        sleep(Duration::from_millis(1)).await;
    }
}

/// The runtime goes while tasks are at whatever point; another thread goes on waking them.
fn dropped_with_the_runtime() {
    let runtime = runtime();
    let handles = Rc::new(RefCell::new(Vec::new()));
    let inside = Rc::clone(&handles);
    runtime.block_on(Tracked::root(async move {
        for number in 0..1 + draw(6) {
            inside.borrow_mut().push((number, tree(number, 0)));
            pause().await;
        }
        let steps = draw(10);
        for _ in 0..steps {
            again(yield_now).await;
        }
    }));
    if once_in(2) {
        runtime.block_on(Tracked::root(async { pause().await }));
    }
    let alive = runtime.metrics().tasks_alive;
    drop(runtime);
    schedule::note("tasks dropped", alive as u64);
    // What their handles say is known at once, in any other runtime.
    let other = crate::run::runtime();
    let handles = handles.take();
    other.block_on(Tracked::root(async move {
        for (number, handle) in handles {
            check(handle.await, number);
        }
    }));
    nothing_left(&other);
    drop(other);
    // There is nobody left to wake.
    tracked::wake_for_nothing();
}
