//! The fake itself, called as the kernel is: the traps it must set, and what it promises to refuse.

use std::{
    fs::File,
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, OwnedFd},
};

use super::{
    super::ffi::{
        self, EV_ADD, EV_CLEAR, EV_DELETE, EV_EOF, EV_ERROR, EV_RECEIPT, EVFILT_READ, EVFILT_USER,
        EVFILT_WRITE, Flags, Kevent, NOTE_TRIGGER,
    },
    Errno, QUEUES, Queue, lock, run,
};
use crate::{Token, fd, pipe};

const NOW: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };

fn queue() -> Queue {
    // SAFETY: the number is a new descriptor, which the queue owns.
    Queue::from(unsafe { fd::own(super::kqueue()) })
}

/// Makes changes without room for receipts.
fn change(queue: &Queue, changes: &[Kevent]) -> Result<(), Errno> {
    assert_eq!(run(queue.as_raw_fd(), changes, &mut [], Some(&NOW))?, 0);
    Ok(())
}

/// Makes changes with room, and returns what is written: receipts, or else events.
fn events(queue: &Queue, changes: &[Kevent]) -> Vec<Kevent> {
    let mut room = [MaybeUninit::uninit(); 8];
    let count = run(queue.as_raw_fd(), changes, &mut room, Some(&NOW)).unwrap();
    // SAFETY: `run` has written so many entries.
    room[..count].iter().map(|entry| unsafe { entry.assume_init() }).collect()
}

fn user(flags: Flags, fflags: u32, token: u64) -> Kevent {
    ffi::entry(1, EVFILT_USER, flags, fflags, Token(token))
}

fn a_pipe() -> (OwnedFd, OwnedFd) {
    pipe::pipe().unwrap()
}

fn read(end: &OwnedFd, flags: Flags) -> Kevent {
    ffi::entry(end.as_raw_fd() as usize, EVFILT_READ, flags, 0, Token(1))
}

// T40. Goal: both wrong forms of a trigger show here as they do on macOS and FreeBSD, and a bare
// trigger overwrites the token.
#[test]
fn t40_wrong_triggers_show() {
    let queue = queue();
    change(&queue, &[user(EV_ADD | EV_CLEAR, 0, 1)]).unwrap();
    change(&queue, &[user(EV_CLEAR, NOTE_TRIGGER, 1)]).unwrap();
    assert!(events(&queue, &[]).is_empty(), "EV_CLEAR takes the trigger back");
    change(&queue, &[user(0, NOTE_TRIGGER, 2)]).unwrap();
    let once = events(&queue, &[]);
    assert_eq!((once.len(), ffi::token(&once[0])), (1, Token(2)));
    assert!(events(&queue, &[]).is_empty());
    change(&queue, &[user(EV_ADD, NOTE_TRIGGER, 3)]).unwrap();
    for _ in 0..3 {
        assert_eq!(events(&queue, &[]).len(), 1, "EV_ADD without EV_CLEAR never stops");
    }
    change(&queue, &[user(EV_DELETE, 0, 0)]).unwrap();
    assert!(events(&queue, &[]).is_empty());
    assert_eq!(change(&queue, &[user(0, NOTE_TRIGGER, 3)]), Err(libc::ENOENT));
}

// T33, T34. Goal: receipts answer in order with the change's flags, instead of pending events;
// without room an error is the call's.
#[test]
fn t34_receipts_come_instead_of_events() {
    let (queue, (reader, writer)) = (queue(), a_pipe());
    change(&queue, &[read(&reader, EV_ADD | EV_CLEAR), user(EV_ADD, NOTE_TRIGGER, 1)]).unwrap();
    let answers = events(
        &queue,
        &[read(&reader, EV_DELETE | EV_RECEIPT), read(&writer, EV_DELETE | EV_RECEIPT)],
    );
    let seen: Vec<_> = answers.iter().map(|answer| (answer.flags, answer.data as i32)).collect();
    let flags = EV_DELETE | EV_RECEIPT | EV_ERROR;
    assert_eq!(seen, [(flags, 0), (flags, libc::ENOENT)]);
    assert_eq!(events(&queue, &[]).len(), 1, "the event is still there");
    assert_eq!(change(&queue, &[read(&reader, EV_DELETE)]), Err(libc::ENOENT));
}

// Goal: without EV_CLEAR a knote is level-triggered.
#[test]
fn level_triggered_knotes_repeat() {
    let (queue, (reader, writer)) = (queue(), a_pipe());
    change(&queue, &[read(&reader, EV_ADD)]).unwrap();
    drop(writer);
    for _ in 0..3 {
        let events = events(&queue, &[]);
        assert!(!events.is_empty() && events.iter().all(|event| event.flags & EV_EOF != 0));
    }
}

// T16, T39, T43. Goal: what is refused, and how.
#[test]
fn refusals() {
    let (queue, other, (reader, _writer)) = (queue(), queue(), a_pipe());
    let write_to = |number: usize| ffi::entry(number, EVFILT_WRITE, EV_ADD, 0, Token(1));
    let kqueue = other.as_raw_fd() as usize;
    assert_eq!(change(&queue, &[write_to(kqueue)]), Err(libc::EINVAL));
    assert_eq!(change(&queue, &[write_to(usize::MAX)]), Err(libc::EBADF));
    let timer = ffi::entry(1, -7, EV_ADD, 0, Token(1));
    assert_eq!(change(&queue, &[timer]), Err(libc::EINVAL));
    let once = read(&reader, EV_ADD | 0x0010);
    assert_eq!(change(&queue, &[once]), Err(libc::EINVAL));
    let file = OwnedFd::from(File::open(std::env::current_exe().unwrap()).unwrap());
    assert_eq!(change(&queue, &[read(&file, EV_ADD)]), Err(libc::EPERM));
    assert_eq!(run(reader.as_raw_fd(), &[], &mut [], None), Err(libc::EBADF));
    for (tv_sec, tv_nsec) in [(-1, 0), (0, -1), (0, 1_000_000_000), (100_000_001, 0)] {
        let timeout = libc::timespec { tv_sec, tv_nsec };
        assert_eq!(run(queue.as_raw_fd(), &[], &mut [], Some(&timeout)), Err(libc::EINVAL));
    }
}

// T31. Goal: what is left of a closed descriptor is neither found nor reported under its number.
#[test]
fn t31_knotes_of_a_closed_descriptor_are_gone() {
    let (queue, (reader, writer)) = (queue(), a_pipe());
    let number = reader.as_raw_fd();
    change(&queue, &[read(&reader, EV_ADD | EV_CLEAR)]).unwrap();
    // A duplicate keeps the first pipe's registration alive in the epoll.
    let duplicate = reader.try_clone().unwrap();
    let (other, _other_writer) = a_pipe();
    // SAFETY: both are open and ours; `reader` owns the number before and after.
    assert_eq!(unsafe { libc::dup2(other.as_raw_fd(), number) }, number);
    assert_eq!(change(&queue, &[read(&reader, EV_DELETE)]), Err(libc::ENOENT));
    change(&queue, &[read(&reader, EV_ADD | EV_CLEAR)]).unwrap();
    drop(writer);
    assert!(events(&queue, &[]).is_empty(), "the first pipe's end is not the second one's");
    drop(duplicate);
}

// T8, T36. Goal: a pipe's writer hears of its reader's death by both filters, each at its end.
#[test]
fn t36_both_filters_of_a_writer_end() {
    let (queue, (reader, writer)) = (queue(), a_pipe());
    let flags = EV_ADD | EV_CLEAR;
    let number = writer.as_raw_fd() as usize;
    change(&queue, &[ffi::entry(number, EVFILT_WRITE, flags, 0, Token(2)), read(&writer, flags)])
        .unwrap();
    assert_eq!(events(&queue, &[]).len(), 1, "room to write");
    drop(reader);
    let mut ends = events(&queue, &[]);
    ends.sort_by_key(|event| event.filter);
    let seen: Vec<_> = ends.iter().map(|end| (end.filter, end.fflags)).collect();
    assert_eq!(seen, [(EVFILT_WRITE, 0), (EVFILT_READ, 0)]);
    assert!(ends.iter().all(|end| end.flags & EV_EOF != 0));
}

// T36. Goal: a writer whose reader has gone is not attached to EVFILT_WRITE, unless it was before;
// EVFILT_READ tells it of its end.
#[test]
fn t36_a_writer_without_a_reader_is_refused() {
    let (queue, (reader, writer)) = (queue(), a_pipe());
    let flags = EV_ADD | EV_CLEAR;
    let write = ffi::entry(writer.as_raw_fd() as usize, EVFILT_WRITE, flags, 0, Token(2));
    change(&queue, &[write]).unwrap();
    drop(reader);
    change(&queue, &[write]).unwrap();
    change(&queue, &[Kevent { flags: EV_DELETE, ..write }]).unwrap();
    assert_eq!(change(&queue, &[write]), Err(libc::EPIPE));
    change(&queue, &[read(&writer, flags)]).unwrap();
    let ends = events(&queue, &[]);
    assert_eq!((ends.len(), ends[0].filter), (1, EVFILT_READ));
    assert!(ends[0].flags & EV_EOF != 0);
}

// Goal: a dropped kqueue leaves the table, and the C face reports through `errno`.
#[test]
fn a_dropped_queue_is_forgotten() {
    let queue = queue();
    let number = queue.as_raw_fd();
    let before = lock(&QUEUES)[&number].clone();
    drop(queue);
    let after = lock(&QUEUES).get(&number).cloned();
    // Another test may have the number by now, but not these knotes.
    assert!(after.is_none_or(|after| !std::sync::Arc::ptr_eq(&before, &after)));
    // SAFETY: no entries, no timeout.
    let result = unsafe {
        super::kevent(-1, std::ptr::null(), 0, std::ptr::null_mut(), 0, std::ptr::null())
    };
    assert_eq!((result, io::Error::last_os_error().raw_os_error()), (-1, Some(libc::EBADF)));
}
