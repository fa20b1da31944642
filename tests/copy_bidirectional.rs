//! `io::copy_bidirectional`: both directions, and how each end is carried over.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "support/driven.rs"]
mod driven;
#[path = "support/os.rs"]
mod os;
#[path = "support/peer.rs"]
mod peer;
mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/unix.rs"]
mod unix;

use std::{
    future::Future,
    io,
    net::Shutdown,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use driven::Driven;
use edgewake::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, CopyMethod, CopyOptions},
    net::{TcpStream, UnixStream},
};
use peer::pattern;
use support::deadline;
use tcp::{fill, kind, pair, poll_once, run};

const METHODS: [CopyMethod; 3] = [CopyMethod::Auto, CopyMethod::Buffer, CopyMethod::Splice];

// T61. Goal: the end of one direction is carried over at once, and the other one goes on. Method:
// the client ends first and gets its answer only after the server has seen that end; then the
// other way round.
#[test]
fn t61_half_close_is_carried_over() {
    run(|| async {
        for method in METHODS {
            for swapped in [false, true] {
                let (client, mut client_side) = pair().await;
                let (mut server_side, server) = UnixStream::pair().unwrap();
                let (first, second) = (pattern(1, 200_000), pattern(2, 300_000));
                let proxy = edgewake::spawn(async move {
                    let options = CopyOptions::new().method(method);
                    options.copy_bidirectional(&mut client_side, &mut server_side).await
                });
                let (up, down) = if swapped {
                    question(&server, &client, &first, &second).await;
                    (300_000, 200_000)
                } else {
                    question(&client, &server, &first, &second).await;
                    (200_000, 300_000)
                };
                assert_eq!(proxy.await.unwrap().unwrap(), (up, down), "{method:?}");
            }
        }
    });
}

/// Asks, ends, and is answered only then.
async fn question<A, B>(asks: &A, answers: &B, question: &[u8], answer: &[u8])
where
    for<'a> &'a A: AsyncReadExt + AsyncWriteExt + Unpin,
    for<'a> &'a B: AsyncReadExt + AsyncWriteExt + Unpin,
{
    let asking = async {
        let mut asks = asks;
        asks.write_all(question).await.unwrap();
        asks.close().await.unwrap();
        let mut heard = Vec::new();
        asks.read_to_end(&mut heard).await.unwrap();
        assert!(heard == answer);
    };
    let answering = async {
        let mut answers = answers;
        let mut heard = Vec::new();
        answers.read_to_end(&mut heard).await.unwrap();
        assert!(heard == question);
        answers.write_all(answer).await.unwrap();
        answers.close().await.unwrap();
    };
    futures::join!(asking, answering);
}

// Goal: each direction has its counter, or both have one.
#[test]
fn counters() {
    run(|| async {
        for shared in [false, true] {
            let (client, mut client_side) = pair().await;
            let (mut server_side, server) = pair().await;
            let (up, down) = (AtomicU64::new(0), AtomicU64::new(0));
            let options = if shared {
                CopyOptions::new().count_into(&up)
            } else {
                CopyOptions::new().counts_into(&up, &down)
            };
            let copying = options.copy_bidirectional(&mut client_side, &mut server_side);
            let talking = question(&client, &server, b"what", b"nothing");
            let (counts, ()) = futures::join!(copying, talking);
            assert_eq!(counts.unwrap(), (4, 7));
            let expected = if shared { (11, 0) } else { (4, 7) };
            assert_eq!((up.load(Ordering::SeqCst), down.load(Ordering::SeqCst)), expected);
        }
    });
}

/// A proxy whose client has sent more than the server, who reads nothing, has room for.
async fn stalled(
    method: CopyMethod,
) -> (edgewake::JoinHandle<io::Result<()>>, TcpStream, TcpStream) {
    let (client, mut client_side) = pair().await;
    let (mut server_side, server) = pair().await;
    fill(&server_side);
    let proxy = edgewake::spawn(async move {
        let options = CopyOptions::new().method(method);
        options.copy_bidirectional(&mut client_side, &mut server_side).await.map(drop)
    });
    assert_eq!(client.try_write(b"more").unwrap(), 4);
    for _ in 0..20 {
        tcp::turn().await;
    }
    assert!(!proxy.is_finished());
    (proxy, client, server)
}

/// Closes so that the other side sees a reset.
fn reset(stream: TcpStream) {
    stream.set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

// Goal: a reset of one end is seen while the other end stalls and nobody reads from the first.
// Method: the client has sent what the server has no room for, and resets.
#[test]
fn reset_is_seen_while_the_other_side_stalls() {
    run(|| async {
        for method in METHODS {
            let (proxy, client, server) = stalled(method).await;
            reset(client);
            assert_eq!(kind(proxy.await.unwrap()), io::ErrorKind::ConnectionReset, "{method:?}");
            drop(server);
        }
    });
}

// Goal: the same where the end's own direction is over: the client has asked, ended, and is gone
// before the server has said a word.
#[test]
fn reset_is_seen_after_the_end() {
    run(|| async {
        for method in METHODS {
            let (client, mut client_side) = pair().await;
            let (mut server_side, mut server) = pair().await;
            let proxy = edgewake::spawn(async move {
                let options = CopyOptions::new().method(method);
                options.copy_bidirectional(&mut client_side, &mut server_side).await
            });
            (&client).write_all(b"question").await.unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut heard = Vec::new();
            server.read_to_end(&mut heard).await.unwrap();
            assert_eq!(heard, b"question");
            reset(client);
            // Linux: EPIPE where the peer had ended its direction before (tcp_reset).
            let seen = kind(proxy.await.unwrap());
            let expected = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
            assert!(expected.contains(&seen), "{method:?}: {seen:?}");
        }
    });
}

// Goal: an end that has merely stopped sending is in order: what it sent is delivered when the
// other side goes on, however long that takes, and nothing spins meanwhile.
#[test]
fn half_close_while_the_other_side_stalls_is_no_error() {
    deadline(|| {
        for method in METHODS {
            let mut driven = Driven::new();
            let (proxy, client, server) = driven.block_on(stalled(method));
            client.shutdown(Shutdown::Write).unwrap();
            driven.rest();
            assert!(!proxy.is_finished());
            let heard = driven.block_on(async {
                let mut heard = Vec::new();
                (&server).read_to_end(&mut heard).await.unwrap();
                server.shutdown(Shutdown::Write).unwrap();
                heard
            });
            assert!(heard.ends_with(b"more"));
            driven.finish(proxy).unwrap();
        }
    });
}

// Goal: an error in one direction ends both, whatever the other one is doing.
#[test]
fn error_ends_both() {
    run(|| async {
        for method in METHODS {
            let (client, mut client_side) = pair().await;
            let (mut server_side, server) = pair().await;
            let proxy = edgewake::spawn(async move {
                let options = CopyOptions::new().method(method);
                options.copy_bidirectional(&mut client_side, &mut server_side).await
            });
            tcp::turn().await;
            reset(server);
            assert_eq!(kind(proxy.await.unwrap()), io::ErrorKind::ConnectionReset, "{method:?}");
            drop(client);
        }
    });
}

/// Takes nothing, and has something to say.
struct Refuses(&'static [u8]);

impl AsyncRead for Refuses {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        let count = buffer.len().min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Refuses {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

// Goal: an answer that is there when a direction fails still arrives, whichever direction it is:
// a server that refuses an upload says why and closes.
#[test]
fn answer_to_a_refused_upload_arrives() {
    run(|| async {
        for swapped in [false, true] {
            let (mut client, mut client_side) = UnixStream::pair().unwrap();
            client.write_all(b"upload").await.unwrap();
            let mut server = Refuses(b"413 too large");
            let outcome = if swapped {
                edgewake::io::copy_bidirectional(&mut server, &mut client_side).await
            } else {
                edgewake::io::copy_bidirectional(&mut client_side, &mut server).await
            };
            assert_eq!(kind(outcome), io::ErrorKind::ConnectionReset);
            drop(client_side);
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).await.unwrap();
            assert_eq!(heard, b"413 too large", "{swapped}");
        }
    });
}

// Goal: a proxy that has nothing to do rests, before and after it has moved something. Method: a
// runtime that would show a spin.
#[test]
fn idle_proxy_rests() {
    deadline(|| {
        for method in METHODS {
            let mut driven = Driven::new();
            let (client, mut client_side) = driven.block_on(pair());
            let (mut server_side, server) = driven.block_on(pair());
            let proxy = driven.spawn(async move {
                let options = CopyOptions::new().method(method);
                options.copy_bidirectional(&mut client_side, &mut server_side).await
            });
            driven.rest();
            driven.block_on(async {
                (&client).write_all(b"question").await.unwrap();
                let mut heard = [0; 8];
                (&server).read_exact(&mut heard).await.unwrap();
                assert_eq!(&heard, b"question");
            });
            driven.rest();
            drop((client, server));
            assert_eq!(driven.finish(proxy).unwrap(), (8, 0));
        }
    });
}

// T58. Goal: a task that polls many copies itself, more than its budget has operations, rests once
// each of them has to wait, for its readers or for a writer without room. Method: as above.
#[test]
fn t58_many_waiting_flows_rest() {
    const FLOWS: usize = 70;
    // Apple's shells set 256.
    let descriptors = os::raise_descriptor_limit(1000);
    assert!(descriptors >= 400, "the hard limit of descriptors is {descriptors}");
    deadline(|| {
        for method in METHODS {
            for full in [false, true] {
                let mut driven = Driven::new();
                let (mut peers, mut flows) = (Vec::new(), Vec::new());
                for _ in 0..FLOWS {
                    let (here, mut from) = UnixStream::pair().unwrap();
                    let (mut to, there) = UnixStream::pair().unwrap();
                    if full {
                        unix::fill(&to);
                        while to.try_write(b"x").is_ok() {}
                        assert_eq!(here.try_write(b"in hand").unwrap(), 7);
                    }
                    peers.push((here, there));
                    flows.push(async move {
                        let options = CopyOptions::new().method(method);
                        options.copy_bidirectional(&mut from, &mut to).await
                    });
                }
                let mut flows: Vec<_> = flows.into_iter().map(Box::pin).collect();
                let task = driven.spawn(std::future::poll_fn(move |cx| {
                    for flow in &mut flows {
                        assert!(flow.as_mut().poll(cx).is_pending());
                    }
                    Poll::<()>::Pending
                }));
                driven.rest();
                assert!(!task.is_finished());
                drop(peers);
            }
        }
    });
}

// Goal: a dropped copy leaves its ends as they were: nothing of its watch stays behind, and both
// work. Method: it is dropped where it stalls, with the watch in place.
#[test]
fn dropped_while_it_stalls() {
    deadline(|| {
        for method in METHODS {
            let mut driven = Driven::new();
            let (client, mut client_side) = driven.block_on(pair());
            let (mut server_side, server) = driven.block_on(pair());
            let filled = fill(&server_side);
            assert_eq!(client.try_write(b"lost").unwrap(), 4);
            driven.block_on(async {
                let options = CopyOptions::new().method(method);
                let mut copying =
                    Box::pin(options.copy_bidirectional(&mut client_side, &mut server_side));
                for _ in 0..20 {
                    assert!(poll_once(copying.as_mut()).is_pending());
                    tcp::turn().await;
                }
            });
            driven.rest();
            driven.block_on(async {
                tcp::drain(&server, filled).await;
                assert_eq!(client.try_write(b"kept").unwrap(), 4);
                let mut bytes = [0; 4];
                client_side.read_exact(&mut bytes).await.unwrap();
                server_side.write_all(&bytes).await.unwrap();
                (&server).read_exact(&mut bytes).await.unwrap();
                assert_eq!(&bytes, b"kept");
            });
            reset(client);
            driven.rest();
        }
    });
}
