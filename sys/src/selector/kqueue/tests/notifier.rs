//! The notifier of the system on the kqueue selector: kept, coalesced, never lost, never endless.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{poll, wait_for};
use crate::{Notifier, Selector, Token};

const TOKEN: Token = Token(u64::MAX);

// T40, T72. Goal: any number of notifications before a wait is one event, with the token, and not
// a second one.
#[test]
fn t40_notifications_are_kept_and_reported_once() {
    let selector = Selector::new().unwrap();
    let notifier = Notifier::new(&selector, TOKEN).unwrap();
    assert!(poll(&selector).is_empty());
    for round in 1..=3 {
        for _ in 0..round {
            notifier.notify(&selector).unwrap();
        }
        let events = poll(&selector);
        assert_eq!(events.len(), 1, "round {round}: {events:?}");
        assert_eq!(events[0].token(), TOKEN);
        notifier.drain().unwrap();
        assert!(poll(&selector).is_empty(), "round {round}");
    }
}

// Goal: two notifiers of one selector are told apart.
#[test]
fn notifiers_are_told_apart_by_token() {
    let selector = Selector::new().unwrap();
    let first = Notifier::new(&selector, Token(1)).unwrap();
    let second = Notifier::new(&selector, Token(2)).unwrap();
    second.notify(&selector).unwrap();
    let events = poll(&selector);
    assert_eq!((events.len(), events[0].token()), (1, Token(2)));
    second.drain().unwrap();
    first.notify(&selector).unwrap();
    let events = poll(&selector);
    assert_eq!((events.len(), events[0].token()), (1, Token(1)));
}

// Goal: a notifier used with another selector says so and wakes nobody.
#[cfg(edgewake_notifier = "user_event")]
#[test]
fn a_foreign_selector_is_refused() {
    let (own, foreign) = (Selector::new().unwrap(), Selector::new().unwrap());
    let notifier = Notifier::new(&own, TOKEN).unwrap();
    let error = notifier.notify(&foreign).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
}

// Goal: no notification is lost between threads. Each sender counts, then notifies; a wait that
// began before the last count must end.
#[test]
fn every_notification_ends_a_wait() {
    const SENDERS: usize = 4;
    const ROUNDS: usize = 100;
    let selector = Arc::new(Selector::new().unwrap());
    let notifier = Arc::new(Notifier::new(&selector, TOKEN).unwrap());
    let counts: Arc<[AtomicUsize; SENDERS]> = Arc::default();
    let mut senders = Vec::new();
    for sender in 0..SENDERS {
        let (selector, notifier) = (Arc::clone(&selector), Arc::clone(&notifier));
        let counts = Arc::clone(&counts);
        senders.push(thread::spawn(move || {
            for _ in 0..ROUNDS {
                // Release: the loop's Acquire load sees what was done before the notification.
                counts[sender].fetch_add(1, Ordering::Release);
                notifier.notify(&selector).unwrap();
            }
        }));
    }
    // Acquire: pairs with the senders' Release.
    let total = || counts.iter().map(|count| count.load(Ordering::Acquire)).sum::<usize>();
    while total() < SENDERS * ROUNDS {
        let event = wait_for(&selector, |event| event.token() == TOKEN);
        assert_eq!(event.token(), TOKEN);
        notifier.drain().unwrap();
    }
    for sender in senders {
        sender.join().unwrap();
    }
}
