//! A source and a selector that says no, or has lost what it was told.

#[cfg(edgewake_selector = "epoll")]
use std::fs::File;
use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
};

use edgewake_sys::Interest;

use crate::{
    reactor::{Reactor, kind::Kind, side::Direction, source::Source},
    sync::Arc,
};

fn source(kind: Kind) -> Arc<Source> {
    Arc::new(Source::new(kind, true, None))
}

/// Registers with a reactor, and ends the source.
#[cfg(edgewake_selector = "epoll")]
fn outcome(source: &Arc<Source>, end: impl AsFd, asked: Interest) -> io::Result<()> {
    let outcome = source.enroll(end.as_fd(), asked, Some(Arc::new(Reactor::new().unwrap())));
    assert_eq!(source.is_enrolled(asked), outcome.is_ok());
    source.detach(true);
    outcome
}

// Goal: a direction that is added to a registration that the selector does not have, as while it
// is being rebuilt, is registered all the same.
#[test]
fn a_registration_that_is_not_there_is_made_anew() {
    let (end, _other) = UnixStream::pair().unwrap();
    let (source, reactor) = (source(Kind::Stream), Arc::new(Reactor::new().unwrap()));
    source.enroll(end.as_fd(), Interest::READABLE, Some(Arc::clone(&reactor))).unwrap();
    reactor.selector().deregister(source.fd()).unwrap();
    source.enroll(end.as_fd(), Interest::WRITABLE, Some(Arc::clone(&reactor))).unwrap();
    assert!(source.is_enrolled(Interest::READABLE | Interest::WRITABLE));
    // It is there: it can be ended.
    reactor.selector().deregister(source.fd()).unwrap();
    source.detach(true);
}

// T27. Goal: a descriptor that lives on is not registered any more, whoever has seen it.
#[test]
fn t27_what_lives_on_is_not_registered() {
    let exposures: [fn(&Source); 3] = [|_| {}, Source::lend, Source::give_away];
    for (number, expose) in exposures.into_iter().enumerate() {
        let (end, _other) = UnixStream::pair().unwrap();
        let (source, reactor) = (source(Kind::Stream), Arc::new(Reactor::new().unwrap()));
        source.enroll(end.as_fd(), Interest::READABLE, Some(Arc::clone(&reactor))).unwrap();
        expose(&source);
        source.detach(false);
        let known = reactor.selector().deregister(source.fd());
        assert_eq!(known.unwrap_err().kind(), io::ErrorKind::NotFound, "exposure {number}");
    }
}

// Goal: a reactor whose selector was lent knows it.
#[test]
fn a_lent_selector_is_known() {
    let reactor = Reactor::new().unwrap();
    assert!(!reactor.is_lent());
    reactor.lend();
    assert!(reactor.is_lent());
}

// T36. Goal: an end that registering has told ends the directions that it is about: both of a
// pipe's writer, whichever filter told it.
#[test]
fn t36_an_end_that_registering_tells_ends_its_directions() {
    for (kind, ended, reads, writes) in [
        (Kind::Stream, Interest::READABLE, true, false),
        (Kind::Stream, Interest::PRIORITY, true, false),
        (Kind::Stream, Interest::WRITABLE, false, true),
        (Kind::PipeWriter, Interest::READABLE, true, true),
        (Kind::PipeReader, Interest::READABLE, true, false),
    ] {
        let source = source(kind);
        source.raise_ends(ended);
        let is_closed = |direction| source.snapshot(direction).is_closed();
        let found = (is_closed(Direction::Read), is_closed(Direction::Write));
        assert_eq!(found, (reads, writes), "{kind:?} {ended:?}");
    }
}

// Goal: a descriptor that the selector does not accept is refused in a sentence.
#[cfg(edgewake_selector = "epoll")]
#[test]
fn a_file_is_refused_in_a_sentence() {
    let file = File::open(std::env::current_exe().unwrap()).unwrap();
    let error = outcome(&source(Kind::Other), file, Interest::READABLE).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
}

#[cfg(all(edgewake_faults, edgewake_selector = "epoll"))]
mod faults {
    use edgewake_sys::faults::{Action, Installed, Plan, install};

    use super::{Arc, AsFd, Interest, Kind, Reactor, UnixStream, outcome, source};

    const EINVAL: i32 = 22;
    const ENOMEM: i32 = 12;

    fn refuse(nth: u64, errno: i32) -> Installed {
        install(Plan { call: Some("epoll_ctl"), nth, action: Action::Fail(errno) })
    }

    // Goal: an error of the selector is the error of the wait, in its own words.
    #[test]
    fn the_selectors_errors_pass() {
        let (end, _other) = UnixStream::pair().unwrap();
        let plan = refuse(1, ENOMEM);
        let error = outcome(&source(Kind::Stream), &end, Interest::READABLE).unwrap_err();
        assert_eq!((error.raw_os_error(), plan.struck()), (Some(ENOMEM), Some("epoll_ctl")));
        drop(plan);
        // And of a second direction.
        let (source, reactor) = (source(Kind::Stream), Arc::new(Reactor::new().unwrap()));
        source.enroll(end.as_fd(), Interest::READABLE, Some(Arc::clone(&reactor))).unwrap();
        let plan = refuse(1, ENOMEM);
        let again = source.enroll(end.as_fd(), Interest::WRITABLE, Some(reactor));
        assert_eq!(again.unwrap_err().raw_os_error(), Some(ENOMEM));
        assert_eq!((plan.struck(), plan.counted()), (Some("epoll_ctl"), 1));
        assert!(!source.is_enrolled(Interest::WRITABLE));
        source.detach(true);
    }

    // T36. Goal: a pipe's writer for which the system refuses both filters at once waits for room
    // alone; nobody else gets a second try.
    #[test]
    fn t36_a_refused_writer_waits_for_room_alone() {
        let (_reader, writer) = edgewake_sys::pipe::pipe().unwrap();
        let plan = refuse(1, EINVAL);
        outcome(&source(Kind::PipeWriter), &writer, Interest::WRITABLE).unwrap();
        assert_eq!(plan.struck(), Some("epoll_ctl"));
        drop(plan);
        for (kind, asked, errno) in [
            (Kind::PipeWriter, Interest::WRITABLE, ENOMEM),
            (Kind::PipeWriter, Interest::PRIORITY, EINVAL),
            (Kind::Stream, Interest::WRITABLE, EINVAL),
        ] {
            let _plan = refuse(1, errno);
            let error = outcome(&source(kind), &writer, asked).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(errno), "{kind:?} {asked:?}");
        }
    }
}
