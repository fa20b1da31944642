//! A future with a deadline: a `Sleep` beside it, and whichever is ready first decides.
//!
//! It is made of `futures`' combinators, which know how to pin what they hold, so that this module
//! needs neither `unsafe` nor an allocation. They also hold the future once, where an `async`
//! block that pins what it was given holds it twice. The price is a type without a name.

use std::{convert::Infallible, error::Error, fmt, future::Future, io, time::Duration};

use futures::future::{FutureExt, try_join};

use super::{
    Instant,
    sleep::{Sleep, sleep, sleep_until},
};

/// Gives a future a limited time to complete.
///
/// Returns what the future returns, or [`Elapsed`] once `duration` has passed, counted from this
/// call. The future is polled first, also at the first poll: if it is ready then, it wins even
/// over a `duration` of zero. Out of time, it is dropped before `Elapsed` is returned.
///
/// # Cancel safety
///
/// Dropping it drops the future, and takes the timer off. To go on with a future after its time
/// was up, pass `&mut future`, pinned.
///
/// # Errors
///
/// [`Elapsed`]. The `?` operator turns it into an [`io::Error`] of the kind
/// [`TimedOut`](io::ErrorKind::TimedOut) where one is returned.
///
/// # Panics
///
/// Where [`Sleep`](Sleep#panics) does, but only if the future is not ready at the first poll.
///
/// # Platform notes
///
/// See [`Sleep`](Sleep#platform-notes) for the precision.
///
/// # Examples
///
/// ```
/// use std::{future::pending, io};
/// use edgewake::time::{Duration, timeout};
///
/// let runtime = edgewake::Runtime::new()?;
/// runtime.block_on(async {
///     let answer = timeout(Duration::from_secs(60), async { 42 }).await?;
///     assert_eq!(answer, 42);
///
///     let late = timeout(Duration::from_millis(1), pending::<()>()).await;
///     assert!(late.is_err());
///     Ok::<(), io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[inline]
#[track_caller]
pub fn timeout<F: IntoFuture>(
    duration: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    race(future.into_future(), sleep(duration))
}

/// Gives a future until a deadline to complete; [`timeout`] says the rest.
///
/// # Cancel safety
///
/// Dropping it drops the future, and takes the timer off.
///
/// # Errors
///
/// [`Elapsed`].
///
/// # Panics
///
/// Where [`Sleep`](Sleep#panics) does, but only if the future is not ready at the first poll.
///
/// # Platform notes
///
/// See [`Sleep`](Sleep#platform-notes) for the precision.
///
/// # Examples
///
/// ```
/// use edgewake::time::{Duration, Elapsed, Instant, timeout_at};
///
/// let runtime = edgewake::Runtime::new()?;
/// let both = runtime.block_on(async {
///     // One deadline for all the steps.
///     let deadline = Instant::now() + Duration::from_secs(60);
///     let first = timeout_at(deadline, async { 1 }).await?;
///     let second = timeout_at(deadline, async { 2 }).await?;
///     Ok::<i32, Elapsed>(first + second)
/// });
/// assert_eq!(both, Ok(3));
/// # Ok::<(), std::io::Error>(())
/// ```
#[inline]
#[track_caller]
pub fn timeout_at<F: IntoFuture>(
    deadline: Instant,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    race(future.into_future(), sleep_until(deadline))
}

/// Polls the future, then the sleep, until one is ready.
///
/// `try_join` polls in this order and ends at the first error, so being ready is the "error" of
/// both here, and there is no other outcome.
#[inline]
fn race<F: Future>(future: F, sleep: Sleep) -> impl Future<Output = Result<F::Output, Elapsed>> {
    let completed = future.map(|output| Err::<Infallible, _>(Ok(output)));
    let elapsed = sleep.map(|()| Err::<Infallible, _>(Err(Elapsed(()))));
    try_join(completed, elapsed).map(|outcome| match outcome {
        Ok((never, _)) => match never {},
        Err(first) => first,
    })
}

/// The error of [`timeout`]: the time was up before the future was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deadline has passed")
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    #[inline]
    fn from(elapsed: Elapsed) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}
