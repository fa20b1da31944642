//! What an idle flow keeps: neither a buffer nor a pipe. In a program of its own, whose allocations
//! and descriptors are counted.

#![cfg(feature = "net")]
#![cfg(any(target_os = "linux", target_os = "android"))]

#[path = "support/driven.rs"]
mod driven;
#[path = "support/os.rs"]
mod os;
mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use driven::Driven;
use edgewake::{
    io::{CopyMethod, CopyOptions},
    net::UnixStream,
};
use support::{deadline, eventually};

/// Counts the bytes that are allocated.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is forwarded as it came to the system's allocator, which upholds the contract;
// the counter is all that is added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: forwarded.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: forwarded.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const FLOWS: usize = 200;

// Goal: a flow that has moved bytes, in both directions, and waits for more, costs a few hundred
// bytes, and no descriptor beyond its own. Method: many of them at once; what a thread keeps for
// all of them is there before. The peers' sockets are counted too.
#[test]
fn idle_flows_hold_no_buffer_and_no_pipe() {
    deadline(|| {
        for method in [CopyMethod::Buffer, CopyMethod::Splice] {
            let mut driven = Driven::new();
            // One flow before: the pools, and what the runtime keeps.
            let _first = flow(&mut driven, method);
            let (live, open) = (LIVE.load(Ordering::SeqCst), os::open_descriptors());
            let flows: Vec<_> = (0..FLOWS).map(|_| flow(&mut driven, method)).collect();
            let each = LIVE.load(Ordering::SeqCst).saturating_sub(live) / FLOWS;
            assert!(each < 3000, "{method:?}: {each} bytes a flow");
            // Two sockets of the flow, two of its peers.
            assert_eq!(os::open_descriptors() - open, 4 * FLOWS, "{method:?}");
            drop(flows);
        }
    });
}

/// A flow that has moved more than a pipe holds in small pieces, and waits; and its peers.
fn flow(driven: &mut Driven, method: CopyMethod) -> (UnixStream, UnixStream) {
    let (client, mut client_side) = UnixStream::pair().unwrap();
    let (server, mut server_side) = UnixStream::pair().unwrap();
    // Detached: it ends with its peers.
    drop(driven.spawn(async move {
        let options = CopyOptions::new().method(method);
        options.copy_bidirectional(&mut client_side, &mut server_side).await
    }));
    let mut room = [0; 10_000];
    for (from, to) in [(&client, &server), (&server, &client)] {
        assert_eq!(from.try_write(&[7; 10_000]).unwrap(), 10_000);
        let mut arrived = 0;
        eventually("the bytes have gone through", || {
            driven.settle();
            arrived += to.try_read(&mut room).unwrap_or(0);
            arrived == 10_000
        });
    }
    (client, server)
}
