//! What the selector and the notifier ask of the kernel, entry by entry, and what they make of
//! its answers: read from the fake's journal, with errors planted there.

use std::{
    fmt::Debug,
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
    time::Duration,
};

use super::{
    super::{
        fake::journal::{self, Change},
        ffi::{EV_ADD, EV_CLEAR, EV_DELETE, EV_RECEIPT, EVFILT_READ, EVFILT_WRITE, Filter},
        timespec,
    },
    a_pipe, poll, write,
};
use crate::{Interest, Selector, Token};

const BOTH: Interest = Interest::READABLE.union(Interest::WRITABLE);
const TOKEN: Token = Token(0xfeed_beef_0000_0001);

fn add(fd: RawFd, filter: Filter) -> Change {
    let flags = EV_ADD | EV_CLEAR | EV_RECEIPT;
    Change { ident: fd as usize, filter, flags, fflags: 0, token: TOKEN }
}

fn delete(fd: RawFd, filter: Filter) -> Change {
    let flags = EV_DELETE | EV_RECEIPT;
    Change { ident: fd as usize, filter, flags, fflags: 0, token: Token(0) }
}

#[track_caller]
fn assert_errno<T: Debug>(outcome: io::Result<T>, errno: i32) {
    assert_eq!(outcome.unwrap_err().raw_os_error(), Some(errno));
}

// Goal: the changes of each operation, in order and to the bit.
#[test]
fn each_operation_asks_for_just_this() {
    let (selector, (reader, _writer)) = (Selector::new().unwrap(), a_pipe());
    let fd = reader.as_raw_fd();
    journal::take();
    selector.register(reader.as_fd(), TOKEN, BOTH).unwrap();
    assert_eq!(journal::take(), [add(fd, EVFILT_READ), add(fd, EVFILT_WRITE)]);
    selector.register(reader.as_fd(), TOKEN, Interest::INCOMING).unwrap();
    assert_eq!(journal::take(), [add(fd, EVFILT_READ)]);
    selector.reregister(fd, TOKEN, Interest::WRITABLE).unwrap();
    assert_eq!(journal::take(), [delete(fd, EVFILT_READ), add(fd, EVFILT_WRITE)]);
    selector.reregister(fd, TOKEN, Interest::READABLE).unwrap();
    assert_eq!(journal::take(), [add(fd, EVFILT_READ), delete(fd, EVFILT_WRITE)]);
    selector.reregister(fd, TOKEN, BOTH).unwrap();
    assert_eq!(journal::take(), [add(fd, EVFILT_READ), add(fd, EVFILT_WRITE)]);
    selector.deregister(fd).unwrap();
    assert_eq!(journal::take(), [delete(fd, EVFILT_READ), delete(fd, EVFILT_WRITE)]);
    selector.register(reader.as_fd(), TOKEN, Interest::empty()).unwrap();
    assert_eq!(journal::take(), []);
}

// T40. Goal: the notifier is added with EV_CLEAR and triggered without any flag of its own, with
// the token both times.
#[cfg(edgewake_notifier = "user_event")]
#[test]
fn t40_the_trigger_has_no_flags_of_its_own() {
    use super::super::ffi::{EVFILT_USER, NOTE_TRIGGER};
    use crate::Notifier;

    let selector = Selector::new().unwrap();
    journal::take();
    let notifier = Notifier::new(&selector, TOKEN).unwrap();
    notifier.notify(&selector).unwrap();
    let (ident, filter, token) = (TOKEN.0 as usize, EVFILT_USER, TOKEN);
    let added = EV_ADD | EV_CLEAR | EV_RECEIPT;
    assert_eq!(
        journal::take(),
        [
            Change { ident, filter, flags: added, fflags: 0, token },
            Change { ident, filter, flags: EV_RECEIPT, fflags: NOTE_TRIGGER, token },
        ]
    );
}

// T33. Goal: if one of two filters is refused, the other is taken back and the error returned.
#[test]
fn t33_a_half_failed_register_is_taken_back() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    let fd = reader.as_raw_fd();
    let (read, write_) = (add(fd, EVFILT_READ), add(fd, EVFILT_WRITE));
    write(&writer, b"a");
    journal::take();

    journal::plant([None, Some(libc::ENOMEM)]);
    assert_errno(selector.register(reader.as_fd(), TOKEN, BOTH), libc::ENOMEM);
    assert_eq!(journal::take(), [read, write_, delete(fd, EVFILT_READ)]);
    assert!(poll(&selector).is_empty());
    assert_errno(selector.deregister(fd), libc::ENOENT);
    journal::take();

    journal::plant([Some(libc::ENOMEM), None]);
    assert_errno(selector.register(reader.as_fd(), TOKEN, BOTH), libc::ENOMEM);
    assert_eq!(journal::take(), [read, write_, delete(fd, EVFILT_WRITE)]);

    journal::plant([Some(libc::EINVAL), Some(libc::ENOMEM)]);
    assert_errno(selector.register(reader.as_fd(), TOKEN, BOTH), libc::EINVAL);
    assert_eq!(journal::take(), [read, write_]);
}

// T33, T36. Goal: EPIPE on an addition (mio#582; FreeBSD, OpenBSD, DragonFly) passes and is told,
// and the other filter stays; EBADF (NetBSD) likewise, but only of EVFILT_WRITE of an open pipe.
#[test]
fn t33_an_end_told_by_a_refusal_passes() {
    for errno in [libc::EPIPE, libc::EBADF] {
        let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
        let fd = reader.as_raw_fd();
        journal::plant([None, Some(errno)]);
        let ended = selector.register(reader.as_fd(), TOKEN, BOTH).unwrap();
        assert_eq!(ended, Interest::WRITABLE);
        write(&writer, b"a");
        assert_eq!(poll(&selector).len(), 1);
        for interest in [BOTH, Interest::WRITABLE] {
            // The first answers an addition or a deletion.
            journal::plant([None, Some(errno)]);
            assert_eq!(selector.reregister(fd, TOKEN, interest).unwrap(), Interest::WRITABLE);
        }
        journal::plant([Some(errno)]);
        let alone = selector.register(reader.as_fd(), TOKEN, Interest::WRITABLE).unwrap();
        assert_eq!(alone, Interest::WRITABLE);
        assert!(selector.register(reader.as_fd(), TOKEN, BOTH).unwrap().is_empty());
    }
    let (selector, (reader, _writer)) = (Selector::new().unwrap(), a_pipe());
    journal::plant([Some(libc::EPIPE), None]);
    let ended = selector.register(reader.as_fd(), TOKEN, BOTH.union(Interest::INCOMING)).unwrap();
    assert_eq!(ended, Interest::READABLE);
    journal::plant([Some(libc::EBADF), None]);
    assert_errno(selector.register(reader.as_fd(), TOKEN, BOTH), libc::EBADF);
    let (socket, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    journal::plant([None, Some(libc::EBADF)]);
    assert_errno(selector.register(socket.as_fd(), TOKEN, BOTH), libc::EBADF);
}

// T36. Goal: a rebuilt selector gives up what it can tell nothing of any more, so that its owner
// registers anew and is told.
#[test]
fn t36_rebuild_gives_up_an_end() {
    let (selector, (reader, _writer)) = (Selector::new().unwrap(), a_pipe());
    let live = vec![(reader.as_raw_fd(), TOKEN, BOTH)];
    journal::plant([None, Some(libc::EPIPE)]);
    assert_eq!(selector.rebuild(&mut || live.clone()).unwrap(), [TOKEN]);
    // What was refused is given up too, but a descriptor that is closed has no owner to tell.
    journal::plant([Some(libc::ENOMEM), None]);
    assert_eq!(selector.rebuild(&mut || live.clone()).unwrap(), [TOKEN]);
    journal::plant([Some(libc::EBADF), None]);
    assert_eq!(selector.rebuild(&mut || live.clone()).unwrap(), []);
    assert_eq!(selector.rebuild(&mut || live.clone()).unwrap(), []);
}

// T33. Goal: what is harmless for one kind of change is an error for the other.
#[test]
fn t33_each_errno_is_excused_only_where_it_belongs() {
    let (selector, (reader, _writer)) = (Selector::new().unwrap(), a_pipe());
    let fd = reader.as_raw_fd();
    journal::plant([Some(libc::ENOENT)]);
    assert_errno(selector.register(reader.as_fd(), TOKEN, Interest::READABLE), libc::ENOENT);
    for (errors, errno) in [
        ([Some(libc::ENOENT), None], libc::ENOENT),
        ([None, Some(libc::EPIPE)], libc::EPIPE),
        ([None, Some(libc::EBADF)], libc::EBADF),
        ([Some(libc::ENOMEM), None], libc::ENOMEM),
    ] {
        journal::plant(errors);
        assert_errno(selector.reregister(fd, TOKEN, Interest::READABLE), errno);
    }
    journal::plant([None, Some(libc::ENOENT)]);
    selector.reregister(fd, TOKEN, Interest::READABLE).unwrap();
}

// T33. Goal: deregister succeeds if it found one filter, says ENOENT if none, and hands on the
// rest.
#[test]
fn t33_deregister_sums_up_its_receipts() {
    let (selector, (reader, _writer)) = (Selector::new().unwrap(), a_pipe());
    let fd = reader.as_raw_fd();
    for interest in [Interest::READABLE, Interest::WRITABLE, BOTH] {
        selector.register(reader.as_fd(), TOKEN, interest).unwrap();
        selector.deregister(fd).unwrap();
    }
    assert_errno(selector.deregister(fd), libc::ENOENT);
    journal::plant([Some(libc::ENOENT), Some(libc::EBADF)]);
    assert_errno(selector.deregister(fd), libc::EBADF);
    journal::plant([Some(libc::EBADF), Some(libc::EBADF)]);
    assert_errno(selector.deregister(fd), libc::EBADF);
}

// T33, T72. Goal: an interrupted change is made again, because its receipts are not known; what
// the first attempt has done counts as done.
#[test]
fn t33_an_interrupted_change_is_made_again() {
    let (selector, (reader, writer)) = (Selector::new().unwrap(), a_pipe());
    let fd = reader.as_raw_fd();
    journal::take();
    journal::interrupt(2);
    selector.register(reader.as_fd(), TOKEN, Interest::READABLE).unwrap();
    assert_eq!(journal::take(), [add(fd, EVFILT_READ); 3]);
    write(&writer, b"a");
    assert_eq!(poll(&selector).len(), 1);

    journal::interrupt(1);
    selector.deregister(fd).unwrap();
    assert_eq!(journal::take().len(), 4);
    assert!(poll(&selector).is_empty());

    // The refusal comes with the repetition: had the first EINTR passed for success, it were lost.
    journal::interrupt(1);
    journal::plant([None, Some(libc::ENOMEM)]);
    assert_errno(selector.register(reader.as_fd(), TOKEN, Interest::READABLE), libc::ENOMEM);
}

// T72, T40. Goal: a signal does not swallow a notification (polling#265).
#[test]
fn t72_an_interrupted_notification_is_not_lost() {
    let selector = Selector::new().unwrap();
    let notifier = crate::Notifier::new(&selector, TOKEN).unwrap();
    journal::interrupt(1);
    notifier.notify(&selector).unwrap();
    assert_eq!(poll(&selector).len(), 1);
}

// T43. Goal: the cut of a long timeout, and that a short one keeps its nanoseconds.
#[test]
fn t43_long_timeouts_are_cut() {
    let parts = |timeout| {
        let timespec = timespec(timeout);
        (timespec.tv_sec, timespec.tv_nsec)
    };
    assert_eq!(parts(Duration::ZERO), (0, 0));
    assert_eq!(parts(Duration::from_nanos(1)), (0, 1));
    assert_eq!(parts(Duration::new(999_999, 999_999_999)), (999_999, 999_999_999));
    assert_eq!(parts(Duration::new(1_000_000, 1)), (1_000_000, 0));
    assert_eq!(parts(Duration::MAX), (1_000_000, 0));
}
