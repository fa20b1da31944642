//! The switch of the mutants. It is no module of this program: it is put into the copy of
//! `edgewake-sys` that is tested, as `mutant`.
//!
//! `EDGEWAKE_MUTANT=7` calls mutant 7. `EDGEWAKE_MUTANT=trace` calls none, and writes the number
//! of each that is passed to the file `EDGEWAKE_MUTANT_TRACE`, once a process.
#![allow(missing_docs, clippy::all)]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

const NONE: u32 = u32::MAX;
const TRACE: u32 = u32::MAX - 1;
const MANY: usize = 8192;

static CALLED: AtomicU32 = AtomicU32::new(NONE);
static PASSED: [AtomicBool; MANY] = [const { AtomicBool::new(false) }; MANY];

/// Whether the place with this number is to break. Never where the compiler evaluates it.
#[inline]
pub const fn on(id: u32) -> bool {
    core::intrinsics::const_eval_select((id,), never, at_run_time)
}

const fn never(_: u32) -> bool {
    false
}

fn at_run_time(id: u32) -> bool {
    let called = CALLED.load(Relaxed);
    if called == TRACE {
        trace(id);
    }
    called == id
}

#[cold]
fn trace(id: u32) {
    if PASSED[id as usize].swap(true, Relaxed) {
        return;
    }
    let Some(path) = std::env::var_os("EDGEWAKE_MUTANT_TRACE") else { return };
    let mut path = std::os::unix::ffi::OsStringExt::into_vec(path);
    path.push(0);
    let line = format!("{id}\n");
    unsafe {
        let errno = *libc::__errno_location();
        let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
        let fd = libc::open(path.as_ptr().cast(), flags, 0o644);
        libc::write(fd, line.as_ptr().cast(), line.len());
        libc::close(fd);
        *libc::__errno_location() = errno;
    }
}

/// Before `main`, so that no test sees the environment read.
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    let called = match std::env::var("EDGEWAKE_MUTANT").as_deref() {
        Ok("trace") => TRACE,
        Ok(id) => id.parse().unwrap_or(NONE),
        Err(_) => NONE,
    };
    CALLED.store(called, Relaxed);
}
