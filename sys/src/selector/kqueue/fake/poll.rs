//! The waiting half of the fake `kevent`: epoll_wait(2), repeated until it has an event to show or
//! the time is over.
//!
//! The lock on the knotes is held between the waits only, so that changes from other threads take
//! effect while this one is blocked.

use std::{
    mem::MaybeUninit,
    os::fd::RawFd,
    ptr,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{super::ffi::Kevent, Errno, knotes::Knotes, last_errno, lock};

/// As many epoll events as one wait takes.
const BATCH: usize = 128;

/// The caller's room, filled from the front.
pub(super) struct Sink<'a> {
    room: &'a mut [MaybeUninit<Kevent>],
    written: usize,
}

impl Sink<'_> {
    pub(super) fn left(&self) -> usize {
        self.room.len() - self.written
    }

    /// Writes an event; there must be room left.
    pub(super) fn put(&mut self, event: Kevent) {
        self.room[self.written].write(event);
        self.written += 1;
    }
}

/// Waits for events and writes them into `room`, which is not empty.
pub(super) fn wait(
    knotes: &Mutex<Knotes>,
    room: &mut [MaybeUninit<Kevent>],
    timeout: Option<Duration>,
) -> Result<usize, Errno> {
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    let mut sink = Sink { room, written: 0 };
    let epoll = {
        let mut knotes = lock(knotes);
        knotes.pay(&mut sink);
        knotes.epoll()
    };
    let mut reported = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
    loop {
        // A descriptor can give two events: half the room never overflows, except a room of one.
        let most = (sink.left() / 2).clamp(1, BATCH);
        let is_empty = sink.written == 0;
        if !is_empty && sink.left() < 2 {
            return Ok(sink.written);
        }
        let patience = if is_empty { remaining(deadline) } else { Some(Duration::ZERO) };
        let count = match epoll_wait(epoll, &mut reported[..most], patience) {
            Ok(count) => count,
            Err(errno) if is_empty => return Err(errno),
            // What was taken from epoll must not be lost.
            Err(_) => return Ok(sink.written),
        };
        lock(knotes).report(&reported[..count], &mut sink);
        let has_more = count == most;
        if (sink.written > 0 && !has_more) || (count == 0 && is_over(deadline)) {
            return Ok(sink.written);
        }
    }
}

fn remaining(deadline: Option<Instant>) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

fn epoll_wait(
    epoll: RawFd,
    room: &mut [libc::epoll_event],
    timeout: Option<Duration>,
) -> Result<usize, Errno> {
    static COARSE: AtomicBool = AtomicBool::new(false);

    // Relaxed: a hint with no data behind it; a thread that misses it asks the kernel again.
    if let (Some(timeout), false) = (timeout, COARSE.load(Ordering::Relaxed)) {
        match epoll_pwait2(epoll, room, timeout) {
            // Old kernels, seccomp filters, valgrind.
            Err(libc::ENOSYS | libc::EPERM) => COARSE.store(true, Ordering::Relaxed),
            outcome => return outcome,
        }
    }
    let milliseconds = match timeout {
        None => -1,
        Some(timeout) => timeout.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(i32::MAX),
    };
    let most = room.len() as libc::c_int;
    // SAFETY: `room` is writable for `most` entries.
    match unsafe { libc::epoll_wait(epoll, room.as_mut_ptr(), most, milliseconds) } {
        -1 => Err(last_errno()),
        count => Ok(count as usize),
    }
}

fn epoll_pwait2(
    epoll: RawFd,
    room: &mut [libc::epoll_event],
    timeout: Duration,
) -> Result<usize, Errno> {
    // `struct __kernel_timespec`: both 64-bit.
    let timeout = [timeout.as_secs() as i64, i64::from(timeout.subsec_nanos())];
    // SAFETY: `room` is writable for its length, `timeout` outlives the call, and a null signal
    // mask (whose size is then not read) leaves the mask alone.
    let count = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            epoll,
            room.as_mut_ptr(),
            room.len() as libc::c_int,
            timeout.as_ptr(),
            ptr::null::<libc::sigset_t>(),
            0_usize,
        )
    };
    if count == -1 { Err(last_errno()) } else { Ok(count as usize) }
}
