//! Connecting to one of several addresses: which are tried, when, and what is told if none answers
//! (RFC 8305).

#![cfg(feature = "net")]

#[cfg(target_os = "linux")]
#[path = "support/black_hole.rs"]
mod black_hole;
#[path = "support/driven.rs"]
mod driven;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use edgewake::net::{TcpListener, TcpStream, tcp::Connector};
use tcp::{has_v6, kind, listener, nobody, run};

/// A connector that remembers, in order, the family of each attempt.
fn families(seen: &Arc<Mutex<Vec<char>>>) -> Connector {
    let seen = Arc::clone(seen);
    Connector::new().prepare(move |socket| {
        let family = if socket.local_addr()?.is_ipv4() { '4' } else { '6' };
        seen.lock().expect("no panic").push(family);
        Ok(())
    })
}

async fn listener_v6() -> TcpListener {
    TcpListener::bind("[::1]:0").await.expect("IPv6 is there")
}

async fn nobody_v6() -> SocketAddr {
    listener_v6().await.local_addr().expect("the listener's address")
}

// Goal: an attempt that fails is followed by the next at once. Method: the delay is far longer.
#[test]
fn refused_addresses_cost_no_delay() {
    run(|| async {
        let listener = listener().await;
        let good = listener.local_addr().unwrap();
        let bad = nobody().await;
        let connector = Connector::new().attempt_delay(Duration::from_secs(2));
        let start = Instant::now();
        let stream = connector.connect([bad, bad, bad, good]).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(2));
        assert_eq!(stream.peer_addr().unwrap(), good);
    });
}

// Goal: the families take turns, beginning with the first address's.
#[test]
fn families_take_turns() {
    if !has_v6() {
        return;
    }
    run(|| async {
        let (six, four) = (nobody_v6().await, nobody().await);
        let cases = [
            (vec![six, six, four, four], "6464"),
            (vec![four, four, six, six], "4646"),
            (vec![six, four, four, four], "6444"),
            (vec![four, six, six], "466"),
            (vec![four, four], "44"),
        ];
        for (addresses, expected) in cases {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let outcome = families(&seen).connect(addresses).await;
            assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
            assert_eq!(seen.lock().unwrap().iter().collect::<String>(), expected);
        }
        let seen = Arc::new(Mutex::new(Vec::new()));
        let in_order = families(&seen).in_order(true);
        assert!(in_order.connect([six, six, four, four]).await.is_err());
        assert_eq!(seen.lock().unwrap().iter().collect::<String>(), "6644");
    });
}

// Goal: attempts after the one that is connected are not made.
#[test]
fn nothing_is_tried_after_success() {
    run(|| async {
        let listener = listener().await;
        let good = listener.local_addr().unwrap();
        let bad = nobody().await;
        for in_order in [false, true] {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let connector = families(&seen).in_order(in_order);
            connector
                .attempt_delay(Duration::from_secs(2))
                .connect([bad, good, bad])
                .await
                .unwrap();
            assert_eq!(seen.lock().unwrap().len(), 2);
        }
    });
}

// Goal: where all fail, the last error is told that is more than "there is no way to it".
#[test]
fn all_fail() {
    run(|| async {
        let bad = nobody().await;
        // An address of the documentation's (RFC 5737): nobody has it, so nobody can bind to it.
        let not_ours = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 0));
        for in_order in [false, true] {
            let connector = Connector::new().in_order(in_order);
            let outcome = connector.connect([bad, bad, bad]).await;
            assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
            let none: [SocketAddr; 0] = [];
            assert_eq!(kind(connector.connect(none).await), io::ErrorKind::InvalidInput);
            let unavailable = connector.clone().bind(not_ours);
            assert_eq!(
                kind(unavailable.connect([bad, bad]).await),
                io::ErrorKind::AddrNotAvailable
            );
            let fails = connector.clone().prepare(|_| Err(io::Error::other("unprepared")));
            assert_eq!(fails.connect([bad, bad]).await.unwrap_err().to_string(), "unprepared");
            assert_eq!(fails.connect(bad).await.unwrap_err().to_string(), "unprepared");
        }
        assert_eq!(
            kind(TcpStream::connect_in_order([bad, bad]).await),
            io::ErrorKind::ConnectionRefused
        );
    });
}

// Goal: a refused address tells more than an unreachable one that was tried after it.
#[test]
fn unreachable_addresses_tell_less() {
    if !has_v6() {
        return;
    }
    run(|| async {
        // What is unreachable differs from machine to machine; binding to an address of nobody's
        // fails everywhere, and alike.
        let not_ours = "[2001:db8::1]:0".parse().unwrap();
        let connector = Connector::new().bind(not_ours);
        let (bad, unreachable) = (nobody().await, nobody_v6().await);
        let outcome = connector.connect([bad, unreachable]).await;
        assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
        let outcome = connector.connect([unreachable, bad]).await;
        assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
        let outcome = connector.connect([unreachable, unreachable]).await;
        assert_eq!(kind(outcome), io::ErrorKind::AddrNotAvailable);
    });
}

// Goal: a local port that somebody else has is an error, and nothing waits for it.
#[test]
fn a_port_of_somebody_elses_is_told() {
    run(|| async {
        let (theirs, bad) = (listener().await, nobody().await);
        for in_order in [false, true] {
            let connector = Connector::new().in_order(in_order).bind(theirs.local_addr().unwrap());
            let outcome = connector.connect([bad, bad, bad]).await;
            assert_eq!(kind(outcome), io::ErrorKind::AddrInUse);
        }
    });
}

// Goal: the local address is used for its family, and each socket is prepared before it is bound.
#[test]
fn sockets_are_prepared_and_bound() {
    run(|| async {
        let listener = listener().await;
        let good = listener.local_addr().unwrap();
        let local = nobody().await;
        let prepared = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&prepared);
        let connector = Connector::new().bind(local).prepare(move |socket| {
            assert_eq!(socket.local_addr()?.port(), 0, "it is bound only afterwards");
            count.fetch_add(1, Ordering::SeqCst);
            socket.set_reuse_addr(true)?;
            socket.set_nodelay(true)
        });
        let stream = connector.connect(good).await.unwrap();
        assert_eq!(stream.local_addr().unwrap(), local);
        assert!(stream.nodelay().unwrap());
        assert_eq!(prepared.load(Ordering::SeqCst), 1);
        if has_v6() {
            // The other family is not bound.
            let listener = listener_v6().await;
            connector.connect(listener.local_addr().unwrap()).await.unwrap();
        }
    });
}

#[cfg(target_os = "linux")]
mod silent {
    use edgewake::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::{black_hole::BlackHole, driven::Driven, support::deadline};

    /// How long connecting to these takes, and to what it leads.
    async fn timed(connector: &Connector, addresses: &[SocketAddr]) -> (Duration, TcpStream) {
        let start = Instant::now();
        let stream = connector.connect(addresses).await.expect("one of them answers");
        (start.elapsed(), stream)
    }

    // Goal: after 250 ms without an answer the next address is tried beside the first, no earlier,
    // and each further one after as long again.
    #[test]
    fn silent_addresses_cost_the_delay_each() {
        run(|| async {
            let hole = BlackHole::new();
            let listener = listener().await;
            let good = listener.local_addr().unwrap();
            let plain = Connector::new();
            for holes in 1..3_u32 {
                let mut addresses = vec![hole.address(); holes as usize];
                addresses.push(good);
                let (taken, stream) = timed(&plain, &addresses).await;
                assert_eq!(stream.peer_addr().unwrap(), good);
                assert!(taken >= holes * Duration::from_millis(250), "{holes} in {taken:?}");
            }
            // The same through the plain function.
            let start = Instant::now();
            TcpStream::connect([hole.address(), good]).await.unwrap();
            assert!(start.elapsed() >= Duration::from_millis(250));
        });
    }

    // Goal: the delay can be set, within RFC 8305's bounds.
    #[test]
    fn the_delay_is_within_its_bounds() {
        run(|| async {
            let hole = BlackHole::new();
            let listener = listener().await;
            let addresses = [hole.address(), listener.local_addr().unwrap()];
            for (set, least) in [(0, 10), (100, 100)] {
                let (set, least) = (Duration::from_millis(set), Duration::from_millis(least));
                let (taken, _) = timed(&Connector::new().attempt_delay(set), &addresses).await;
                assert!(taken >= least, "{taken:?}");
            }
            let endless = Connector::new().attempt_delay(Duration::MAX);
            let (taken, _) = timed(&endless, &addresses).await;
            assert!(taken >= Duration::from_secs(2), "{taken:?}");
        });
    }

    // Goal: an address that is silent and one that refuses: the refusal of the second starts the
    // third at once, beside the first.
    #[test]
    fn silent_then_refused() {
        run(|| async {
            let hole = BlackHole::new();
            let listener = listener().await;
            let good = listener.local_addr().unwrap();
            let bad = nobody().await;
            let connector = Connector::new().attempt_delay(Duration::from_secs(1));
            let (taken, _) = timed(&connector, &[hole.address(), bad, bad, good]).await;
            assert!((1000..2000).contains(&taken.as_millis()), "{taken:?}");
        });
    }

    // Goal: an attempt goes on while later ones run and fail, and may win. Method: the first
    // address begins to answer once all have been tried; the second refuses, the third never
    // answers.
    #[test]
    fn early_attempts_go_on() {
        run(|| async {
            let (mut first, second) = (BlackHole::new(), BlackHole::new());
            let addresses = [first.address(), nobody().await, second.address()];
            let seen = Arc::new(Mutex::new(Vec::new()));
            let connector = families(&seen).attempt_delay(Duration::from_millis(20));
            let connecting = edgewake::spawn(async move { connector.connect(addresses).await });
            while seen.lock().unwrap().len() < 3 {
                tcp::turn().await;
            }
            first.open();
            let mut stream = connecting.await.unwrap().unwrap();
            assert_eq!(stream.peer_addr().unwrap(), first.address());
            let mut server = first.accept();
            io::Write::write_all(&mut server, b"x").unwrap();
            stream.read_exact(&mut [0]).await.unwrap();
            stream.write_all(b"y").await.unwrap();
            io::Read::read_exact(&mut server, &mut [0]).unwrap();
        });
    }

    // Goal: the attempts of a fixed local port, which only one of them can have, all come to their
    // turn. Method: the first goes on until the others have found the port taken, and then fails.
    #[test]
    fn a_fixed_port_goes_from_attempt_to_attempt() {
        run(|| async {
            let hole = BlackHole::new();
            let listener = listener().await;
            let good = listener.local_addr().unwrap();
            let (bad, local) = (nobody().await, nobody().await);
            let addresses = [hole.address(), bad, good];
            let seen = Arc::new(Mutex::new(Vec::new()));
            let connector = families(&seen).attempt_delay(Duration::from_millis(20)).bind(local);
            let connecting = edgewake::spawn(async move { connector.connect(addresses).await });
            while seen.lock().unwrap().len() < 3 {
                tcp::turn().await;
            }
            // The next segment that asks for a connection is refused.
            drop(hole);
            let stream = connecting.await.unwrap().unwrap();
            assert_eq!(stream.peer_addr().unwrap(), good);
            assert_eq!(stream.local_addr().unwrap(), local);
            // The two that found it taken tried once more, and no oftener.
            assert_eq!(seen.lock().unwrap().len(), 5);
        });
    }

    // Goal: while the port is taken, the race goes on with the addresses that need another.
    #[test]
    fn a_fixed_port_holds_up_its_family_alone() {
        if !has_v6() {
            return;
        }
        run(|| async {
            let hole = BlackHole::new();
            let listener = listener_v6().await;
            let good = listener.local_addr().unwrap();
            let local = nobody().await;
            let addresses = [hole.address(), nobody_v6().await, hole.address(), good];
            let connector = Connector::new().bind(local);
            let (_, stream) = timed(&connector, &addresses).await;
            assert_eq!(stream.peer_addr().unwrap(), good);
        });
    }

    // Goal: sockets that share the port race as without one.
    #[test]
    fn attempts_that_share_a_port_race() {
        run(|| async {
            let hole = BlackHole::new();
            let listener = listener().await;
            let good = listener.local_addr().unwrap();
            let local = nobody().await;
            let connector =
                Connector::new().bind(local).prepare(|socket| socket.set_reuse_addr(true));
            let (_, stream) = timed(&connector, &[hole.address(), good]).await;
            assert_eq!(stream.peer_addr().unwrap(), good);
            assert_eq!(stream.local_addr().unwrap(), local);
        });
    }

    // Goal: one address costs no timer, and neither does the plain order; a race has one while an
    // address is left that it has not tried. Method: ask the loop for how long it would wait.
    #[test]
    fn only_a_race_takes_a_timer() {
        deadline(|| {
            let mut driven = Driven::new();
            let hole = BlackHole::new();
            let address = hole.address();
            let one = driven.spawn(async move { TcpStream::connect(address).await });
            assert_eq!(driven.settle(), None);
            let in_order =
                driven.spawn(async move { TcpStream::connect_in_order([address; 3]).await });
            assert_eq!(driven.settle(), None);
            let connector = Connector::new().attempt_delay(Duration::from_secs(2));
            let race = driven.spawn(async move { connector.connect([address; 2]).await });
            let wait = driven.settle().expect("a timer");
            assert!(!wait.is_zero() && wait <= Duration::from_secs(2));
            race.abort();
            assert_eq!(driven.settle(), None, "the timer goes with the race");
            let connector = Connector::new().attempt_delay(Duration::ZERO);
            let race = driven.spawn(async move { connector.connect([address; 2]).await });
            while driven.settle().is_some() {}
            assert!(!race.is_finished(), "the second is tried; nothing is left to wait for");
            for task in [&one, &in_order, &race] {
                task.abort();
            }
            driven.rest();
        });
    }
}
