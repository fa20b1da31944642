//! A channel made by hand: a queue and a waker under a lock, of the kind that loses a wake-up
//! wherever the loop does. Its ends may be on any thread.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

struct State<T> {
    items: VecDeque<T>,
    room: usize,
    receiver: Option<Waker>,
    /// Those that found no room.
    senders: Vec<Waker>,
    senders_left: usize,
}

pub(crate) struct Sender<T>(Arc<Mutex<State<T>>>);
pub(crate) struct Receiver<T>(Arc<Mutex<State<T>>>);

pub(crate) fn channel<T>(room: usize) -> (Sender<T>, Receiver<T>) {
    let state = State {
        items: VecDeque::new(),
        room,
        receiver: None,
        senders: Vec::new(),
        senders_left: 1,
    };
    let state = Arc::new(Mutex::new(state));
    (Sender(Arc::clone(&state)), Receiver(state))
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Sender<T> {
    /// Sends, past the limit: from another thread, which cannot wait.
    pub(crate) fn send_now(&self, item: T) {
        let waker = {
            let mut state = lock(&self.0);
            state.items.push_back(item);
            state.receiver.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Waits for room. Dropped while it waits, it has sent nothing.
    pub(crate) async fn send(&self, item: T) {
        let mut item = Some(item);
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if state.items.len() >= state.room {
                state.senders.push(cx.waker().clone());
                return Poll::Pending;
            }
            state.items.extend(item.take());
            let waker = state.receiver.take();
            drop(state);
            waker.into_iter().for_each(Waker::wake);
            Poll::Ready(())
        })
        .await;
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        lock(&self.0).senders_left += 1;
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = lock(&self.0);
            state.senders_left -= 1;
            state.receiver.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<T> Receiver<T> {
    /// The next item, or `None` once there is no sender. Dropped while it waits, it has taken
    /// nothing.
    pub(crate) async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if let Some(item) = state.items.pop_front() {
                let senders = std::mem::take(&mut state.senders);
                drop(state);
                senders.into_iter().for_each(Waker::wake);
                return Poll::Ready(Some(item));
            }
            if state.senders_left == 0 {
                return Poll::Ready(None);
            }
            state.receiver = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}
