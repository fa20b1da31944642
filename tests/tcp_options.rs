//! The options of TCP streams, listeners and unconnected sockets.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{io, time::Duration};

use edgewake::net::{
    Keepalive, TcpListener, TcpSocket, TcpStream,
    sockopt::{self, TcpState},
};
use tcp::{has_v6, kind, listener, nobody, pair, run};

const LINUX: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// What an option gives that this system has (`has`), or may refuse to the unprivileged.
/// One that it has not must be `Unsupported`.
#[track_caller]
fn known<T>(has: bool, outcome: io::Result<T>) -> Option<T> {
    match outcome {
        Ok(value) => {
            assert!(has, "an option of another system has succeeded");
            Some(value)
        }
        Err(error) if !has => {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains("socket option"), "{error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The same where setting may take privilege.
#[track_caller]
fn allowed(has: bool, outcome: io::Result<()>) -> bool {
    match outcome {
        Err(error) if has && error.kind() == io::ErrorKind::PermissionDenied => false,
        outcome => known(has, outcome).is_some(),
    }
}

/// A test of the options that all three types have.
macro_rules! common {
    ($name:ident, $type:ty) => {
        fn $name(socket: &$type) {
            // Nagle's algorithm.
            for nodelay in [true, false] {
                socket.set_nodelay(nodelay).unwrap();
                assert_eq!(socket.nodelay().unwrap(), nodelay);
            }

            // T52. Lingering counts in seconds on every system; part of one is a whole one.
            assert_eq!(socket.linger().unwrap(), None);
            for (set, got) in [(0, 0), (5000, 5), (1200, 2)] {
                socket.set_linger(Some(Duration::from_millis(set))).unwrap();
                assert_eq!(socket.linger().unwrap(), Some(Duration::from_secs(got)));
            }
            socket.set_linger(None).unwrap();
            assert_eq!(socket.linger().unwrap(), None);

            // What goes into the header of each packet.
            assert!(socket.ttl().unwrap() > 0);
            socket.set_ttl(17).unwrap();
            assert_eq!(socket.ttl().unwrap(), 17);
            if LINUX {
                assert_eq!(kind(socket.set_ttl(256)), io::ErrorKind::InvalidInput);
            }
            assert_eq!(socket.tos().unwrap(), 0);
            socket.set_tos(0x10).unwrap();
            assert_eq!(socket.tos().unwrap(), 0x10);

            // T67. Linux reports the double, exactly.
            let least = |size, set: usize| if LINUX { size == 2 * set } else { size >= set };
            socket.set_recv_buffer_size(16 * 1024).unwrap();
            assert!(least(socket.recv_buffer_size().unwrap(), 16 * 1024));
            socket.set_send_buffer_size(24 * 1024).unwrap();
            assert!(least(socket.send_buffer_size().unwrap(), 24 * 1024));

            keepalive_of(|set| socket.set_keepalive(set), || socket.keepalive());

            let has = cfg!(edgewake_has = "so_mark");
            assert_eq!(known(has, socket.mark()), has.then_some(0));
            if allowed(has, socket.set_mark(0x8000_0001)) {
                assert_eq!(socket.mark().unwrap(), 0x8000_0001);
            }

            let has = cfg!(edgewake_has = "so_bindtodevice");
            assert_eq!(known(has, socket.device()), has.then_some(None));
            if allowed(has, socket.bind_device(Some(b"lo"))) {
                assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
                socket.bind_device(None).unwrap();
                assert_eq!(socket.device().unwrap(), None);
                assert!(socket.bind_device(Some(b"a device's name, much too long")).is_err());
            }

            let has = cfg!(edgewake_has = "tcp_user_timeout");
            assert_eq!(known(has, socket.user_timeout()), has.then_some(Duration::ZERO));
            let timeout = Duration::from_micros(12_344_100);
            if known(has, socket.set_user_timeout(timeout)).is_some() {
                assert_eq!(socket.user_timeout().unwrap(), Duration::from_millis(12_345));
                let far = socket.set_user_timeout(Duration::MAX);
                assert_eq!(kind(far), io::ErrorKind::InvalidInput);
                socket.set_user_timeout(Duration::ZERO).unwrap();
            }

            let has = cfg!(edgewake_has = "tcp_notsent_lowat");
            if known(has, socket.set_notsent_lowat(32 * 1024)).is_some() {
                assert_eq!(socket.notsent_lowat().unwrap(), 32 * 1024);
            } else {
                assert_eq!(kind(socket.notsent_lowat()), io::ErrorKind::Unsupported);
            }

            let has = cfg!(edgewake_has = "tcp_congestion");
            if let Some(present) = known(has, socket.congestion()) {
                assert!(!present.is_empty());
                socket.set_congestion(&present).unwrap();
                assert_eq!(socket.congestion().unwrap(), present);
                assert!(socket.set_congestion(b"no such thing").is_err());
            }

            assert!(!socket.reuse_port().unwrap());
            assert!(socket.take_error().unwrap().is_none());

            // The way to all other options.
            assert!(!socket.option(&sockopt::OOB_INLINE).unwrap());
            socket.set_option(&sockopt::OOB_INLINE, true).unwrap();
            assert!(socket.option(&sockopt::OOB_INLINE).unwrap());
        }
    };
}

common!(of_stream, TcpStream);
common!(of_listener, TcpListener);
common!(of_socket, TcpSocket);

/// The three times, all at once, one by one, and off again.
fn keepalive_of(
    set: impl Fn(Option<Keepalive>) -> io::Result<()>,
    get: impl Fn() -> io::Result<Option<Keepalive>>,
) {
    assert_eq!(get().unwrap(), None);
    set(Some(Keepalive::new())).unwrap();
    let initial = get().unwrap().unwrap();
    let has = cfg!(edgewake_has = "tcp_keepintvl");
    assert_eq!(initial.interval().is_some(), has);
    assert_eq!(initial.count().is_some(), has);

    let all = Keepalive::new()
        .with_idle(Duration::from_secs(600))
        .with_interval(Duration::from_millis(29_001))
        .with_count(7);
    if known(has, set(Some(all))).is_some() {
        let all = all.with_interval(Duration::from_secs(30));
        assert_eq!(get().unwrap(), Some(all));
        set(Some(Keepalive::new().with_count(3))).unwrap();
        assert_eq!(get().unwrap(), Some(all.with_count(3)));
    }
    set(None).unwrap();
    assert_eq!(get().unwrap(), None);
    if LINUX {
        // A time that is refused leaves keepalive off.
        let kind = kind(set(Some(Keepalive::new().with_idle(Duration::ZERO))));
        assert_eq!(kind, io::ErrorKind::InvalidInput);
        assert_eq!(get().unwrap(), None);
    }
}

// Goal: each option reads back what was set, on each type; one that the system lacks says so.
#[test]
fn options_of_a_stream() {
    run(|| async {
        let (client, _server) = pair().await;
        of_stream(&client);
    });
}

#[test]
fn options_of_a_listener() {
    run(|| async { of_listener(&listener().await) });
}

#[test]
fn options_of_a_socket() {
    run(|| async { of_socket(&TcpSocket::new_v4().unwrap()) });
}

// Goal: `ttl` and `tos` are the options of the socket's own family.
#[test]
fn options_of_an_ipv6_socket() {
    if !has_v6() {
        return;
    }
    let socket = TcpSocket::new_v6().unwrap();
    socket.set_ttl(9).unwrap();
    assert_eq!(socket.ttl().unwrap(), 9);
    assert_eq!(socket.option(&sockopt::HOP_LIMIT).unwrap(), 9);
    socket.set_tos(0x28).unwrap();
    assert_eq!(socket.tos().unwrap(), 0x28);
    assert_eq!(socket.option(&sockopt::TRAFFIC_CLASS).unwrap(), 0x28);
    socket.set_only_v6(true).unwrap();
    assert!(socket.only_v6().unwrap());
}

// Goal: what only a connection has.
#[test]
fn options_of_a_connection() {
    run(|| async {
        let (client, server) = pair().await;
        let has = cfg!(edgewake_has = "tcp_quickack");
        if known(has, client.set_quickack(true)).is_some() {
            assert!(client.quickack().unwrap());
        }
        let has = cfg!(any(edgewake_has = "tcp_cork", edgewake_has = "tcp_nopush"));
        for cork in [true, false] {
            if known(has, client.set_cork(cork)).is_some() {
                assert_eq!(client.cork().unwrap(), cork);
            }
        }
        assert!(!client.oob_inline().unwrap());
        client.set_oob_inline(true).unwrap();
        assert!(client.oob_inline().unwrap());

        let has = cfg!(edgewake_has = "tcp_info");
        if let Some(info) = known(has, client.tcp_info()) {
            assert_eq!(info.state, Some(TcpState::Established));
            drop(server);
            client.closed().await.unwrap();
            assert_eq!(client.tcp_info().unwrap().state, Some(TcpState::CloseWait));
        }
    });
}

// Goal: what only a listener has.
#[test]
fn options_of_accepting() {
    run(|| async {
        let listener = listener().await;
        assert!(listener.reuse_addr().unwrap());
        listener.set_backlog(3).unwrap();
        listener.set_backlog(u32::MAX).unwrap();
        let has = cfg!(edgewake_has = "tcp_defer_accept");
        if known(has, listener.set_defer_accept(Duration::from_secs(1))).is_some() {
            assert!(listener.defer_accept().unwrap() >= Duration::from_secs(1));
            listener.set_defer_accept(Duration::ZERO).unwrap();
        }
        if LINUX {
            listener.set_fast_open(5).unwrap();
            assert_eq!(listener.fast_open().unwrap(), 5);
        } else if cfg!(not(edgewake_has = "tcp_fastopen")) {
            assert_eq!(kind(listener.set_fast_open(5)), io::ErrorKind::Unsupported);
        }
        let socket = TcpSocket::new_v4().unwrap();
        let has = cfg!(edgewake_has = "tcp_fastopen_connect");
        if known(has, socket.set_fast_open_connect(true)).is_some() {
            assert!(socket.fast_open_connect().unwrap());
        }
    });
}

// Goal: with fast open a connection comes about and carries data, whether or not the system has it
// switched on and knows a cookie. Method: twice, since the first connection gets the cookie.
#[cfg(edgewake_has = "tcp_fastopen_connect")]
#[test]
fn fast_open_carries_data() {
    use edgewake::io::{AsyncReadExt, AsyncWriteExt};

    run(|| async {
        let listener = listener().await;
        listener.set_fast_open(5).unwrap();
        for _ in 0..2 {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_fast_open_connect(true).unwrap();
            let mut client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
            client.write_all(b"fast").await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4];
            server.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"fast");
            server.write_all(b"back").await.unwrap();
            client.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"back");
        }
    });
}

// Goal: what the listener has, accepted connections start with.
#[test]
fn accepted_connections_inherit() {
    run(|| async {
        let listener = listener().await;
        listener.set_keepalive(Some(Keepalive::new())).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        assert!(server.keepalive().unwrap().is_some());
        assert!(client.keepalive().unwrap().is_none());
    });
}

// T52. Goal: closing with a linger time of zero resets the connection.
#[test]
fn t52_zero_linger_resets() {
    run(|| async {
        let (client, server) = pair().await;
        tcp::reset(client, &server).await;
        assert_eq!(kind(server.try_read(&mut [0])), io::ErrorKind::ConnectionReset);
    });
}

// Goal: the pending error is taken once.
#[test]
fn take_error_takes() {
    run(|| async {
        let (client, server) = pair().await;
        tcp::reset(client, &server).await;
        let error = server.take_error().unwrap().expect("the reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(server.take_error().unwrap().is_none());
        assert!(TcpStream::connect(nobody().await).await.is_err());
    });
}
