//! An allocator that counts: how much of the heap is in use, and what a thread has asked for.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `allocations::…`")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed on to the system's allocator as it came, which keeps the contract;
// counting allocates nothing: the thread-local is const and has no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // A thread that is ending may have lost it.
        let _uncounted = ASKED.try_with(|asked| asked.set(asked.get() + 1));
        // SAFETY: the caller's promise for this call is the one wanted.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Bytes of the heap that are in use, of all threads.
pub fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

/// How many allocations this thread makes in `action`.
pub fn made_in<R>(action: impl FnOnce() -> R) -> (usize, R) {
    let before = ASKED.get();
    let outcome = action();
    (ASKED.get() - before, outcome)
}
