//! Two loops that another one drives, on one thread: whichever is to turn next is drawn. Each wakes
//! the other's tasks, so that every wake-up comes from elsewhere; and a loop that has gone to sleep
//! with something to do must say so on its descriptor.

use std::{
    cell::Cell,
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use edgewake::{Runtime, time::sleep};
use edgewake_sys::{Events, Interest, Selector, Token, faults::schedule};

use crate::{
    channel::{Receiver, Sender, channel},
    run::{draw, nothing_left, once_in, runtime},
    streams::pause,
    tracked::{self, Tracked, on_another_thread},
};

/// One of the two.
struct Loop {
    runtime: Runtime,
    fd: Arc<OwnedFd>,
    /// It said that it may be left alone for so long.
    rests: Option<Option<Duration>>,
}

pub(crate) fn run() {
    tracked::is_driven_from_outside();
    let mut loops = [Loop::new(), Loop::new()];
    let left = Rc::new(Cell::new(0));
    let (one, other) = (channel(1 + draw(3) as usize), channel(1 + draw(3) as usize));
    let rounds = 1 + draw(12);
    spawn(&loops[0], &left, start(one.0, other.1, rounds));
    spawn(&loops[1], &left, answer(other.0, one.1));
    for _ in 0..draw(3) {
        // With timers, and across in both directions.
        let (send, receive) = channel(1);
        let rounds = draw(6);
        let (from, to) = if once_in(2) { (0, 1) } else { (1, 0) };
        spawn(&loops[from], &left, produce(send, rounds));
        spawn(&loops[to], &left, consume(receive, rounds));
    }
    while left.get() > 0 {
        turn(&mut loops);
    }
    for one in &mut loops {
        // The last wake-ups of what has ended meanwhile.
        while one.runtime.metrics().injection_queue > 0 || one.runtime.metrics().tasks_alive > 0 {
            one.runtime.turn().expect("a turn");
        }
        nothing_left(&one.runtime);
    }
}

fn spawn(on: &Loop, left: &Rc<Cell<u32>>, task: impl Future<Output = ()> + 'static) {
    left.set(left.get() + 1);
    let left = Rc::clone(left);
    drop(on.runtime.spawn_local(Tracked::root(async move {
        task.await;
        left.set(left.get() - 1);
    })));
}

impl Loop {
    fn new() -> Loop {
        let runtime = runtime();
        let fd = runtime.as_fd().try_clone_to_owned().expect("a descriptor to spare");
        Loop { runtime, fd: Arc::new(fd), rests: None }
    }

    /// Whether its descriptor says that it has something to do: asked without a schedule.
    fn is_readable(&self) -> bool {
        let fd = Arc::clone(&self.fd);
        let answer = Arc::new(Mutex::new(false));
        let found = Arc::clone(&answer);
        on_another_thread(move || {
            let (selector, mut events) =
                (Selector::new().expect("a selector"), Events::with_capacity(1));
            selector.register(fd.as_fd(), Token(1), Interest::READABLE).expect("pollable");
            selector.select(&mut events, Some(Duration::ZERO)).expect("no signal comes");
            *found.lock().expect("no panic") = !events.is_empty();
        });
        let found = answer.lock().expect("no panic");
        *found
    }
}

/// One of the two turns: one that has something to do, if any has.
fn turn(loops: &mut [Loop; 2]) {
    let mut willing = Vec::new();
    for (index, one) in loops.iter().enumerate() {
        let is_readable = one.is_readable();
        let waits = one.rests.is_some() && one.runtime.metrics().injection_queue > 0;
        assert!(!waits || is_readable, "loop {index} was not kicked");
        if one.rests.is_none() || is_readable {
            willing.push(index);
        }
    }
    if willing.is_empty() {
        // Both wait: time goes by until the first timer of theirs.
        let waits = loops.iter().filter_map(|one| one.rests.flatten());
        let next = waits.min().unwrap_or_default();
        schedule::pass(next);
        willing = vec![0, 1];
    }
    let index = willing[draw(willing.len() as u64) as usize];
    let one = &mut loops[index];
    let rests = one.runtime.turn().expect("a turn");
    one.rests = (rests != Some(Duration::ZERO)).then_some(rests);
    schedule::note("turned", index as u64);
}

async fn start(send: Sender<u64>, mut receive: Receiver<u64>, rounds: u64) {
    for round in 0..rounds {
        send.send(round).await;
        assert_eq!(receive.next().await, Some(round), "lost between two loops");
        pause().await;
    }
    drop(send);
    assert_eq!(receive.next().await, None);
}

async fn answer(send: Sender<u64>, mut receive: Receiver<u64>) {
    while let Some(number) = receive.next().await {
        pause().await;
        send.send(number).await;
    }
}

async fn produce(send: Sender<u64>, rounds: u64) {
    for round in 0..rounds {
        sleep(Duration::from_micros(draw(5000))).await;
        send.send(round).await;
    }
}

async fn consume(mut receive: Receiver<u64>, rounds: u64) {
    for round in 0..rounds {
        assert_eq!(receive.next().await, Some(round), "lost between two loops");
    }
    assert_eq!(receive.next().await, None);
}
