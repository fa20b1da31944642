//! What each system call can say on a bad day, by its name: a table from the manual pages.
//!
//! It holds what the kernel says of calls that have done nothing, and what it does besides
//! failing: waits that end early or for nothing, fewer messages than asked for. It leaves out what
//! only a defect of the caller causes (`EBADF`, `EFAULT`), and short counts of bytes: whether those
//! come of a stream, or of a message that would lose its rest, the name does not tell. They are
//! plans of their own.
//!
//! Asked by the plan, and by tests that check that every call has an entry.

use std::time::Duration;

use super::Action::{self, After, Delay, Duplicate, Fail, Later, Short, Spurious, TimeOut};

/// The calls that wait for events. kevent(2) goes by three names: this one, `kevent` where it hands
/// over changes, and `kevent_look` where it asks and does not wait.
pub const WAITS: &[&str] = &["epoll_wait", "epoll_pwait2", "kevent_wait"];

const INTERRUPTED: Action = Fail(libc::EINTR);
const BLOCKED: Action = Later(libc::EAGAIN);
/// Long enough for whatever else is under way to be done by then.
const LATE: Action = Delay(Duration::from_millis(2));

/// All that `call` can say, in a fixed order; nothing for a name that is not in the table.
pub fn of(call: &str) -> &'static [Action] {
    let transfers = transfers(call);
    if transfers.is_empty() { others(call) } else { transfers }
}

/// Those of them after which the same call, made again, does what it would have done.
///
/// Not that a write would have to wait: an eventfd that says so is emptied, and no kernel says it
/// a second time right after, which a draw could.
pub(super) fn harmless(call: &str) -> impl Iterator<Item = Action> {
    of(call).iter().copied().filter(move |action| {
        matches!(action, Fail(libc::EINTR) | Delay(_) | TimeOut | Spurious | Duplicate)
            || (*action == BLOCKED && call != "write")
    })
}

/// Calls that move bytes or messages.
fn transfers(call: &str) -> &'static [Action] {
    const RESET: Action = Fail(libc::ECONNRESET);
    const END: Action = Fail(libc::EPIPE);
    const MEMORY: Action = Fail(libc::ENOMEM);
    const BUFFERS: Action = Fail(libc::ENOBUFS);
    match call {
        "recv" => &[INTERRUPTED, BLOCKED, RESET, MEMORY, BUFFERS, LATE],
        "readv" => &[INTERRUPTED, BLOCKED, RESET, MEMORY, Fail(libc::ETIMEDOUT)],
        "recvfrom" | "recvmsg" => &[INTERRUPTED, BLOCKED, MEMORY, BUFFERS, LATE],
        "recvmmsg" => &[INTERRUPTED, BLOCKED, MEMORY, Fail(libc::ECONNREFUSED), Short(1), LATE],
        "send" => &[INTERRUPTED, BLOCKED, RESET, END, MEMORY, BUFFERS],
        "sendto" => &[INTERRUPTED, BLOCKED, MEMORY, BUFFERS, Fail(libc::EPERM), LATE],
        "sendmsg" => &[INTERRUPTED, BLOCKED, END, MEMORY, BUFFERS, Fail(libc::ETOOMANYREFS), LATE],
        "sendmmsg" => &[INTERRUPTED, BLOCKED, MEMORY, BUFFERS, Fail(libc::EPERM), Short(1)],
        // Of pipes.
        "read" => &[INTERRUPTED, BLOCKED, Fail(libc::EIO), LATE],
        // Of an eventfd or a pipe, whose end another name tells of where there is one.
        "write" => &[INTERRUPTED, BLOCKED, LATE],
        "writev" => &[INTERRUPTED, BLOCKED, END],
        // Without its refusals: the process would remember the first one for good.
        "pwritev2" => &[INTERRUPTED, BLOCKED, END, Fail(libc::EIO), LATE],
        "pread" => &[INTERRUPTED, Fail(libc::EIO), MEMORY],
        "sendfile" => &[
            INTERRUPTED,
            BLOCKED,
            RESET,
            END,
            MEMORY,
            Fail(libc::EIO),
            Fail(libc::EINVAL),
            Fail(libc::ENOSYS),
        ],
        "splice" => &[
            INTERRUPTED,
            BLOCKED,
            RESET,
            END,
            MEMORY,
            Fail(libc::EINVAL),
            Fail(libc::ENOSYS),
            Fail(libc::EPERM),
        ],
        _ => &[],
    }
}

/// Calls that make, change or ask, and those that wait.
fn others(call: &str) -> &'static [Action] {
    const PROCESS_LIMIT: Action = Fail(libc::EMFILE);
    const SYSTEM_LIMIT: Action = Fail(libc::ENFILE);
    const MEMORY: Action = Fail(libc::ENOMEM);
    const BUFFERS: Action = Fail(libc::ENOBUFS);
    const INVALID: Action = Fail(libc::EINVAL);
    match call {
        "epoll_create1" | "eventfd" | "kqueue" | "kqueue1" | "pipe" | "pipe2" | "socketpair" => {
            &[PROCESS_LIMIT, SYSTEM_LIMIT, MEMORY]
        }
        "epoll_ctl" => &[MEMORY, Fail(libc::ENOSPC), LATE],
        // Apple's and the BSDs' change lists are interrupted after they were worked off.
        "kevent" => &[INTERRUPTED],
        // It asks a queue once whether something holds: to be told "no" would be a lie.
        "kevent_look" => &[INTERRUPTED, MEMORY],
        "epoll_wait" | "kevent_wait" => &[INTERRUPTED, TimeOut, Spurious, Duplicate, LATE],
        "epoll_pwait2" => &[
            INTERRUPTED,
            TimeOut,
            Spurious,
            Duplicate,
            LATE,
            Fail(libc::ENOSYS),
            Fail(libc::EPERM),
        ],
        "dup3" => &[Fail(libc::EBUSY), PROCESS_LIMIT],
        "dup2" => &[Fail(libc::EBUSY), INTERRUPTED],
        "accept" | "accept4" => &[
            INTERRUPTED,
            BLOCKED,
            Fail(libc::ECONNABORTED),
            Fail(libc::EPROTO),
            PROCESS_LIMIT,
            SYSTEM_LIMIT,
            BUFFERS,
            MEMORY,
            LATE,
        ],
        "socket" => &[PROCESS_LIMIT, SYSTEM_LIMIT, BUFFERS, MEMORY, Fail(libc::EAFNOSUPPORT)],
        "connect" => &[
            After(libc::EINTR),
            Fail(libc::ECONNREFUSED),
            Fail(libc::EADDRNOTAVAIL),
            Fail(libc::ENETUNREACH),
            Fail(libc::ETIMEDOUT),
            Fail(libc::EACCES),
            BUFFERS,
            LATE,
        ],
        "bind" => &[Fail(libc::EADDRINUSE), Fail(libc::EADDRNOTAVAIL), Fail(libc::EACCES), MEMORY],
        "listen" => &[Fail(libc::EADDRINUSE)],
        // ENOTCONN says that the connection has gone, which is then to be seen elsewhere as well.
        "shutdown" => &[BUFFERS],
        "getsockname" => &[BUFFERS],
        "getpeername" => &[Later(libc::ENOTCONN), BUFFERS],
        "getsockopt" | "getpeereid" => &[BUFFERS, INVALID],
        "setsockopt" => &[BUFFERS, INVALID, MEMORY, Fail(libc::EPERM)],
        "fcntl" => &[INVALID, PROCESS_LIMIT, Fail(libc::EPERM)],
        "open" => &[INTERRUPTED, PROCESS_LIMIT, SYSTEM_LIMIT, Fail(libc::EACCES), MEMORY],
        "fstat" => &[MEMORY, Fail(libc::EIO)],
        "fchmod" => &[Fail(libc::EPERM), Fail(libc::EIO)],
        "ioctl" => &[Fail(libc::ENOTTY)],
        "poll" => &[INTERRUPTED, MEMORY],
        "prctl" => &[INVALID],
        _ => &[],
    }
}
