//! Accepting while the process has no descriptor left. The limit is the whole process's, so this
//! binary has one test.

#![cfg(feature = "net")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    cell::Cell,
    os::fd::OwnedFd,
    pin::pin,
    rc::Rc,
    time::{Duration, Instant},
};

use edgewake::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use futures::{StreamExt, channel::oneshot};
use tcp::{listener, poll_once, run};

/// Sets the soft limit of open descriptors.
fn set_limit(most: libc::rlim_t) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for the call to fill.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
    limit.rlim_cur = most;
    // SAFETY: `limit` is a valid limit below the hard one.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
}

/// Takes every descriptor that is left.
fn hoard(of: &impl std::os::fd::AsFd) -> Vec<OwnedFd> {
    let mut hoard = Vec::new();
    while let Ok(copy) = of.as_fd().try_clone_to_owned() {
        hoard.push(copy);
        assert!(hoard.len() <= 64, "the limit does not hold");
    }
    hoard
}

/// Connections whose other end nobody has accepted yet, each with a byte in it.
async fn waiting(listener: &TcpListener, number: usize) -> Vec<TcpStream> {
    let mut clients = Vec::new();
    for _ in 0..number {
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (&client).write_all(b"x").await.unwrap();
        clients.push(client);
    }
    clients
}

// T57. Goal: at the limit accept waits, without spinning, and goes on by itself once a descriptor
// is free, of which no edge tells. Method: count the polls of an accept that lasts several pauses;
// then free the descriptors. The same for two tasks that share a `poll_accept`: both get theirs.
#[test]
fn t57_accept_at_the_limit_waits_and_recovers() {
    run(|| async {
        set_limit(64);
        let listener = Rc::new(listener().await);

        let clients = waiting(&listener, 2).await;
        let hoarded = hoard(&clients[0]);
        let polls = Rc::new(Cell::new(0));
        let freed = Rc::new(Cell::new(false));
        let (paused, three_pauses) = oneshot::channel();
        let start = Instant::now();
        let acceptor = edgewake::spawn_local({
            let (listener, polls, freed) = (listener.clone(), polls.clone(), freed.clone());
            let mut paused = Some(paused);
            async move {
                let mut accept = pin!(listener.accept());
                let accepted = std::future::poll_fn(|cx| {
                    polls.set(polls.get() + 1);
                    if polls.get() == 4 {
                        paused.take().unwrap().send(()).unwrap();
                    }
                    accept.as_mut().poll(cx)
                });
                let (server, _) = accepted.await.unwrap();
                assert!(freed.get(), "accepted without a descriptor");
                server
            }
        });
        // 5, 10 and 20 ms: it is polled at their ends and no more often.
        three_pauses.await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(35));
        assert_eq!(polls.get(), 4);
        freed.set(true);
        drop(hoarded);
        let mut byte = [0];
        acceptor.await.unwrap().read_exact(&mut byte).await.unwrap();
        assert_eq!(polls.get(), 5);
        listener.accept().await.unwrap().0.read_exact(&mut byte).await.unwrap();

        // T20.
        let clients = waiting(&listener, 2).await;
        let hoarded = hoard(&clients[0]);
        let acceptors = [(); 2].map(|()| {
            let listener = Rc::clone(&listener);
            edgewake::spawn_local(async move {
                let mut server = listener.incoming().next().await.unwrap().unwrap();
                let mut byte = [0];
                server.read_exact(&mut byte).await.unwrap();
            })
        });
        edgewake::yield_now().await;
        assert!(acceptors.iter().all(|acceptor| !acceptor.is_finished()));
        drop(hoarded);
        for acceptor in acceptors {
            acceptor.await.unwrap();
        }

        // An accept that is dropped in its pause leaves the connection, and no timer that matters.
        let clients = waiting(&listener, 1).await;
        let hoarded = hoard(&clients[0]);
        {
            let mut accept = pin!(listener.accept());
            assert!(poll_once(accept.as_mut()).is_pending());
        }
        drop(hoarded);
        listener.accept().await.unwrap().0.read_exact(&mut byte).await.unwrap();
    });
}
