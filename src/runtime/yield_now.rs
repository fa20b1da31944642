//! Giving the other tasks a turn.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Lets every other task that is ready run before the current one goes on.
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// ```
/// # let runtime = edgewake::Runtime::new()?;
/// # runtime.block_on(async {
/// for _chunk in 0..10 {
///     // … some work …
///     edgewake::yield_now().await;
/// }
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
