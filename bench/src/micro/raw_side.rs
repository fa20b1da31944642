//! The kernel alone: `epoll_pwait2` with a timeout and nothing registered, and an eventfd as the
//! one thing that wakes a task. The sleep is late by the thread's timer slack, 50 us by default
//! (`PR_SET_TIMERSLACK`), like that of every library but those that wait for a timerfd.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use super::{Operation, SLEEP, Side, wake};
use crate::os::epoll::{self, Epoll, Events};
use crate::os::event::EventFd;

pub(crate) const SIDE: Side = Side { name: "raw epoll", measure, sleeps };

fn measure(operation: Operation, count: usize) -> io::Result<Option<f64>> {
    if operation != Operation::WakeAcross {
        return Ok(None);
    }
    let mut outcome = Ok(());
    let each = wake::across(count, |answer| outcome = block_on(answer))?;
    outcome.map(|()| Some(each))
}

/// Wakes by writing to the eventfd.
struct Notify(EventFd);

impl Wake for Notify {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It fails when the counter is full, and then it is readable already.
        self.0.add(1).unwrap_or_default();
    }
}

/// Polls one future whenever the eventfd is written to. Edge-triggered, so that nothing has to be
/// read: every write is an event.
fn block_on(future: impl Future<Output = ()>) -> io::Result<()> {
    let notify = Arc::new(Notify(EventFd::new()?));
    let epoll = Epoll::new()?;
    epoll.add(notify.0.as_fd(), epoll::IN | epoll::ET, 0)?;
    let waker = Waker::from(notify);
    let mut context = Context::from_waker(&waker);
    let mut events = Events::with_capacity(1);
    let mut future = pin!(future);
    while future.as_mut().poll(&mut context).is_pending() {
        match epoll.wait(&mut events, -1) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn sleeps(count: usize) -> io::Result<Vec<Duration>> {
    let epoll = Epoll::new()?;
    let mut events = Events::with_capacity(1);
    let mut lasted = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        let mut left = SLEEP;
        // Interrupted is what the end of an io_uring in this process may make of a wait.
        while let Err(error) = epoll.wait_precise(&mut events, left) {
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
            left = SLEEP.saturating_sub(start.elapsed());
        }
        lasted.push(start.elapsed());
    }
    Ok(lasted)
}
