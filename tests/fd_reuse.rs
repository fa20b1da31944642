//! Descriptor numbers that are used again, shared, or changed behind the library's back: no event
//! reaches the wrong object, and no object loses its own.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/driven.rs"]
mod driven;
#[path = "support/peer.rs"]
mod peer;
mod support;

use std::{
    io::{self, Read, Write},
    net,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
};

use edgewake::{
    AsyncFd, Interest, Runtime,
    net::{TcpListener, TcpStream},
    yield_now,
};
use futures::AsyncWriteExt;

use crate::{
    driven::Driven,
    peer::{accepted, connect, listener, pair, read_when_readable, reset, until},
    support::{WakeCount, deadline},
};

/// Runs a future on a runtime of its own, and fails where it would hang.
#[track_caller]
fn run<F: Future<Output = ()>>(future: impl FnOnce() -> F + Send + 'static) {
    deadline(|| Runtime::new().expect("a runtime").block_on(future()));
}

/// Has the kernel asked for events, several times over.
async fn let_events_come() {
    for _ in 0..600 {
        yield_now().await;
    }
}

fn readable<T: AsFd>(inner: T) -> AsyncFd<T> {
    AsyncFd::with_interest(inner, Interest::READABLE).expect("it can be polled")
}

/// Asserts that `stream` waits, is not woken for nothing, and is woken by its own peer's data.
async fn works(stream: &TcpStream, peer: &mut net::TcpStream) {
    let count = WakeCount::new();
    let mut wait = Box::pin(stream.readable());
    assert!(count.poll(&mut wait).is_pending(), "nothing was sent to it");
    let_events_come().await;
    assert_eq!(count.wakes(), 0, "an event of another socket");
    peer.write_all(b"mine").expect("room");
    until("its own event comes", || count.wakes() > 0).await;
    assert_eq!(read_when_readable(stream, 4).await, b"mine");
}

// T26, T28. Goal: a connection that takes the number of one that closed with events under way gets
// none of them. Method: data and a reset are in the kernel when the old one is dropped, registered,
// lent to outside code or not.
#[test]
fn t26_a_new_connection_gets_no_event_of_its_numbers_last_owner() {
    run(|| async {
        let listener = listener().await;
        let mut reused = 0;
        for round in 0..100 {
            let (old, mut old_peer) = accepted(&listener).await;
            let mut wait = Box::pin(old.readable());
            assert!(WakeCount::new().poll(&mut wait).is_pending());
            drop(wait);
            let number = (round % 2 == 0).then(|| old.as_raw_fd());
            old_peer.write_all(b"late").expect("room");
            if round % 3 == 0 {
                reset(old_peer);
                drop(old);
            } else {
                // The number goes to the next connection, while the peer is still there.
                drop(old);
            }
            let (new, mut peer) = accepted(&listener).await;
            works(&new, &mut peer).await;
            reused += usize::from(number == Some(new.as_raw_fd()));
        }
        assert!(reused > 10, "numbers are used again, or this shows nothing: {reused}");
    });
}

/// When woken, drops a connection and accepts another one in its place.
struct Successor {
    listener: TcpListener,
    old: Mutex<Option<TcpStream>>,
    new: Mutex<Option<TcpStream>>,
    wakes_of_new: WakeCount,
}

impl Wake for Successor {
    fn wake(self: Arc<Successor>) {
        if self.old.lock().expect("no panic").take().is_none() {
            return;
        }
        let (stream, _) = self.listener.try_accept().expect("a connection is queued");
        let mut wait = Box::pin(stream.readable());
        assert!(self.wakes_of_new.poll(&mut wait).is_pending(), "nothing was sent to it");
        drop(wait);
        *self.new.lock().expect("no panic") = Some(stream);
    }
}

// T21, T25, T28. Goal: an event that is in the same batch as the one whose waker closes its socket,
// and opens another one with the same number, reaches neither. Method: a waker that does just that,
// in the middle of the dispatch, before or after the event of the socket that it closes.
#[test]
fn t28_an_event_of_the_same_batch_does_not_reach_the_successor() {
    run(|| async {
        for closes_first in [true, false] {
            let listener = listener().await;
            let (first, mut first_peer) = accepted(&listener).await;
            let (second, mut second_peer) = accepted(&listener).await;
            let (closer, victim) = if closes_first { (first, second) } else { (second, first) };
            let mut queued = connect(&listener);
            let successor = Arc::new(Successor {
                listener,
                old: Mutex::new(None),
                new: Mutex::new(None),
                wakes_of_new: WakeCount::new(),
            });
            let wait = |stream: &TcpStream, waker: &Waker| {
                let mut cx = Context::from_waker(waker);
                assert!(stream.poll_read_ready(&mut cx).is_pending());
            };
            wait(&closer, &Waker::from(Arc::clone(&successor)));
            wait(&victim, &WakeCount::new().waker());
            *successor.old.lock().expect("no panic") = Some(victim);
            // In the kernel's queue in this order, and in one batch: nobody asks in between.
            first_peer.write_all(b"1").expect("room");
            second_peer.write_all(b"2").expect("room");
            until("the closer is woken", || successor.new.lock().expect("no panic").is_some())
                .await;
            let_events_come().await;
            assert_eq!(successor.wakes_of_new.wakes(), 0, "an event of another socket");
            let new = successor.new.lock().expect("no panic").take().expect("it was accepted");
            works(&new, &mut queued).await;
        }
    });
}

// T27. Goal: a connection that was duplicated by its user is deregistered when it is dropped, so
// that the duplicate, which keeps the socket alive, wakes nobody and is no work for the loop.
#[test]
fn t27_a_duplicate_does_not_keep_the_registration_alive() {
    deadline(|| {
        let mut driven = Driven::new();
        let (stream, mut peer) = driven.block_on(pair());
        let duplicate = stream.as_fd().try_clone_to_owned().expect("a duplicate");
        driven.block_on(async {
            let mut wait = Box::pin(stream.readable());
            assert!(WakeCount::new().poll(&mut wait).is_pending());
        });
        drop(stream);
        driven.rest();
        peer.write_all(b"for the duplicate").expect("room");
        assert_eq!(driven.settle(), None);
        driven.rest();
        let mut text = [0; 64];
        let mut duplicate = net::TcpStream::from(duplicate);
        duplicate.set_nonblocking(false).expect("open");
        assert_eq!(duplicate.read(&mut text).expect("data"), 17);
    });
}

/// A pair of Unix sockets, its first one under `number`, if nobody else took that.
fn pair_at(number: i32) -> Option<(UnixStream, UnixStream)> {
    // Those that got another number are kept until the end, or it would be the same each time.
    let pairs: Vec<_> = (0..4).map(|_| UnixStream::pair().expect("a pair")).collect();
    pairs.into_iter().find(|(first, _)| first.as_raw_fd() == number)
}

// T24, T27. Goal: a descriptor that its owner replaced and closed behind the registration's back is
// cleaned up without a panic, and whoever got its number is left alone: its registration is not the
// one to end. Method: rounds until the number was used again while the first registration lived.
#[test]
fn t24_a_descriptor_closed_behind_our_back() {
    run(|| async {
        let mut rounds = 0..1000;
        loop {
            rounds.next().expect("the lowest free number is given out first");
            let (ours, _peer) = UnixStream::pair().expect("a pair");
            let (other, _other_peer) = UnixStream::pair().expect("a pair");
            let number = ours.as_raw_fd();
            let mut ours = readable(OwnedFd::from(ours));
            drop(std::mem::replace(ours.get_mut(), other.into()));
            let Some((next, mut peer)) = pair_at(number) else { continue };
            match AsyncFd::with_interest(next, Interest::READABLE) {
                Ok(next) => {
                    let count = WakeCount::new();
                    let mut wait = Box::pin(next.readable());
                    assert!(count.poll(&mut wait).is_pending());
                    drop(ours);
                    peer.write_all(b"x").expect("room");
                    drop(wait.await.expect("a driver"));
                }
                // Where the kernel would replace the one by the other, the later one is told.
                Err(error) if cfg!(edgewake_selector = "kqueue") => {
                    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
                }
                Err(error) => panic!("epoll can tell the two apart: {error}"),
            }
            return;
        }
    });
}

// T30. Goal: what was taken out of the library again is deregistered: its events are no work for
// the loop, and the same number can be registered anew, in whatever form.
#[test]
fn t30_what_was_taken_out_can_be_registered_again() {
    run(|| async {
        let (mut stream, mut peer) = pair().await;
        for round in 0..10 {
            let mut wait = Box::pin(stream.readable());
            // Pending, or ready from the round before: registered in either case.
            let _registered = WakeCount::new().poll(&mut wait);
            drop(wait);
            let std = stream.into_std().expect("no error today");
            let ours = readable(std);
            peer.write_all(b"ping").expect("room");
            let mut room = [0; 8];
            let read = ours.async_io(Interest::READABLE, |mut std| std.read(&mut room));
            assert_eq!(read.await.expect("data"), 4, "round {round}");
            let std = ours.into_inner();
            stream = TcpStream::try_from(OwnedFd::from(std)).expect("a socket");
            peer.write_all(b"pong").expect("room");
            assert_eq!(read_when_readable(&stream, 4).await, b"pong");
            stream.write_all(b"done").await.expect("room");
            peer.read_exact(&mut room[..4]).expect("data");
        }
    });
}

// T30. Goal: nothing of the old registration makes the loop turn after `into_inner`.
#[test]
fn t30_what_was_taken_out_is_no_work_for_the_loop() {
    deadline(|| {
        let mut driven = Driven::new();
        let (ours, mut peer) = UnixStream::pair().expect("a pair");
        let ours = driven.block_on(async { readable(ours) });
        driven.rest();
        let mut ours = ours.into_inner();
        driven.rest();
        peer.write_all(b"x").expect("room");
        assert_eq!(driven.settle(), None);
        driven.rest();
        assert_eq!(ours.read(&mut [0; 4]).expect("data"), 1);
    });
}

// T91. Goal: a second object for the same descriptor is refused by the same runtime, as often as
// it is tried, and the first one goes on working; when that has gone the number is free again.
#[test]
fn t91_a_second_owner_is_refused_and_the_first_goes_on() {
    run(|| async {
        let (ours, mut peer) = UnixStream::pair().expect("a pair");
        let ours = Arc::new(ours);
        let first = readable(Arc::clone(&ours));
        for round in 0..5 {
            let interest = if round % 2 == 0 { Interest::READABLE } else { Interest::WRITABLE };
            let refused = AsyncFd::try_with_interest(Arc::clone(&ours), interest);
            let (_, error) = refused.expect_err("it is taken");
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            let mut room = [0; 8];
            let read = first.async_io(Interest::READABLE, |ours| (&**ours).read(&mut room));
            let writes = async { peer.write_all(b"abc").expect("room") };
            let (count, ()) = futures::join!(read, writes);
            assert_eq!(count.expect("data"), 3);
        }
        drop(first);
        let second = readable(Arc::clone(&ours));
        peer.write_all(b"abc").expect("room");
        drop(second.readable().await.expect("a driver"));
    });
}

// Goal: two runtimes of one thread can both watch one descriptor, and the end of one leaves the
// other's registration alone.
#[test]
fn two_runtimes_watch_one_descriptor() {
    deadline(|| {
        let runtimes = [Runtime::new().expect("a runtime"), Runtime::new().expect("a runtime")];
        let (ours, mut peer) = UnixStream::pair().expect("a pair");
        let ours = Arc::new(ours);
        let mut watchers: Vec<_> = runtimes
            .iter()
            .map(|runtime| runtime.block_on(async { readable(Arc::clone(&ours)) }))
            .collect();
        peer.write_all(b"x").expect("room");
        for (runtime, watcher) in runtimes.iter().zip(&watchers) {
            runtime.block_on(async { watcher.readable().await.expect("a driver").retain_ready() });
        }
        assert_eq!((&*ours).read(&mut [0; 8]).expect("data"), 1);
        drop(watchers.remove(0));
        let count = WakeCount::new();
        runtimes[1].block_on(async {
            watchers[0].readable().await.expect("a driver").clear_ready();
            let mut wait = Box::pin(watchers[0].readable());
            assert!(count.poll(&mut wait).is_pending());
            peer.write_all(b"y").expect("room");
            drop(wait.await.expect("a driver"));
        });
    });
}

// T25. Goal: sockets that are dropped in the middle of a batch, by the tasks and wakers that
// the batch wakes, while hundreds of others are in it, harm nobody. Method: every connection's task
// drops its neighbour's when it is woken.
#[test]
fn t25_sockets_dropped_by_what_a_batch_wakes() {
    run(|| async {
        const COUNT: usize = 60;
        let listener = listener().await;
        let woken = Arc::new(AtomicUsize::new(0));
        for _ in 0..5 {
            let mut peers = Vec::new();
            let shelf: Arc<Mutex<Vec<Option<TcpStream>>>> = Arc::default();
            for index in 0..COUNT {
                let (stream, peer) = accepted(&listener).await;
                peers.push(peer);
                let waker =
                    DropsNeighbour { shelf: Arc::clone(&shelf), index, woken: woken.clone() };
                let waker = Waker::from(Arc::new(waker));
                assert!(stream.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
                shelf.lock().expect("no panic").push(Some(stream));
            }
            for peer in &mut peers {
                peer.write_all(b"go").expect("room");
            }
            until("half of them are dropped", || {
                let shelf = shelf.lock().expect("no panic");
                shelf.iter().filter(|place| place.is_none()).count() >= COUNT / 2
            })
            .await;
            let survivor = shelf.lock().expect("no panic").iter_mut().find_map(Option::take);
            if let Some(survivor) = survivor {
                assert_eq!(read_when_readable(&survivor, 2).await, b"go");
            }
            shelf.lock().expect("no panic").clear();
        }
        assert!(woken.load(Ordering::SeqCst) >= 5 * COUNT / 2);
    });
}

struct DropsNeighbour {
    shelf: Arc<Mutex<Vec<Option<TcpStream>>>>,
    index: usize,
    woken: Arc<AtomicUsize>,
}

impl Wake for DropsNeighbour {
    fn wake(self: Arc<DropsNeighbour>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        let neighbour = {
            let mut shelf = self.shelf.lock().expect("no panic");
            let next = (self.index + 1) % shelf.len().max(1);
            shelf.get_mut(next).and_then(Option::take)
        };
        drop(neighbour);
    }
}
