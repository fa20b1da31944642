//! Registration, edges and ends, on pipes: everything is there as soon as the call returns.

use std::{
    os::fd::{AsFd, AsRawFd},
    time::{Duration, Instant},
};

use super::{a_pipe, drain, fill, poll, wait_for, write};
use crate::{Events, Interest, Selector, Token};

// Goal: what was there before the registration is an event, with its size and token.
#[test]
fn data_before_register_is_reported() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    write(&writer, b"hello");
    selector.register(reader.as_fd(), Token(11), Interest::READABLE).unwrap();
    let events = poll(&selector);
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].is_readable() && !events[0].is_read_closed());
    assert_eq!((events[0].token(), events[0].readable_bytes()), (Token(11), Some(5)));
}

// Goal: edge-triggered. One event per arrival, telling the whole amount; none without.
#[test]
fn each_arrival_is_one_event() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    selector.register(reader.as_fd(), Token(1), Interest::INCOMING).unwrap();
    assert!(poll(&selector).is_empty());
    write(&writer, b"abc");
    assert_eq!(poll(&selector).len(), 1);
    assert!(poll(&selector).is_empty(), "undrained data is no new edge");
    write(&writer, b"de");
    let events = poll(&selector);
    assert_eq!((events.len(), events[0].readable_bytes()), (1, Some(5)));
}

// Goal: a writer is writable at once, silent while the pipe is full, and writable after.
#[test]
fn room_to_write_is_an_edge() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    selector.register(writer.as_fd(), Token(2), Interest::WRITABLE).unwrap();
    let events = poll(&selector);
    assert_eq!(events.len(), 1);
    assert!(events[0].is_writable() && !events[0].is_write_closed());
    fill(&writer);
    assert!(poll(&selector).iter().all(|event| !event.is_writable()));
    assert!(drain(&reader) > 0);
    assert!(wait_for(&selector, |event| event.is_writable()).token() == Token(2));
}

// T35. Goal: the end comes together with the data before it.
#[test]
fn t35_data_lies_before_the_end() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    selector.register(reader.as_fd(), Token(3), Interest::READABLE).unwrap();
    write(&writer, b"xyz");
    drop(writer);
    let end = wait_for(&selector, |event| event.is_read_closed());
    assert!(end.is_readable() && !end.is_error());
    assert_eq!(end.readable_bytes(), Some(3));
    assert_eq!(drain(&reader), 3);
}

// T8, T36. Goal: a writer with a full pipe hears that its reader is gone, by one filter or the
// other: the library registers both for pipe writers.
#[test]
fn t36_the_death_of_a_reader_reaches_the_writer() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    fill(&writer);
    let both = Interest::READABLE | Interest::WRITABLE;
    selector.register(writer.as_fd(), Token(4), both).unwrap();
    drop(reader);
    let end = wait_for(&selector, |event| event.is_write_closed() || event.is_read_closed());
    assert_eq!(end.token(), Token(4));
}

// T13, T91. Goal: reregister reports what still holds, with the new token.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue does not report again on EV_ADD")]
#[test]
fn t91_reregister_reports_anew_with_the_new_token() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    selector.register(reader.as_fd(), Token(5), Interest::READABLE).unwrap();
    write(&writer, b"abc");
    assert_eq!(poll(&selector).len(), 1);
    selector.reregister(reader.as_raw_fd(), Token(6), Interest::READABLE).unwrap();
    let events = poll(&selector);
    assert_eq!((events.len(), events[0].token()), (1, Token(6)));
    assert_eq!(events[0].readable_bytes(), Some(3));
}

// T91. Goal: pinned, because epoll differs: a second registration replaces the first one's token.
#[test]
fn t91_a_second_register_replaces_the_token() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    selector.register(reader.as_fd(), Token(7), Interest::READABLE).unwrap();
    selector.register(reader.as_fd(), Token(8), Interest::READABLE).unwrap();
    write(&writer, b"a");
    let events = poll(&selector);
    assert_eq!((events.len(), events[0].token()), (1, Token(8)));
}

// Goal: reregister takes away what it does not ask for, and a selector without an entry for the
// descriptor gets one.
#[test]
fn reregister_drops_the_other_filter() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    selector.register(writer.as_fd(), Token(9), Interest::WRITABLE).unwrap();
    selector.reregister(writer.as_raw_fd(), Token(9), Interest::READABLE).unwrap();
    assert!(poll(&selector).iter().all(|event| !event.is_writable()));
    selector.reregister(reader.as_raw_fd(), Token(10), Interest::READABLE).unwrap();
    write(&writer, b"a");
    wait_for(&selector, |event| event.token() == Token(10) && event.is_readable());
}

// Goal: deregister ends the events and says what it did not find.
#[test]
fn deregister_ends_the_events() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    selector.register(reader.as_fd(), Token(1), Interest::READABLE).unwrap();
    write(&writer, b"a");
    selector.deregister(reader.as_raw_fd()).unwrap();
    assert!(poll(&selector).is_empty());
    let error = selector.deregister(reader.as_raw_fd()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
}

// Goal: a number that is not open is EBADF, nothing worse.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue deletes knotes of closed numbers")]
#[test]
fn closed_descriptors_are_refused() {
    let selector = Selector::new().unwrap();
    for number in [-1, i32::MAX] {
        let error = selector.deregister(number).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF), "{number}");
        let error = selector.reregister(number, Token(1), Interest::READABLE).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF), "{number}");
    }
}

// T31. Goal: a descriptor closed without deregister leaves nothing that would refuse or mute the
// next owner of its number.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue keeps the closed descriptor's knotes")]
#[test]
fn t31_a_reused_number_registers_again() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    let both = Interest::READABLE | Interest::WRITABLE;
    selector.register(reader.as_fd(), Token(1), both).unwrap();
    let (other, other_writer) = a_pipe();
    let number = reader.as_raw_fd();
    // SAFETY: both are open and ours; `reader` owns the number before and after.
    assert_eq!(unsafe { libc::dup2(other.as_raw_fd(), number) }, number);
    drop((other, writer));
    selector.register(reader.as_fd(), Token(2), Interest::READABLE).unwrap();
    write(&other_writer, b"ab");
    let event = wait_for(&selector, |event| event.is_readable());
    assert_eq!((event.token(), event.readable_bytes()), (Token(2), Some(2)));
    assert!(poll(&selector).is_empty());
}

// T41. Goal: urgent data is refused with a sentence where the system cannot tell, and what else
// was asked for is not registered either.
#[cfg(not(edgewake_has = "priority"))]
#[test]
fn t41_priority_is_unsupported_here() {
    let (selector, (reader, _writer)) = (Selector::new().unwrap(), a_pipe());
    let interest = Interest::READABLE | Interest::PRIORITY;
    let error = selector.register(reader.as_fd(), Token(1), interest).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    let error = selector.reregister(reader.as_raw_fd(), Token(1), interest).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    let error = selector.deregister(reader.as_raw_fd()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
}

// Goal: printed, a selector is its descriptor.
#[test]
fn a_selector_prints_its_descriptor() {
    let selector = Selector::new().unwrap();
    let descriptor = selector.as_fd().as_raw_fd();
    assert_eq!(format!("{selector:?}"), format!("Selector {{ kqueue: {descriptor} }}"));
}

// Goal: more ready than fits is reported by the next calls, none lost, none doubled.
#[test]
fn what_does_not_fit_comes_next() {
    let selector = Selector::new().unwrap();
    let pipes = [a_pipe(), a_pipe(), a_pipe()];
    for (number, (reader, writer)) in (1..).zip(&pipes) {
        write(writer, b"a");
        selector.register(reader.as_fd(), Token(number), Interest::READABLE).unwrap();
    }
    let mut events = Events::with_capacity(1);
    let mut tokens = Vec::new();
    for _ in 0..pipes.len() {
        selector.select(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!((events.len(), events.capacity()), (1, 1));
        tokens.extend(events.iter().map(|event| event.token().0));
    }
    tokens.sort_unstable();
    assert_eq!(tokens, [1, 2, 3]);
    assert!(poll(&selector).is_empty());
}

// T71. Goal: a wait is not over before its time, and a buffer keeps nothing of the last one.
#[test]
fn t71_a_time_out_is_late_and_empty() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    write(&writer, b"a");
    selector.register(reader.as_fd(), Token(1), Interest::READABLE).unwrap();
    let mut events = Events::with_capacity(4);
    selector.select(&mut events, None).unwrap();
    assert_eq!(events.len(), 1);
    let start = Instant::now();
    selector.select(&mut events, Some(Duration::from_micros(20_300))).unwrap();
    assert!(start.elapsed() >= Duration::from_micros(20_300), "{:?}", start.elapsed());
    assert!(events.is_empty());
}

// T43. Goal: the longest timeout there is waits like any other, and is not refused.
#[test]
fn t43_the_longest_timeout_is_accepted() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    write(&writer, b"a");
    selector.register(reader.as_fd(), Token(1), Interest::READABLE).unwrap();
    let mut events = Events::with_capacity(4);
    selector.select(&mut events, Some(Duration::MAX)).unwrap();
    assert_eq!(events.len(), 1);
}

// T51. Goal: the kqueue does not pass through exec.
#[test]
fn t51_the_kqueue_is_close_on_exec() {
    let selector = Selector::new().unwrap();
    // SAFETY: takes no argument and touches no memory.
    let flags = unsafe { libc::fcntl(selector.as_raw_fd(), libc::F_GETFD) };
    assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
}

// Goal: rebuild registers what it is given, passes over what is closed, and reports anew.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue does not report again on EV_ADD")]
#[test]
fn rebuild_reports_anew_and_skips_the_closed() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    write(&writer, b"abc");
    selector.register(reader.as_fd(), Token(1), Interest::READABLE).unwrap();
    assert_eq!(poll(&selector).len(), 1);
    let live = [
        (i32::MAX, Token(2), Interest::READABLE),
        (reader.as_raw_fd(), Token(3), Interest::READABLE),
    ];
    assert_eq!(selector.rebuild(&mut || live.to_vec()).unwrap(), []);
    let events = poll(&selector);
    assert_eq!((events.len(), events[0].token()), (1, Token(3)));
}

// Goal: a foreign loop can wait for the kqueue itself.
#[cfg_attr(edgewake_kqueue = "system", ignore = "libkqueue's descriptor is not pollable")]
#[test]
fn the_kqueue_is_pollable() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    selector.register(reader.as_fd(), Token(1), Interest::READABLE).unwrap();
    let is_readable = || {
        let mut entry = libc::pollfd { fd: selector.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid entry; a zero timeout.
        assert_ne!(unsafe { libc::poll(&mut entry, 1, 0) }, -1);
        entry.revents & libc::POLLIN != 0
    };
    assert!(!is_readable());
    write(&writer, b"a");
    assert!(is_readable());
    assert_eq!(poll(&selector).len(), 1);
    assert!(!is_readable());
}
