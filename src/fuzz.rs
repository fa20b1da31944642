//! What the fuzz targets reach of this crate beyond its public face (`--cfg edgewake_fuzz`).
//!
//! The timer wheel, the slots, the dispatch of events and the smaller parts that parse or count are
//! private, and stay so: each has a thin face beside it, in a `fuzz.rs` that forwards and decides
//! nothing, and this module gathers those. Called by the package in `fuzz/`, which has the models;
//! no ordinary build has this module, and nothing here is covered by any promise.

pub use crate::{
    io::copy::fuzz::Pool,
    net::fuzz::{interleaved, split_host},
    reactor::fuzz::{Entry, Kind, Loop, Occupant, Seen, SlotTable, Waited, Watched, Way, Word},
    time::fuzz::{Timer, Wheel, after, next_tick},
};
