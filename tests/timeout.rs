//! `timeout`: who wins, and that the loser is gone by then.

#![cfg(feature = "time")]

mod support;

use std::{
    error::Error,
    future::{Ready, pending, poll_fn, ready},
    io,
    pin::pin,
    task::Poll,
};

use edgewake::{
    Runtime,
    time::{Duration, Elapsed, Instant, sleep, timeout, timeout_at},
};
use futures::{FutureExt, channel::oneshot};
use support::{Probe, WakeCount, deadline};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Runs `body` in a runtime of its own; a hang fails.
#[track_caller]
fn in_runtime<F: Future<Output = ()>>(body: impl FnOnce() -> F + Send + 'static) {
    deadline(|| Runtime::new().unwrap().block_on(body()));
}

#[test]
fn timeouts_are_as_free_as_their_futures() {
    fn assert_send_and_unpin<T: Send + Sync + Unpin>(_: T) {}
    assert_send_and_unpin(timeout(HOUR, ready(())));
    support::assert_error::<Elapsed>();
    support::assert_send::<Elapsed>();
}

#[test]
fn a_future_in_time_returns_its_output() {
    in_runtime(|| async {
        assert_eq!(timeout(HOUR, ready(1)).await, Ok(1));
        assert_eq!(timeout_at(Instant::now() + HOUR, ready(2)).await, Ok(2));
        let slow = async {
            sleep(2 * MS).await;
            3
        };
        assert_eq!(timeout(HOUR, slow).await, Ok(3));
        struct Promise;
        impl IntoFuture for Promise {
            type Output = i32;
            type IntoFuture = Ready<i32>;

            fn into_future(self) -> Ready<i32> {
                ready(4)
            }
        }
        assert_eq!(timeout(HOUR, Promise).await, Ok(4));
    });
}

#[test]
fn a_late_future_is_given_up_no_earlier_than_said() {
    in_runtime(|| async {
        let start = Instant::now();
        let outcome = timeout(3 * MS, pending::<()>()).await;
        assert!(outcome.is_err());
        assert!(start.elapsed() >= 3 * MS);

        let at = Instant::now() + 3 * MS;
        assert!(timeout_at(at, pending::<()>()).await.is_err());
        assert!(Instant::now() >= at);
        assert!(timeout_at(at, pending::<()>()).await.is_err());
        assert!(timeout(Duration::ZERO, pending::<()>()).now_or_never().unwrap().is_err());
    });
}

/// Goal: a future that is ready wins over a time that is up, at the first poll and later.
#[test]
fn the_future_is_polled_first() {
    in_runtime(|| async {
        let now = Instant::now();
        assert_eq!(timeout_at(now, ready(1)).await, Ok(1));
        assert_eq!(timeout(Duration::ZERO, ready(2)).await, Ok(2));

        let at = Instant::now() + HOUR;
        let mut polls = 0;
        let second = poll_fn(|_| {
            polls += 1;
            if polls == 2 { Poll::Ready(3) } else { Poll::Pending }
        });
        let mut both = timeout_at(at, second);
        let wakes = WakeCount::new();
        assert!(wakes.poll(&mut both).is_pending());
        assert_eq!(wakes.poll(&mut both), Poll::Ready(Ok(3)));
        assert_eq!((wakes.alive(), wakes.wakes()), (0, 0), "the timer was taken off");
    });
}

/// Goal: out of time, the future is dropped before that is reported; and it is dropped once.
#[test]
fn a_late_future_is_dropped_first() {
    in_runtime(|| async {
        let probe = Probe::new();
        let mut late = pin!(timeout(MS, probe.pending()));
        assert!(late.as_mut().await.is_err());
        assert_eq!(probe.seen().future_drops, 1);

        let in_time = Probe::new();
        let output = timeout(HOUR, in_time.ready_after(1, true)).await;
        in_time.expect(2, 1, 0);
        drop(output);
        in_time.expect(2, 1, 1);
    });
}

#[test]
fn dropping_it_drops_the_future_and_the_timer() {
    in_runtime(|| async {
        let (probe, wakes) = (Probe::new(), WakeCount::new());
        let mut both = timeout(HOUR, probe.pending());
        assert!(wakes.poll(&mut both).is_pending());
        assert_eq!(probe.seen().future_drops, 0);
        drop(both);
        probe.expect(1, 1, 0);
        probe.drop_waker();
        assert_eq!((wakes.alive(), wakes.wakes()), (0, 0));
    });
}

/// Goal: a borrowed future goes on after its time was up.
#[test]
fn a_borrowed_future_survives_its_timeout() {
    in_runtime(|| async {
        let (send, receive) = oneshot::channel();
        let mut send = Some(send);
        let mut slow = pin!(receive);
        let mut given_up = 0;
        let output = loop {
            match timeout(MS, slow.as_mut()).await {
                Ok(output) => break output,
                Err(_) => given_up += 1,
            }
            if given_up == 3 {
                send.take().expect("it comes here once").send(7).unwrap();
            }
        };
        assert_eq!((output, given_up), (Ok(7), 3));
    });
}

#[test]
fn the_inner_of_two_timeouts_is_told_apart() {
    in_runtime(|| async {
        let outcome = timeout(HOUR, timeout(MS, pending::<()>())).await;
        assert!(matches!(outcome, Ok(Err(_))));
        let outcome = timeout(MS, timeout(HOUR, pending::<()>())).await;
        assert!(outcome.is_err());
    });
}

// T71. Goal: no timeout is too long.
#[test]
fn t71_the_longest_timeout_does_not_end() {
    in_runtime(|| async {
        let outcome = timeout(Duration::MAX, sleep(2 * MS)).await;
        assert_eq!(outcome, Ok(()));
    });
}

#[test]
fn elapsed_becomes_an_io_error() {
    in_runtime(|| async {
        let fallible = async {
            timeout(MS, pending::<()>()).await?;
            Ok::<(), io::Error>(())
        };
        let error = fallible.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.get_ref().is_some_and(|inner| inner.is::<Elapsed>()));
        let elapsed = timeout(MS, pending::<()>()).await.unwrap_err();
        assert_eq!(elapsed.to_string(), error.to_string());
        assert!(elapsed.source().is_none());
    });
}

/// Goal: the future is held once, beside a timer and little else.
#[test]
fn a_timeout_is_little_larger_than_its_future() {
    let large = [0_u8; 4096];
    let future = async move {
        pending::<()>().await;
        large
    };
    let alone = size_of_val(&future);
    let together = size_of_val(&timeout(HOUR, future));
    assert!(together <= alone + 128, "{alone} bytes became {together}");
}
