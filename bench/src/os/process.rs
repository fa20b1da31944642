//! Where and how processes run: cores, scheduling class, limits, process groups, signals.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::check;

/// Raises the soft limit of open files to the hard one and returns it.
///
/// # Errors
///
/// Returns the error of `getrlimit(2)` or `setrlimit(2)`.
pub fn raise_fd_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` lives through both calls.
    unsafe {
        check(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit))?;
        limit.rlim_cur = limit.rlim_max;
        check(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit))?;
    }
    Ok(limit.rlim_cur)
}

/// Sets the soft limit of open files, at most to the hard one, and returns it.
///
/// # Errors
///
/// Returns the error of `getrlimit(2)` or `setrlimit(2)`.
pub fn limit_fds(soft: u64) -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` lives through both calls.
    unsafe {
        check(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit))?;
        limit.rlim_cur = soft.min(limit.rlim_max);
        check(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit))?;
    }
    Ok(limit.rlim_cur)
}

/// How many descriptors a process has open.
///
/// # Errors
///
/// Returns what reading `/proc` returns.
pub fn open_fds(pid: u32) -> io::Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        entry?;
        count += 1;
    }
    Ok(count)
}

/// How often the threads that a process has now have been put on a processor: the third number of
/// `/proc/PID/task/*/schedstat`.
///
/// # Errors
///
/// Returns what reading `/proc` returns, and an error for what is not understood.
pub fn runs(pid: u32) -> io::Result<u64> {
    let mut runs = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = match std::fs::read_to_string(thread?.path().join("schedstat")) {
            // It ended after it was listed: before the file was opened, or before it was read.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {
                continue;
            }
            text => text?,
        };
        let third = text.split_whitespace().nth(2).and_then(|word| word.parse::<u64>().ok());
        runs += third.ok_or_else(|| io::Error::other(format!("schedstat: {text:?}")))?;
    }
    Ok(runs)
}

/// How a child is to be scheduled.
#[derive(Debug, Clone, Copy, Default)]
pub struct Placement {
    /// The one core it may run on.
    pub core: Option<usize>,
    /// Its standing among the tasks of that core.
    pub standing: Standing,
}

/// Which of two processes on one core runs when both could.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// As the kernel sees fit.
    #[default]
    Normal,
    /// `SCHED_BATCH`: it is never put in front of a running task because it woke up (sched(7)).
    Patient,
    /// `SCHED_BATCH` and nice 19: it runs when nothing else does, or next to never.
    Last,
}

/// Makes `command`, and all it starts, run as `placement` says, in a process group of its own.
///
/// The group is what [`signal_group`] is for: under `strace` or `valgrind` the server is not the
/// direct child, and a Ctrl-C on the terminal must reach it through its owner only. It is killed
/// when the thread that starts it ends, so whoever starts it must outlive its use.
pub fn place(command: &mut Command, placement: Placement) {
    command.process_group(0);
    // SAFETY: between fork and exec only async-signal-safe calls may be made; all four are
    // plain system calls on stack values, and nothing allocates on the path without an error.
    unsafe {
        command.pre_exec(move || {
            // An owner that is ended by Ctrl-C runs no destructor (PR_SET_PDEATHSIG(2const)).
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            if let Some(core) = placement.core {
                pin_to(core)?;
            }
            if placement.standing != Standing::Normal {
                let param = libc::sched_param { sched_priority: 0 };
                check(libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const param))?;
            }
            if placement.standing == Standing::Last {
                check(libc::setpriority(libc::PRIO_PROCESS, 0, 19))?;
            }
            Ok(())
        });
    }
}

/// Restricts the calling thread to one core.
///
/// # Errors
///
/// Returns the error of `sched_setaffinity(2)`: `InvalidInput` if there is no such core.
pub fn pin_to(core: usize) -> io::Result<()> {
    if core >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: an all-zero cpu_set_t is the empty set; `core` is within it, as checked above.
    unsafe {
        let mut set = std::mem::zeroed::<libc::cpu_set_t>();
        libc::CPU_SET(core, &mut set);
        check(libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set))?;
    }
    Ok(())
}

/// Seconds that a process has spent on a processor, user and kernel: of the threads that it has
/// now, since those that have ended are no longer listed. `schedstat` counts nanoseconds, where
/// `stat` has ticks.
///
/// # Errors
///
/// Returns what reading `/proc` returns, and an error for what is not understood.
pub fn processor_time(pid: u32) -> io::Result<f64> {
    let mut nanoseconds = 0_u64;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = match std::fs::read_to_string(thread?.path().join("schedstat")) {
            // It has ended just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            text => text?,
        };
        let first = text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
        nanoseconds += first.ok_or_else(|| io::Error::other(format!("schedstat: {text:?}")))?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// The C library that this process runs with, and its version where it tells.
#[must_use]
pub fn c_library() -> String {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: returns a static string that ends in a nul (gnu_get_libc_version(3)).
        let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
        format!("glibc {}", version.to_string_lossy())
    }
    #[cfg(not(target_env = "gnu"))]
    "not glibc".to_owned()
}

/// Bytes of a process that are in memory: `Rss` of `smaps_rollup`, which is exact; `VmRSS` of
/// `status` lags by pages per thread.
///
/// # Errors
///
/// Returns what reading `/proc` returns, and an error for what is not understood.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = std::fs::read_to_string(&path)?;
    let kib: Option<u64> = text
        .lines()
        .find_map(|line| line.strip_prefix("Rss:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse().ok());
    Ok(kib.ok_or_else(|| io::Error::other(format!("no Rss in {path}")))? * 1024)
}

/// Seconds that this process's ended children, and theirs, have spent on a processor.
///
/// # Errors
///
/// Returns the error of `getrusage(2)`, which has no reason to fail.
pub fn children_time() -> io::Result<f64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` lives through the call, which writes a whole `rusage`; all zeros are one too.
    let usage = unsafe {
        check(libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()))?;
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(seconds(usage.ru_utime) + seconds(usage.ru_stime))
}

/// The signals that end a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, as from Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGKILL: for what did not answer the others.
    Kill,
}

/// Sends `signal` to the process group that `leader` leads (see [`place`]).
///
/// # Errors
///
/// Returns the error of `kill(2)`: none of that group is left, or it is not ours.
pub fn signal_group(leader: u32, signal: Signal) -> io::Result<()> {
    let number = match signal {
        Signal::Interrupt => libc::SIGINT,
        Signal::Terminate => libc::SIGTERM,
        Signal::Kill => libc::SIGKILL,
    };
    let group = libc::pid_t::try_from(leader).map_err(io::Error::other)?;
    // SAFETY: takes no pointer; a negative pid addresses the group.
    check(unsafe { libc::kill(-group, number) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::process::Stdio;
    use std::thread;

    /// A process that works is seen to, and one that is not there is an error.
    #[test]
    fn runs_of_a_process_that_works() {
        let mut cat = Command::new("cat");
        let mut cat = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut to, mut from) = (cat.stdin.take().unwrap(), cat.stdout.take().unwrap());
        let mut echo = || {
            to.write_all(b"x").unwrap();
            from.read_exact(&mut [0]).unwrap();
        };
        echo();
        let before = runs(cat.id()).unwrap();
        echo();
        assert!(runs(cat.id()).unwrap() > before);
        drop(to);
        cat.wait().unwrap();
        assert!(runs(u32::MAX).is_err());
    }

    /// A thread that ends between the list and the look at it is no error.
    #[test]
    fn threads_that_end_meanwhile() {
        let me = std::process::id();
        thread::scope(|scope| {
            let threads = scope.spawn(|| {
                for _ in 0..2_000 {
                    thread::spawn(|| {}).join().unwrap();
                }
            });
            while !threads.is_finished() {
                runs(me).unwrap();
            }
        });
    }
}
