//! Batches of events, of any tokens and conditions, stale ones among them, against a naive model of
//! readiness: what each source then knows, who is woken, and that nobody else is.
//!
//! The batches are made up; the registrations between them are system calls. Built as it is, these
//! are epoll's events; with `--cfg edgewake_kqueue="fake"` they are kqueue's.
#![no_main]

#[path = "events/model.rs"]
mod model;
#[path = "events/raw.rs"]
mod raw;
#[path = "events/run.rs"]
mod run;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

use crate::{raw::Conditions, run::Run};

/// Whom an event is for.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum For {
    Living(u8),
    /// A source that is gone.
    Stale(u8),
    /// The slot of a living one, another generation.
    Beside(u8, u32),
    Notifier,
    Nobody,
    Any(u64),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Birth {
    Lazy,
    Accepted,
    Unassuming,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Watch {
        kind: u8,
        birth: Birth,
    },
    Enroll {
        nth: u8,
        fd: u8,
        asked: u8,
    },
    Drop(u8),
    Snapshot {
        nth: u8,
        write: bool,
    },
    /// The system call found nothing.
    Blocked {
        nth: u8,
        write: bool,
    },
    NoPriority(u8),
    /// It transferred so much.
    Count {
        nth: u8,
        write: bool,
        count: u16,
        length: u16,
    },
    UntilWouldBlock(u8),
    Assume {
        nth: u8,
        write: bool,
    },
    Lend(u8),
    Park {
        nth: u8,
        write: bool,
        task: u8,
    },
    ParkAgain {
        nth: u8,
        write: bool,
        task: u8,
    },
    Wait {
        nth: u8,
        write: bool,
        task: u8,
        end: bool,
    },
    WaitOn(u8),
    DropFuture(u8),
    Postpone(u8),
    Look,
    Batch(Vec<(For, Conditions)>),
    /// A task's turn as a whole: a look at the word, a system call, perhaps an event meanwhile, and
    /// what is concluded from the call's outcome; or a wait, and then the event.
    Turn {
        nth: u8,
        write: bool,
        task: u8,
        event: Option<Conditions>,
        outcome: Outcome,
    },
    /// So many stale events that the selector is rebuilt. Mostly nothing, since it takes its time.
    Flood(u8),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Outcome {
    Blocked,
    Count(u16, u16),
    Park,
    Wait { end: bool },
}

fuzz_target!(|input: (bool, Vec<Step>)| {
    let (lent, steps) = input;
    let mut run = Run::new(lent);
    for step in steps.iter().take(200) {
        run.step(step);
    }
    run.shut();
});
