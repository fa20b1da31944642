//! The one door to the kernel: every system call of this crate goes through `syscall!`.
//!
//! The macro turns a failed call into the `io::Error` of its `errno` and a success into its value.
//! With `--cfg edgewake_faults` the door can be told to make the Nth call fail, come short, be late
//! or report what is not so (see `faults`); without it, it compiles to the call and one comparison.
//!
//! Called by every module of `sys`, by nothing else. It never retries, `EINTR` included.

use std::{io, os::fd::BorrowedFd};

#[cfg(edgewake_faults)]
pub mod faults;

/// Whether a signal has interrupted the call (signal(7), `EINTR`).
///
/// As much is said by [`kind`](io::Error::kind), which knows every number of every system and is
/// hundreds of bytes wherever it is asked.
#[inline]
pub fn is_interrupted(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINTR)
}

/// Makes one libc call by name: `syscall!(listen(fd, backlog))` is an `io::Result` of its value.
/// `syscall!(module::name(…))` calls the function of that module instead of libc's; a fault plan
/// knows both by the bare name.
///
/// It expands to the bare call, so it stands inside the caller's `unsafe` block, whose `SAFETY`
/// comment answers for the arguments.
macro_rules! syscall {
    ($module:ident :: $name:ident ( $first:expr $(, $argument:expr)* $(,)? )) => {{
        #[cfg(edgewake_faults)]
        let value = $crate::syscall::faults::pass(
            (stringify!($name), file!(), line!()),
            $crate::syscall::faults::Argument::descriptor($first),
            || $crate::syscall::check($module::$name($first $(, $argument)*)),
        );
        #[cfg(not(edgewake_faults))]
        let value = $crate::syscall::check($module::$name($first $(, $argument)*));
        value
    }};
    ($module:ident :: $name:ident ()) => {{
        #[cfg(edgewake_faults)]
        let value = $crate::syscall::faults::pass(
            (stringify!($name), file!(), line!()),
            None,
            || $crate::syscall::check($module::$name()),
        );
        #[cfg(not(edgewake_faults))]
        let value = $crate::syscall::check($module::$name());
        value
    }};
    ($name:ident ( $($argument:expr),* $(,)? )) => {
        syscall!(libc::$name($($argument),*))
    };
}

/// A return value that says "failed" by being -1.
pub(crate) trait ReturnValue: Copy {
    /// "No events", of a wait.
    #[cfg(edgewake_faults)]
    const NOTHING: Self;

    /// How many, of what succeeded.
    #[cfg(edgewake_faults)]
    fn count(self) -> u64;

    fn is_failure(self) -> bool;
}

impl ReturnValue for libc::c_int {
    #[cfg(edgewake_faults)]
    const NOTHING: Self = 0;

    #[cfg(edgewake_faults)]
    fn count(self) -> u64 {
        self as u64
    }

    #[inline(always)]
    fn is_failure(self) -> bool {
        self == -1
    }
}

// `ssize_t`.
impl ReturnValue for isize {
    #[cfg(edgewake_faults)]
    const NOTHING: Self = 0;

    #[cfg(edgewake_faults)]
    fn count(self) -> u64 {
        self as u64
    }

    #[inline(always)]
    fn is_failure(self) -> bool {
        self == -1
    }
}

// `c_long` on 64-bit systems, what `syscall(2)` by number returns.
impl ReturnValue for i64 {
    #[cfg(edgewake_faults)]
    const NOTHING: Self = 0;

    #[cfg(edgewake_faults)]
    fn count(self) -> u64 {
        self as u64
    }

    #[inline(always)]
    fn is_failure(self) -> bool {
        self == -1
    }
}

/// The value of a call, or the error of the `errno` that it left.
#[inline(always)]
pub(crate) fn check<T: ReturnValue>(value: T) -> io::Result<T> {
    if value.is_failure() { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// The length to hand to the transfer call `name`: `length`, at most what every kernel accepts,
/// and under a fault plan perhaps less, so that the count comes short.
///
/// macOS refuses more than `INT_MAX` with `EINVAL` (rust-lang/rust#38590, #144452), the BSDs more
/// than `SSIZE_MAX`. Linux cuts at 0x7ffff000 by itself, in `read` and `recv` alike (read(2),
/// "NOTES"; `MAX_RW_COUNT`), so nothing is spent on it there.
#[inline(always)]
pub(crate) fn transfer_length(name: &'static str, length: usize) -> usize {
    let length = if cfg!(any(target_os = "linux", target_os = "android")) {
        length
    } else {
        length.min(libc::c_int::MAX as usize - 1)
    };
    #[cfg(edgewake_faults)]
    let length = faults::shorten(name, length);
    #[cfg(not(edgewake_faults))]
    let _ = name;
    length
}

/// Says that the call which comes next is on this descriptor besides its first argument, so that
/// whatever is said in the kernel's place owes the event to either.
#[inline(always)]
pub(crate) fn beside(fd: BorrowedFd<'_>) {
    #[cfg(edgewake_faults)]
    faults::beside(std::os::fd::AsRawFd::as_raw_fd(&fd));
    #[cfg(not(edgewake_faults))]
    let _ = fd;
}
