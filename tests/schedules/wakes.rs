//! Channels made by hand, of tasks and of another thread, which sends at whatever moment of a turn:
//! every message comes once and in order, and whoever waits for the end learns of it.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use edgewake::{Handle, time::sleep, yield_now};
use edgewake_sys::faults::schedule;

use crate::{
    channel::{Receiver, Sender, channel},
    run::{draw, drive, once_in},
    streams::{again, pause},
    timers::is_in_time,
    tracked::{self, on_another_thread, spawn},
};

/// Whose, which, and sent when.
type Message = (usize, u64, Instant);

pub(crate) fn run() {
    drive(async {
        match draw(4) {
            0 => ring().await,
            1 => fan_in().await,
            2 => among_the_busy().await,
            _ => from_another_thread().await,
        }
    });
}

/// A token goes round through several tasks, some times.
async fn ring() {
    let (members, rounds) = (2 + draw(6) as usize, 1 + draw(5));
    let (first, mut last) = channel::<u64>(1);
    let mut tasks = Vec::new();
    for _ in 1..members {
        let (into, next) = channel::<u64>(1);
        let mut from = std::mem::replace(&mut last, next);
        tasks.push(spawn(async move {
            while let Some(token) = receive(&mut from).await {
                pause().await;
                into.send(token).await;
            }
        }));
    }
    for round in 0..rounds {
        first.send(round).await;
        assert_eq!(receive(&mut last).await, Some(round), "the token is lost");
    }
    drop(first);
    assert_eq!(receive(&mut last).await, None);
    for task in tasks {
        task.await.expect("no panic");
    }
}

/// Several send to one, through a channel that is soon full.
async fn fan_in() {
    let senders = 1 + draw(6) as usize;
    let (send, receiver) = channel::<Message>(1 + draw(3) as usize);
    let lengths: Vec<u64> = (0..senders).map(|_| draw(12)).collect();
    let receiver = spawn(collect(receiver, lengths.clone()));
    for (sender, length) in lengths.into_iter().enumerate() {
        let send = send.clone();
        spawn(async move {
            for number in 0..length {
                again(|| send.send((sender, number, schedule::now()))).await;
                pause().await;
            }
        });
    }
    drop(send);
    receiver.await.expect("no panic");
}

/// Tasks that are always ready, until one that now and then has to wait has come to its end: its
/// turn must come (see `Tracked`), and so must the kernel's and the timers'.
async fn among_the_busy() {
    let (send, mut receive) = channel::<u64>(1);
    let done = Rc::new(Cell::new(false));
    let busy: Vec<_> = (0..1 + draw(5))
        .map(|_| {
            let done = Rc::clone(&done);
            spawn(async move {
                while !done.get() {
                    yield_now().await;
                }
            })
        })
        .collect();
    let rounds = 1 + draw(5);
    let sender = spawn(async move {
        for round in 0..rounds {
            sleep(Duration::from_micros(draw(300))).await;
            send.send(round).await;
        }
    });
    for round in 0..rounds {
        assert_eq!(receive.next().await, Some(round), "the token is lost");
    }
    sender.await.expect("no panic");
    done.set(true);
    for one in busy {
        one.await.expect("no panic");
    }
}

/// Another thread sends at moments that the schedule draws; what is left, at the end.
async fn from_another_thread() {
    let (send, receiver) = channel::<Message>(usize::MAX);
    let length = 1 + draw(20);
    let receiver = spawn(collect(receiver, vec![length, length, 1]));
    let sent = Rc::new(Cell::new(0));
    let intruder = {
        let (sent, send, handle) = (Rc::clone(&sent), send.clone(), Handle::current());
        move |_: &'static str| {
            if sent.get() < length && !once_in(3) {
                send_one(&send, &handle, &sent);
            }
        }
    };
    schedule::intrude(intruder);
    for number in 0..length {
        send.send((1, number, schedule::now())).await;
        pause().await;
    }
    // What is sent meanwhile comes before the hour is over.
    sleep(Duration::from_secs(3600)).await;
    schedule::intrude(|_| tracked::wake_for_nothing());
    while sent.get() < length {
        send_one(&send, &Handle::current(), &sent);
        pause().await;
    }
    if once_in(2) {
        drop(send)
    } else {
        on_another_thread(move || drop(send))
    }
    receiver.await.expect("no panic");
}

/// From the other thread; at first also from a task that it spawns.
fn send_one(send: &Sender<Message>, handle: &Handle, sent: &Rc<Cell<u64>>) {
    let (send, number) = (send.clone(), sent.get());
    sent.set(number + 1);
    let message = (0, number, schedule::now());
    if number == 0 {
        let (send, handle) = (send.clone(), handle.clone());
        let message = (2, 0, schedule::now());
        on_another_thread(move || drop(handle.spawn(async move { send.send_now(message) })));
    }
    on_another_thread(move || send.send_now(message));
}

async fn receive(from: &mut Receiver<u64>) -> Option<u64> {
    // Given up, and awaited anew.
    for _ in 0..draw(3) {
        if let Some(ended) = once(from.next()).await {
            return ended;
        }
        pause().await;
    }
    from.next().await
}

async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

/// Receives until nobody sends any more: so many of each, in their order.
async fn collect(mut receiver: Receiver<Message>, lengths: Vec<u64>) {
    let mut next = vec![0; lengths.len()];
    while let Some((sender, number, sent)) = receiver.next().await {
        is_in_time(sent);
        assert_eq!(number, next[sender], "of sender {sender}, one is lost or out of order");
        next[sender] += 1;
    }
    assert_eq!(next, lengths, "messages are lost");
}
