//! A send that finds a queue full (`ENOBUFS`) waits on a timer and tries again (T45): it does not
//! spin, though the socket is writable all the while, it can be dropped, and it makes no error of
//! it. Runs with `RUSTFLAGS="--cfg edgewake_faults"`: a real full queue needs a device that is
//! slower than the sender, and on Linux a socket that asked for errors.

#![cfg(all(feature = "net", feature = "time"))]
#![cfg(edgewake_faults)]

#[path = "support/driven.rs"]
mod driven;
mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/udp.rs"]
mod udp;

use std::{
    cell::Cell,
    future::poll_fn,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    task::Poll,
    time::{Duration, Instant},
};

use driven::Driven;
use edgewake::{net::UdpSocket, time::timeout};
use edgewake_sys::faults::{Action, Installed, Plan, install};
use support::{WakeCount, deadline};
use tcp::{poll_once, run};
use udp::{address, pair, socket};

/// Makes the next `call` of this thread find the queue full.
fn full(call: &'static str) -> Installed {
    install(Plan { call: Some(call), nth: 1, action: Action::Fail(libc::ENOBUFS) })
}

fn is_full(outcome: &io::Result<usize>) -> bool {
    matches!(outcome, Err(error) if error.raw_os_error() == Some(libc::ENOBUFS))
}

/// The forms of sending that wait, and the system call of each.
const FORMS: [(&str, &str); 6] = [
    ("send", "send"),
    ("poll_send", "send"),
    ("send_to", "sendto"),
    ("poll_send_to", "sendto"),
    ("send_vectored", "sendmsg"),
    ("poll_send_vectored", "sendmsg"),
];

async fn send(form: &str, socket: &UdpSocket, target: SocketAddr) -> io::Result<usize> {
    let pieces = [IoSlice::new(b"wai"), IoSlice::new(b"ted")];
    match form {
        "send" => socket.send(b"waited").await,
        "poll_send" => poll_fn(|cx| socket.poll_send(cx, b"waited")).await,
        "send_to" => socket.send_to(b"waited", target).await,
        "poll_send_to" => poll_fn(|cx| socket.poll_send_to(cx, b"waited", target)).await,
        "send_vectored" => socket.send_vectored(&pieces).await,
        "poll_send_vectored" => poll_fn(|cx| socket.poll_send_vectored(cx, &pieces)).await,
        other => unreachable!("{other}"),
    }
}

/// A sender and a receiver, connected to each other if the form wants that. (Some systems refuse
/// an address on a connected socket.)
async fn ends(form: &str) -> (UdpSocket, UdpSocket) {
    if form.ends_with("send_to") { (socket().await, socket().await) } else { pair().await }
}

// T45. Goal: each form waits out a full queue and then sends, once.
#[test]
fn t45_full_queue_is_waited_out() {
    run(|| async {
        for (form, call) in FORMS {
            let (sender, receiver) = ends(form).await;
            let target = address(&receiver);
            let plan = full(call);
            {
                let mut sending = pin!(send(form, &sender, target));
                assert!(poll_once(sending.as_mut()).is_pending(), "{form}");
                assert_eq!(plan.struck(), Some(call), "{form}");
                assert_eq!(sending.await.unwrap(), 6, "{form}");
            }
            assert_eq!(plan.counted(), 2, "{form}: the failure, and the one that was sent");
            let mut bytes = [0; 8];
            assert_eq!(receiver.recv(&mut bytes).await.unwrap(), 6, "{form}");
            assert_eq!(&bytes[..6], b"waited");
            // The next one does not wait.
            let next = poll_once(pin!(send(form, &sender, target)));
            assert!(matches!(next, Poll::Ready(Ok(6))), "{form}: {next:?}");
            let (next, _) = receiver.recv_from(&mut bytes).await.unwrap();
            assert_eq!(next, 6);
            let more = receiver.try_recv(&mut bytes).unwrap_err();
            assert_eq!(more.kind(), io::ErrorKind::WouldBlock, "{form}: sent twice");
        }
    });
}

// T45. Goal: while it waits the loop rests until the timer is due; a queue that stays full is
// asked a few times with growing pauses, not as fast as the machine can.
#[test]
fn t45_full_queue_does_not_spin() {
    deadline(|| {
        for (form, call) in FORMS {
            let mut driven = Driven::new();
            let (sender, receiver) = driven.block_on(ends(form));
            let target = address(&receiver);
            let polls = Rc::new(Cell::new(0));
            // Every attempt up to the sixth strikes: the plan is renewed at each poll.
            let attempts = Rc::new(Cell::new(0));
            let start = Instant::now();
            let sending = driven.spawn({
                let (polls, attempts) = (Rc::clone(&polls), Rc::clone(&attempts));
                async move {
                    let mut sending = pin!(send(form, &sender, target));
                    poll_fn(|cx| {
                        polls.set(polls.get() + 1);
                        let plan = (attempts.get() < 6).then(|| full(call));
                        let outcome = sending.as_mut().poll(cx);
                        if plan.is_some_and(|plan| plan.struck().is_some()) {
                            attempts.set(attempts.get() + 1);
                        }
                        outcome
                    })
                    .await
                }
            });
            let wait = driven.settle();
            assert!(wait.is_some_and(|wait| !wait.is_zero()), "{form}: it waits for its timer");
            assert_eq!(polls.get(), 1, "{form}");
            assert_eq!(driven.finish(sending).unwrap(), 6, "{form}");
            // 1, 2, 4, 8, 16 and 32 ms.
            assert!(start.elapsed() >= Duration::from_millis(63), "{form}");
            assert_eq!((polls.get(), attempts.get()), (7, 6), "{form}");
            driven.rest();
        }
    });
}

// T45. Goal: dropping a send that waits, as a timeout does, ends its timer and sends nothing.
#[test]
fn t45_waiting_send_can_be_dropped() {
    deadline(|| {
        let mut driven = Driven::new();
        let (sender, receiver) = driven.block_on(pair());
        let task = driven.spawn(async move {
            let plan = full("send");
            {
                let mut sending = pin!(sender.send(b"never"));
                assert!(poll_once(sending.as_mut()).is_pending());
            }
            assert_eq!(plan.counted(), 1);
            drop(plan);
            // Shorter than the pause after so many failures.
            let outcome = timeout(Duration::from_millis(20), async {
                let mut sending = pin!(sender.send(b"never"));
                poll_fn(|cx| {
                    let _plan = full("send");
                    sending.as_mut().poll(cx)
                })
                .await
            });
            assert!(outcome.await.is_err(), "the queue was never empty");
            sender
        });
        let sender = driven.finish(task);
        driven.rest();
        let mut bytes = [0; 8];
        assert_eq!(receiver.try_recv(&mut bytes).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(sender.try_send(b"now").unwrap(), 3);
        assert_eq!(driven.block_on(receiver.recv(&mut bytes)).unwrap(), 3);
    });
}

// T20, T45. Goal: callers of `poll_send` share one pause, and its end wakes all of them.
#[test]
fn t20_pollers_share_the_pause() {
    run(|| async {
        let (sender, receiver) = pair().await;
        let wakes: Vec<WakeCount> = (0..12).map(|_| WakeCount::new()).collect();
        let plan = full("send");
        let mut sends: Vec<_> =
            wakes.iter().map(|_| poll_fn(|cx| sender.poll_send(cx, b"polled"))).collect();
        for (wake, send) in wakes.iter().zip(&mut sends) {
            assert!(wake.poll(send).is_pending());
        }
        assert_eq!(plan.counted(), 1, "who comes while it lasts does not try");
        drop(plan);
        while wakes.iter().any(|wake| wake.wakes() == 0) {
            edgewake::time::sleep(Duration::from_millis(1)).await;
        }
        for (wake, send) in wakes.iter().zip(&mut sends) {
            assert!(matches!(wake.poll(send), Poll::Ready(Ok(6))));
        }
        let mut bytes = [0; 8];
        for _ in &wakes {
            assert_eq!(receiver.recv(&mut bytes).await.unwrap(), 6);
        }
    });
}

// T45. Goal: the forms that do not wait tell of it as it is: to call it `WouldBlock` would send
// their callers to sleep for an edge that does not come. The socket stays writable.
#[test]
fn t45_attempts_tell() {
    run(|| async {
        let (sender, receiver) = pair().await;
        sender.writable().await.unwrap();
        let plan = full("send");
        assert!(is_full(&sender.try_send(b"x")));
        drop(plan);
        assert!(poll_once(pin!(sender.writable())).is_ready());
        assert_eq!(sender.try_send(b"x").unwrap(), 1);
        assert_eq!(receiver.recv(&mut [0]).await.unwrap(), 1);
    });
}

// Goal: where nobody can time the pause the error is the caller's, in both ways of waiting.
#[test]
fn without_a_driver_the_error_is_told() {
    let sender = UdpSocket::new_v4().unwrap();
    let target: SocketAddr = "127.0.0.1:9".parse().unwrap();
    for form in ["send_to", "poll_send_to"] {
        let _plan = full("sendto");
        match poll_once(pin!(send(form, &sender, target))) {
            Poll::Ready(outcome) => assert!(is_full(&outcome), "{form}: {outcome:?}"),
            Poll::Pending => panic!("{form} waits for nobody"),
        }
    }
}
