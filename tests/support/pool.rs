//! A pool whose only thread is held, so that what is queued stays queued.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `pool::…`")]

use std::sync::mpsc::{Receiver, Sender, channel};

use edgewake::{BlockingHandle, Builder, Runtime};

use crate::support::PATIENCE;

pub fn runtime_of(threads: usize) -> Runtime {
    Builder::new().blocking_threads(threads).build().expect("a runtime")
}

/// A closure that runs, holding its thread, until it is told to go on.
#[derive(Debug)]
pub struct Held {
    pub go_on: Sender<()>,
    pub handle: BlockingHandle<()>,
}

/// Returns once the closure runs.
pub fn hold(runtime: &Runtime) -> Held {
    let (go_on, wait): (Sender<()>, Receiver<()>) = channel();
    let (started, has_started) = channel();
    let handle = runtime.spawn_blocking(move || {
        started.send(()).expect("the test waits");
        // The sender may also be dropped.
        let _either = wait.recv_timeout(PATIENCE);
    });
    has_started.recv_timeout(PATIENCE).expect("a thread");
    Held { go_on, handle }
}

impl Held {
    pub fn finish(self, runtime: &Runtime) {
        self.go_on.send(()).expect("it waits");
        runtime.block_on(self.handle).expect("it ends");
    }
}
