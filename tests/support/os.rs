//! What the tests ask of the system itself: limits, signals, processes, odd descriptors.
//!
//! The only place under `tests/` that calls libc. Everything here is safe to call and panics where
//! the system refuses.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `os::…`")]

use std::{
    ffi::CString,
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// Error numbers, by their C names.
pub mod errno {
    #[allow(unused_imports, reason = "each test binary uses its own")]
    pub use libc::{
        EADDRINUSE, EADDRNOTAVAIL, EAGAIN, ECONNABORTED, ECONNREFUSED, ECONNRESET, EINTR, EINVAL,
        EIO, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, ENOSYS, EOPNOTSUPP, EOVERFLOW, EPERM, EPIPE,
        ETIMEDOUT,
    };
}

/// For `open`, and for FIFOs above all: to open without waiting for the other end.
pub const O_NONBLOCK: i32 = libc::O_NONBLOCK;

/// For `open`: to name a file without opening it for anything.
#[cfg(target_os = "linux")]
pub const O_PATH: i32 = libc::O_PATH;

#[track_caller]
fn check(outcome: libc::c_int) -> libc::c_int {
    assert_ne!(outcome, -1, "{}", io::Error::last_os_error());
    outcome
}

/// The soft and the hard limit of open descriptors.
#[allow(clippy::unnecessary_cast, reason = "the type has a sign on FreeBSD")]
pub fn descriptor_limits() -> (u64, u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for the call to fill.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) });
    (limit.rlim_cur as u64, limit.rlim_max as u64)
}

/// Sets the soft limit of open descriptors, of the whole process.
pub fn limit_descriptors(most: u64) {
    let (_, hard) = descriptor_limits();
    let limit = libc::rlimit { rlim_cur: most as libc::rlim_t, rlim_max: hard as libc::rlim_t };
    // SAFETY: `limit` is valid for the call to read.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) });
}

/// Raises the soft limit to `wanted`, or as far as the hard one lets it. Returns what it is then.
pub fn raise_descriptor_limit(wanted: u64) -> u64 {
    let (soft, hard) = descriptor_limits();
    if soft < wanted {
        limit_descriptors(wanted.min(hard));
    }
    descriptor_limits().0
}

/// How many descriptors below 4096 are open in this process.
pub fn open_descriptors() -> usize {
    // SAFETY: F_GETFD takes no argument; a number that is not open is EBADF.
    (0..4096).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } != -1).count()
}

/// The descriptors below 4096 that a program which is executed gets.
pub fn inheritable_descriptors() -> Vec<i32> {
    // SAFETY: F_GETFD takes no argument; a number that is not open is EBADF.
    let flags = |fd: &i32| unsafe { libc::fcntl(*fd, libc::F_GETFD) };
    (0..4096).filter(|fd| flags(fd) != -1 && flags(fd) & libc::FD_CLOEXEC == 0).collect()
}

/// What the process does with each signal: its disposition, or its handler's address.
pub fn dispositions() -> Vec<usize> {
    let of = |signal| {
        let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: a null action changes nothing; `action` is room for the present one. All zeroes
        // is a valid one, should the number be no signal's.
        unsafe {
            libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
            action.assume_init().sa_sigaction
        }
    };
    (1..32).map(of).collect()
}

/// Whether a program that is executed does not get this descriptor.
pub fn is_cloexec(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: F_GETFD takes no argument, and the descriptor is open.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) }) & libc::FD_CLOEXEC != 0
}

/// The processor time that this process has used, of all its threads.
pub fn processor_time() -> Duration {
    // SAFETY: an all-zero rusage is valid; it is plain numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is valid for the call to fill.
    check(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) });
    let time = |value: libc::timeval| {
        Duration::from_secs(value.tv_sec as u64) + Duration::from_micros(value.tv_usec as u64)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// A pseudo-terminal: its master, and its slave in the usual line mode.
pub fn pty() -> (File, File) {
    let (mut master, mut slave) = (-1, -1);
    let null = std::ptr::null_mut();
    // SAFETY: the first two are room for a descriptor each; the others may be null.
    check(unsafe { libc::openpty(&mut master, &mut slave, null, null.cast(), null.cast()) });
    // SAFETY: the call succeeded and has put two new descriptors there, which nobody else owns.
    unsafe { (File::from_raw_fd(master), File::from_raw_fd(slave)) }
}

/// The path by which a terminal can be opened again.
#[cfg(target_os = "linux")]
pub fn terminal_path(slave: &File) -> PathBuf {
    let mut name = [0; 128];
    // SAFETY: `name` is writable for its length, and the descriptor is open.
    let failed = unsafe { libc::ttyname_r(slave.as_raw_fd(), name.as_mut_ptr(), name.len() as _) };
    assert_eq!(failed, 0, "{}", io::Error::from_raw_os_error(failed));
    let name = name.map(|byte: libc::c_char| byte.to_ne_bytes()[0]);
    let name = std::ffi::CStr::from_bytes_until_nul(&name).expect("a name that fits");
    std::ffi::OsStr::from_bytes(name.to_bytes()).into()
}

/// A path in the folder for temporary files that nobody else has; the file goes when it drops.
#[derive(Debug)]
pub struct TemporaryPath(PathBuf);

impl TemporaryPath {
    pub fn new(name: &str) -> TemporaryPath {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("edgewake-{name}-{}-{count}", std::process::id());
        TemporaryPath(std::env::temp_dir().join(name))
    }

    /// With a FIFO there.
    pub fn fifo(name: &str) -> TemporaryPath {
        let path = TemporaryPath::new(name);
        let name = CString::new(path.0.as_os_str().as_bytes()).expect("a path without a NUL");
        // SAFETY: `name` is a C string.
        check(unsafe { libc::mkfifo(name.as_ptr(), 0o600) });
        path
    }
}

impl AsRef<Path> for TemporaryPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        // It may never have been made.
        let _absent: io::Result<()> = std::fs::remove_file(&self.0);
    }
}

/// An eventfd, its counter at zero.
#[cfg(target_os = "linux")]
pub fn eventfd() -> File {
    // SAFETY: takes its arguments by value.
    let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) });
    // SAFETY: the call succeeded, so it is a new descriptor that nobody else owns.
    unsafe { File::from_raw_fd(fd) }
}

/// A timerfd that fires once after `delay`.
#[cfg(target_os = "linux")]
pub fn timerfd(delay: Duration) -> File {
    // SAFETY: takes its arguments by value.
    let fd = check(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) });
    let value = libc::timespec { tv_sec: 0, tv_nsec: delay.as_nanos() as libc::c_long };
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let time = libc::itimerspec { it_interval: zero, it_value: value };
    // SAFETY: `time` is valid for the call to read, and the old value is not asked for.
    check(unsafe { libc::timerfd_settime(fd, 0, &time, std::ptr::null_mut()) });
    // SAFETY: it is a new descriptor that nobody else owns.
    unsafe { File::from_raw_fd(fd) }
}

/// A child process that holds a copy of every descriptor open at its birth, until this drops.
#[derive(Debug)]
pub struct Fork {
    child: libc::pid_t,
    /// The child ends when the last copy of this closes.
    lifeline: Option<OwnedFd>,
}

impl Fork {
    pub fn new() -> Fork {
        let (end, lifeline) = edgewake_sys::pipe::pipe().expect("a pipe");
        edgewake_sys::fd::set_nonblocking(end.as_fd(), false).expect("an open descriptor");
        // SAFETY: the child makes nothing but async-signal-safe calls before it ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let mut byte = 0_u8;
            // SAFETY: `byte` is room for what is read, the descriptors are this child's copies,
            // and all three calls are async-signal-safe.
            unsafe {
                libc::close(lifeline.as_raw_fd());
                while libc::read(end.as_raw_fd(), (&raw mut byte).cast(), 1) == -1 {}
                libc::_exit(0);
            }
        }
        check(child);
        Fork { child, lifeline: Some(lifeline) }
    }
}

impl Drop for Fork {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let mut status = 0;
        // SAFETY: `status` is room for what the call writes; the child is ours and not awaited yet.
        while unsafe { libc::waitpid(self.child, &mut status, 0) } == -1
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
    }
}

/// Writes `bytes`, few enough to have room, from a process of their own, which then ends.
pub fn write_from_a_child(fd: BorrowedFd<'_>, bytes: &[u8]) {
    // SAFETY: the child makes nothing but async-signal-safe calls before it ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: `bytes` is readable for its length, the descriptor is this child's copy, and both
        // calls are async-signal-safe.
        unsafe {
            let count = libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len());
            libc::_exit(if count == bytes.len() as isize { 0 } else { 1 });
        }
    }
    check(child);
    let mut status = 0;
    // SAFETY: `status` is room for what the call writes; the child is ours and not awaited yet.
    while unsafe { libc::waitpid(child, &mut status, 0) } == -1 {
        assert_eq!(io::Error::last_os_error().kind(), io::ErrorKind::Interrupted);
    }
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the child cannot write");
}

/// From now on `SIGPIPE` ends this process, as in a program of C. (Rust's `main` ignores it.)
pub fn sigpipe_ends_the_process() {
    // SAFETY: SIG_DFL runs no code.
    let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    assert_ne!(before, libc::SIG_ERR);
}

/// Whether a `SIGPIPE` waits to be delivered, or is blocked in this thread.
pub fn sigpipe_is_held_back() -> bool {
    let [mut pending, mut blocked] = [std::mem::MaybeUninit::<libc::sigset_t>::uninit(); 2];
    // SAFETY: both are room for a set, which the calls write; a null set changes no mask.
    unsafe {
        check(libc::sigpending(pending.as_mut_ptr()));
        check(libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), blocked.as_mut_ptr()));
        [pending, blocked]
            .iter()
            .any(|set| libc::sigismember(set.assume_init_ref(), libc::SIGPIPE) == 1)
    }
}

/// How many signals [`Interruptible`] threads have handled.
pub static INTERRUPTIONS: AtomicUsize = AtomicUsize::new(0);

/// A thread whose waits can be interrupted by a signal.
#[derive(Clone, Copy, Debug)]
pub struct Interruptible(libc::pthread_t);

// SAFETY: it is a name of a thread, and any thread may send it a signal.
unsafe impl Send for Interruptible {}

impl Interruptible {
    /// The calling thread. From now on SIGALRM does nothing in this process but interrupt: system
    /// calls are not restarted (no `SA_RESTART`).
    pub fn this_thread() -> Interruptible {
        extern "C" fn count(_: libc::c_int) {
            INTERRUPTIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: an all-zero sigaction is valid: no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        let handler: extern "C" fn(libc::c_int) = count;
        action.sa_sigaction = handler as usize;
        // SAFETY: the handler only adds to an atomic; the old action is not asked for.
        check(unsafe { libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut()) });
        // SAFETY: has no preconditions.
        Interruptible(unsafe { libc::pthread_self() })
    }

    /// Sends the signal. The thread must still be running, or not be joined yet.
    pub fn interrupt(self) {
        // SAFETY: the caller keeps the thread from being joined.
        assert_eq!(unsafe { libc::pthread_kill(self.0, libc::SIGALRM) }, 0);
    }
}

/// Has a UDP socket send without checksums (IPv4 only), so that the kernel refuses to segment. libc
/// does not have the option for Android.
#[cfg(target_os = "linux")]
pub fn without_checksums(socket: &impl AsFd) {
    let on: libc::c_int = 1;
    let (value, length) = (std::ptr::from_ref(&on).cast(), size_of_val(&on) as libc::socklen_t);
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: `value` is an int, as the option wants.
    check(unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_NO_CHECK, value, length) });
}

/// Has a socket receive nothing any more: a filter drops each segment before TCP sees it, so that
/// none is acknowledged, nor answered by a reset (socket(7), `SO_ATTACH_FILTER`; Linux 6.18 asks
/// the filter in `tcp_v4_rcv`, before the connection's state). It is no obstacle to sending.
#[cfg(target_os = "linux")]
pub fn receive_nothing(socket: &impl AsFd) {
    let keep_no_byte = libc::BPF_RET | libc::BPF_K;
    let mut filter = libc::sock_filter { code: keep_no_byte as u16, jt: 0, jf: 0, k: 0 };
    let program = libc::sock_fprog { len: 1, filter: &raw mut filter };
    let value = std::ptr::from_ref(&program).cast();
    let (length, fd) = (size_of_val(&program) as libc::socklen_t, socket.as_fd().as_raw_fd());
    // SAFETY: `value` is a program as the option wants it, of as many instructions as it says; the
    // kernel makes a copy of both.
    let outcome =
        unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, value, length) };
    check(outcome);
}

/// A process whose address space is not to grow by more than so much: no thread's stack fits.
/// Drop it to lift the limit.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub struct NoRoom(());

#[cfg(target_os = "linux")]
impl NoRoom {
    /// Of the whole process. `slack` is what small allocations may still take.
    pub fn beyond(slack: u64) -> NoRoom {
        let status = std::fs::read_to_string("/proc/self/status").expect("it is mounted");
        let line = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("a line");
        let size: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        limit_address_space((size << 10) + slack);
        NoRoom(())
    }
}

#[cfg(target_os = "linux")]
impl Drop for NoRoom {
    fn drop(&mut self) {
        limit_address_space(libc::RLIM_INFINITY);
    }
}

#[cfg(target_os = "linux")]
fn limit_address_space(most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: `limit` is valid for the call to read.
    check(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) });
}

/// How many registrations the process's only epoll descriptor holds.
#[cfg(target_os = "linux")]
pub fn registrations() -> usize {
    let fds = std::fs::read_dir("/proc/self/fd").expect("proc is mounted");
    let epoll = fds
        .map(|entry| entry.expect("an entry"))
        .find(|entry| {
            // The descriptor of this very listing is gone by the time it is looked at.
            let target = std::fs::read_link(entry.path()).unwrap_or_default();
            target.to_string_lossy() == "anon_inode:[eventpoll]"
        })
        .expect("a runtime has one");
    let info = std::fs::read_to_string(format!(
        "/proc/self/fdinfo/{}",
        epoll.file_name().to_string_lossy()
    ));
    info.expect("proc is mounted").lines().filter(|line| line.starts_with("tfd:")).count()
}
