//! How much room the two tables take.

use std::os::fd::RawFd;

use super::{CHUNK, Insertion, Slots, Table};
use crate::{
    reactor::{kind::Kind, source::Source},
    sync::Arc,
};

/// Registers descriptors that nobody else has until there are `count`.
fn insert_up_to(slots: &mut Slots, count: usize) {
    for fd in slots.live()..count {
        let source = Arc::new(Source::new(Kind::Other, false, None));
        match slots.insert(fd as RawFd, &source) {
            Insertion::Token(token) => source.set_token(token),
            other => panic!("{other:?}"),
        }
    }
}

#[track_caller]
fn expect_room(capacity: usize, length: usize) {
    let most = length + CHUNK.max(length / 8);
    assert!(capacity >= length && capacity <= most, "{capacity} for {length}");
}

// Goal: sources that come one by one make the tables grow seldom, and by an eighth.
#[test]
fn room_is_made_for_an_eighth_more() {
    const SOURCES: usize = 10_000;
    let (mut slots, mut table) = (Slots::default(), Table::default());
    let (mut rooms, mut growths) = ([0; 2], [0; 2]);
    for count in 1..=SOURCES {
        insert_up_to(&mut slots, count);
        table.catch_up(&mut slots);
        for (nth, room) in [slots.slots.capacity(), table.sources.capacity()].iter().enumerate() {
            expect_room(*room, count);
            growths[nth] += usize::from(*room != rooms[nth]);
            rooms[nth] = *room;
        }
    }
    // Eight of CHUNK up to 2,048, then 1.125 to the 14th is five times as much.
    for growths in growths {
        assert!((20..=24).contains(&growths), "{growths}");
    }
}

// Goal: a burst that is handed over at once, the last first, makes room for itself in one step.
#[test]
fn room_is_made_for_a_burst() {
    let (mut slots, mut table) = (Slots::default(), Table::default());
    for count in [1000, 5000] {
        insert_up_to(&mut slots, count);
        table.catch_up(&mut slots);
        expect_room(table.sources.capacity(), count);
        assert_eq!(table.iter().count(), count);
    }
}
