//! Linux's error queue: errors with their datagrams, times of departure, sends without copying; and
//! that a wait for it misses nothing and spins on nothing.

// The fake kqueue on Linux knows nothing of the queue.
#![cfg(all(
    feature = "net",
    not(all(any(target_os = "linux", target_os = "android"), edgewake_selector = "kqueue"))
))]

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "support/driven.rs"]
mod driven;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{io, net::SocketAddr};

use edgewake::net::UdpSocket;

// Goal: elsewhere all of it is refused by name, and nothing waits for ever.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[test]
fn refused_elsewhere() {
    tcp::run(|| async {
        let (socket, _) = local().await;
        let refusals = [
            tcp::kind(socket.set_recv_errors(true)),
            tcp::kind(socket.set_send_timestamp(true)),
            tcp::kind(socket.set_zerocopy(true)),
            tcp::kind(socket.try_recv_error()),
            tcp::kind(socket.recv_error().await),
        ];
        assert_eq!(refusals, [io::ErrorKind::Unsupported; 5]);
        let data = bytes::Bytes::from_static(b"copied");
        let to = socket.local_addr().unwrap();
        assert_eq!(socket.send_zerocopy(data, Some(to)).await.unwrap(), None);
    });
}

async fn local() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::{
        cell::Cell,
        net::{IpAddr, Ipv4Addr, Ipv6Addr},
        rc::Rc,
        time::Duration,
    };

    #[cfg(target_os = "linux")]
    use bytes::Bytes;
    use edgewake::net::udp::ErrorOrigin;

    use super::{SocketAddr, UdpSocket, io, local};
    use crate::tcp::{has_v6, kind, poll_once, run};

    /// An address at which nobody receives.
    async fn nobody(ip: IpAddr) -> SocketAddr {
        UdpSocket::bind(SocketAddr::new(ip, 0)).await.unwrap().local_addr().unwrap()
    }

    async fn asking(ip: IpAddr) -> UdpSocket {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0)).await.unwrap();
        socket.set_recv_errors(true).unwrap();
        socket
    }

    // Goal: what an unconnected socket sends to nobody comes back with all that is known: who says
    // so, where it was sent to, the datagram itself; each once, in order.
    #[test]
    fn errors_come_with_their_datagrams() {
        run(|| async {
            let families = [Ipv4Addr::LOCALHOST.into(), IpAddr::from(Ipv6Addr::LOCALHOST)];
            for ip in families.into_iter().filter(|ip| ip.is_ipv4() || has_v6()) {
                let socket = asking(ip).await;
                let targets = [nobody(ip).await, nobody(ip).await];
                for (number, target) in targets.iter().enumerate() {
                    // Errors of the first are returned here too, once.
                    while let Err(error) = socket.send_to(&[number as u8; 5], *target).await {
                        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
                    }
                }
                for (number, target) in targets.iter().enumerate() {
                    let entry = socket.recv_error().await.unwrap();
                    let error = entry.error().unwrap();
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
                    let unreachable = if ip.is_ipv4() { (3, 3) } else { (1, 4) };
                    assert_eq!(entry.icmp(), Some(unreachable), "port unreachable");
                    let origin = if ip.is_ipv4() { ErrorOrigin::Icmp } else { ErrorOrigin::Icmp6 };
                    assert_eq!((entry.origin(), entry.offender()), (origin, Some(ip)));
                    assert_eq!(entry.destination(), Some(*target));
                    assert_eq!(
                        (entry.payload(), entry.is_truncated()),
                        (&[number as u8; 5][..], false)
                    );
                    assert_eq!(
                        (entry.mtu(), entry.zero_copy(), entry.sent_at()),
                        (None, None, None)
                    );
                }
                assert_eq!(kind(socket.try_recv_error()), io::ErrorKind::WouldBlock);
            }
        });
    }

    // Goal: a datagram that this machine refuses for its size tells the MTU.
    #[test]
    fn too_long_tells_the_mtu() {
        run(|| async {
            let socket = asking(Ipv4Addr::LOCALHOST.into()).await;
            socket.set_dont_fragment(true).unwrap();
            let to = socket.local_addr().unwrap();
            // The loopback's MTU is 65536 unless somebody changed it: more than a datagram.
            let Err(error) = socket.send_to(&vec![0; 65_507], to).await else { return };
            let entry = socket.recv_error().await.unwrap();
            assert_eq!(entry.error().unwrap().raw_os_error(), error.raw_os_error());
            assert_eq!(entry.origin(), ErrorOrigin::Local);
            assert!(entry.mtu().is_some_and(|mtu| mtu < 65_535));
        });
    }

    // T88. Goal: two tasks, one waiting for data and one for errors: an entry reaches the latter
    // though the former, woken by the same event, finds no data and forgets it; and then both wait.
    #[test]
    fn t88_a_reader_does_not_eat_the_event() {
        use crate::driven::Driven;

        crate::support::deadline(|| {
            let mut driven = Driven::new();
            let (socket, target) = driven.block_on(async {
                (
                    Rc::new(asking(Ipv4Addr::LOCALHOST.into()).await),
                    nobody(Ipv4Addr::LOCALHOST.into()).await,
                )
            });
            let (errors, reads) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let (reader, count) = (Rc::clone(&socket), Rc::clone(&reads));
            let reading = driven.spawn(async move {
                let mut buffer = [0; 16];
                loop {
                    match reader.recv_from(&mut buffer).await {
                        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused),
                        Ok((0, _)) => return,
                        Ok(_) => count.set(count.get() + 1),
                    }
                }
            });
            let (watcher, count) = (Rc::clone(&socket), Rc::clone(&errors));
            let watching = driven.spawn(async move {
                loop {
                    let entry = watcher.recv_error().await.unwrap();
                    count.set(count.get() + 1);
                    if entry.payload() == b"last" {
                        return;
                    }
                }
            });
            driven.rest();
            let me = socket.local_addr().unwrap();
            for round in 1..=20 {
                let (sender, text) = (Rc::clone(&socket), if round == 20 { "last" } else { "x" });
                let sending = driven.spawn(async move {
                    while sender.send_to(text.as_bytes(), target).await.is_err() {}
                    while sender.send_to(b"data", me).await.is_err() {}
                });
                driven.finish(sending);
                driven.rest();
                assert_eq!(errors.get(), round, "an entry was not seen");
            }
            driven.finish(watching);
            let last = Rc::clone(&socket);
            let ending = driven.spawn(async move { while last.send_to(b"", me).await.is_err() {} });
            driven.finish(ending);
            driven.finish(reading);
            assert!(reads.get() > 0);
        });
    }

    // T88. Goal: a task that waits for errors alone rests between them: what the event left behind
    // is not taken for another one.
    #[test]
    fn t88_a_lone_watcher_rests() {
        use crate::driven::Driven;

        crate::support::deadline(|| {
            let mut driven = Driven::new();
            let ip = Ipv4Addr::LOCALHOST.into();
            let socket = Rc::new(driven.block_on(asking(ip)));
            let target = driven.block_on(nobody(ip));
            let (watcher, errors) = (Rc::clone(&socket), Rc::new(Cell::new(0)));
            let count = Rc::clone(&errors);
            let watching = driven.spawn(async move {
                while count.get() < 3 {
                    watcher.recv_error().await.unwrap();
                    count.set(count.get() + 1);
                }
            });
            driven.rest();
            for round in 1..=3 {
                driven.block_on(async { while socket.send_to(b"lost", target).await.is_err() {} });
                driven.rest();
                assert_eq!(errors.get(), round);
            }
            driven.finish(watching);
        });
    }

    // T88. Goal: entries that nobody takes make no reader spin, and are there for who comes later.
    #[test]
    fn t88_untaken_entries_do_not_spin() {
        use crate::driven::Driven;

        crate::support::deadline(|| {
            let mut driven = Driven::new();
            let socket = Rc::new(driven.block_on(asking(Ipv4Addr::LOCALHOST.into())));
            let target = driven.block_on(nobody(Ipv4Addr::LOCALHOST.into()));
            let reader = Rc::clone(&socket);
            let reading = driven.spawn(async move {
                let mut buffer = [0; 16];
                loop {
                    if let Ok((count, _)) = reader.recv_from(&mut buffer).await {
                        return count;
                    }
                }
            });
            driven.rest();
            driven.block_on(async {
                for _ in 0..3 {
                    while socket.send_to(b"lost", target).await.is_err() {}
                }
            });
            driven.rest();
            let taken = driven.block_on(async {
                let mut taken = 0;
                while socket.try_recv_error().is_ok() {
                    taken += 1;
                }
                let me = socket.local_addr().unwrap();
                while socket.send_to(b"data", me).await.is_err() {}
                taken
            });
            assert_eq!(taken, 3);
            assert_eq!(driven.finish(reading), 4);
        });
    }

    // Goal: dropped waits take nothing with them, several wait at once, and shutting down ends one.
    #[test]
    fn waits_can_be_dropped_and_shared() {
        run(|| async {
            let socket = asking(Ipv4Addr::LOCALHOST.into()).await;
            let target = nobody(Ipv4Addr::LOCALHOST.into()).await;
            let mut dropped = Box::pin(socket.recv_error());
            assert!(poll_once(dropped.as_mut()).is_pending());
            drop(dropped);
            let both = async {
                futures::join!(socket.recv_error(), socket.recv_error(), async {
                    for _ in 0..2 {
                        while socket.send_to(b"lost", target).await.is_err() {}
                    }
                })
            };
            let (one, other, ()) = both.await;
            assert_eq!(
                (one.unwrap().payload(), other.unwrap().payload()),
                (&b"lost"[..], &b"lost"[..])
            );
        });
    }

    // T79. Goal: a wait for errors ends when the driver does.
    #[test]
    fn t79_waits_end_with_the_driver() {
        crate::support::deadline(|| {
            let runtime = edgewake::Runtime::new().unwrap();
            let socket = runtime.block_on(asking(Ipv4Addr::LOCALHOST.into()));
            let mut wait = Box::pin(socket.recv_error());
            runtime.block_on(async { assert!(poll_once(wait.as_mut()).is_pending()) });
            drop(runtime);
            let outcome = futures::executor::block_on(wait);
            assert_eq!(kind(outcome), io::ErrorKind::BrokenPipe);
        });
    }

    // Goal: each datagram's time of departure, under its number.
    #[test]
    fn departures_are_numbered() {
        run(|| async {
            let (socket, to) = local().await;
            socket.set_send_timestamp(true).unwrap();
            for _ in 0..3 {
                socket.send_to(b"timed", to).await.unwrap();
            }
            for expected in 0..3 {
                let entry = socket.recv_error().await.unwrap();
                let (number, time) = entry.sent_at().unwrap();
                assert_eq!((number, entry.origin()), (expected, ErrorOrigin::Timestamp));
                assert!(time.elapsed().unwrap_or_default() < Duration::from_secs(3600));
                assert!(entry.error().is_none() && entry.payload().is_empty());
            }
            // Readers of data are not disturbed.
            let mut buffer = [0; 8];
            assert_eq!(socket.recv(&mut buffer).await.unwrap(), 5);
        });
    }

    // Goal: what is sent without copying is held until the kernel is done with it, and not longer;
    // the datagrams arrive as they were.
    #[cfg(target_os = "linux")]
    #[test]
    fn zero_copy_data_is_held_until_done() {
        run(|| async {
            let (receiver, to) = local().await;
            let (sender, _) = local().await;
            let data = Bytes::from(vec![9; 5000]);
            assert_eq!(
                sender.send_zerocopy(data.clone(), Some(to)).await.unwrap(),
                None,
                "not asked for"
            );
            if sender.set_zerocopy(true).is_err() {
                // A kernel before 5.0.
                return;
            }
            let mut buffer = vec![0; 6000];
            assert_eq!(receiver.recv(&mut buffer).await.unwrap(), 5000);
            for expected in 0..3 {
                let number = sender.send_zerocopy(data.clone(), Some(to)).await.unwrap();
                assert_eq!(number, Some(expected));
                assert_eq!(receiver.recv(&mut buffer).await.unwrap(), 5000);
                assert_eq!(buffer[..5000], data);
            }
            let empty = sender.send_zerocopy(Bytes::new(), Some(to)).await.unwrap();
            assert_eq!(empty, None);
            assert!(!data.is_unique());
            let mut done = 0;
            while done < 3 {
                let entry = sender.recv_error().await.unwrap();
                let range = entry.zero_copy().unwrap();
                assert_eq!(
                    (entry.origin(), entry.error().is_none()),
                    (ErrorOrigin::ZeroCopy, true)
                );
                done += (0..3).filter(|number| range.covers(*number)).count();
                assert!(!range.covers(3));
            }
            assert_eq!((done, sender.zerocopy_pending()), (3, 0));
            assert!(data.is_unique());
        });
    }
}
