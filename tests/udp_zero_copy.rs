//! Sends without copying: their memory is held for as long as the kernel can read it, also where
//! the kernel counts such sends otherwise than one would think. Linux.
//!
//! The first test slows down the loopback of a network namespace, as `udp_full_queue` does, and
//! says so where it cannot.

#![cfg(all(feature = "net", feature = "time"))]
// The fake kqueue on Linux knows nothing of the error queue.
#![cfg(all(target_os = "linux", not(edgewake_selector = "kqueue")))]

mod support;
#[path = "support/tcp.rs"]
mod tcp;
#[path = "support/udp.rs"]
mod udp;

use std::{
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    pin::pin,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use bytes::Bytes;
use edgewake::net::{UdpSocket, sockopt};
use tcp::{poll_once, run};
use udp::{address, socket};

/// Set for the process in the namespace.
const INSIDE: &str = "EDGEWAKE_TEST_SLOW_LOOPBACK";

/// What the shell does in the namespace before it becomes this program again: `$1` says how slow,
/// `$2` is the test, `$3` the bound on what may be pending, of namespaces since Linux 6.8.
const SLOW_DOWN: &str = "ip link set lo up && tc qdisc add dev lo root tbf $1 \
    && if test -n \"$3\"; then echo \"$3\" > /proc/sys/net/core/optmem_max; fi || exit 77; \
    exec \"$0\" \"$2\" --exact --nocapture";

const LENGTH: usize = 1300;

/// Memory that is written over when it is freed, as its next owner would, and counted. It is not
/// given back, so that nobody else's memory shows.
struct Owner(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.fill(0xEE);
        std::mem::forget(std::mem::take(&mut self.0));
        // Relaxed: a count, read by the thread that drops.
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs `body` on a slow loopback, in a process that runs `test` alone.
#[allow(clippy::print_stdout, reason = "a test that cannot run here says so")]
fn slowly<F>(test: &str, how: &str, optmem: &str, body: fn() -> F)
where
    F: Future<Output = ()> + 'static,
{
    if std::env::var_os(INSIDE).is_some() {
        return run(body);
    }
    let this = std::env::current_exe().expect("its own path");
    let outcome = Command::new("unshare")
        .args(["--net", "sh", "-c", SLOW_DOWN])
        .arg(this)
        .args([how, test, optmem])
        .env(INSIDE, "1")
        .output();
    let output = match outcome {
        Ok(output) => output,
        Err(error) => return println!("skipped: unshare: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => assert!(said.contains("1 passed"), "{said}"),
        // unshare's own failure is 1, a failed test's 101.
        Some(1 | 77 | 127) => println!("skipped: no slow loopback here: {said}"),
        _ => panic!("{said}"),
    }
}

// Goal: a send that failed when the kernel had counted it already frees no other's memory: what
// arrives is what was sent. Nor is its own memory freed: parts of it may be on their way. Method: a
// queue with room for two datagrams, which leave ten times a second.
#[test]
fn memory_outlives_a_full_queue() {
    let how = "rate 100kbit burst 2000 limit 3000";
    slowly("memory_outlives_a_full_queue", how, "", full_queue);
}

async fn full_queue() {
    let (receiver, sender) = (socket().await, socket().await);
    let to = Some(address(&receiver));
    if sender.set_zerocopy(true).is_err() {
        // A kernel before 5.0.
        return;
    }
    sender.set_recv_errors(true).unwrap();
    let freed = Arc::new(AtomicUsize::new(0));
    let memory = |letter| Bytes::from_owner(Owner(vec![letter; LENGTH], Arc::clone(&freed)));
    let mut sent = Vec::new();
    for letter in b'a'..=b'z' {
        let sending = pin!(sender.send_zerocopy(memory(letter), to));
        match poll_once(sending) {
            Poll::Ready(outcome) => sent.push((letter, outcome.unwrap())),
            Poll::Pending => break,
        }
    }
    assert!((2..20).contains(&sent.len()), "{sent:?}");
    assert!(sent.iter().zip(0..).all(|((_, number), expected)| *number == Some(expected)));

    // One that is in the queue when the completions of those before are taken.
    let mut arrived = Vec::new();
    arrived.push(received(&receiver).await);
    arrived.push(received(&receiver).await);
    let outcome = sender.send_zerocopy(memory(b'!'), to).await.unwrap();
    sent.push((b'!', outcome));
    while sender.try_recv_error().is_ok() {}
    while arrived.len() < sent.len() {
        arrived.push(received(&receiver).await);
    }
    assert_eq!(arrived, sent.iter().map(|(letter, _)| *letter).collect::<Vec<_>>());

    // The first went with numbers, and those are still the kernel's: they are freed in time.
    while sender.zerocopy_pending() > 1 {
        sender.recv_error().await.unwrap();
    }
    assert_eq!((sender.zerocopy_pending(), outcome), (1, None));
    drop(sender);
    assert_eq!(freed.load(Ordering::Relaxed), sent.len(), "the failed one's is leaked");
}

/// The letter that a datagram consists of.
async fn received(receiver: &UdpSocket) -> u8 {
    let mut buffer = [0; 2 * LENGTH];
    let length = receiver.recv(&mut buffer).await.unwrap();
    let same = buffer[..length].iter().all(|byte| *byte == buffer[0]);
    assert!(length == LENGTH && same && buffer[0] != 0xEE, "freed memory was sent");
    buffer[0]
}

async fn sending(sender: &UdpSocket, to: SocketAddr) -> Option<u32> {
    sender.send_zerocopy(Bytes::from(vec![7; LENGTH]), Some(to)).await.unwrap()
}

// Goal: of a socket that others can send on, or have sent on, nobody here knows the kernel's
// numbers: it copies.
#[test]
fn foreign_sockets_copy() {
    run(|| async {
        let receiver = socket().await;
        let to = address(&receiver);
        let sender = socket().await;
        if sender.set_zerocopy(true).is_err() {
            return;
        }
        assert_eq!(sending(&sender, to).await, Some(0));
        // So that nothing is held, which would be leaked.
        sender.recv_error().await.unwrap();
        let sender = UdpSocket::try_from(OwnedFd::from(sender)).unwrap();
        sender.set_zerocopy(true).unwrap();
        assert_eq!(sending(&sender, to).await, None);

        let sender = socket().await;
        sender.set_zerocopy(true).unwrap();
        assert_eq!(sending(&sender, to).await, Some(0));
        let _duplicate = sender.as_fd().try_clone_to_owned().unwrap();
        assert_eq!(sending(&sender, to).await, None);
        // What was sent before the loan has its right number.
        let done = sender.recv_error().await.unwrap().zero_copy().unwrap();
        assert!(done.covers(0));
        assert_eq!(sender.zerocopy_pending(), 0);
    });
}

// Goal: the numbers are the kernel's also where the option is switched by its own name.
#[test]
fn the_options_name_is_no_back_door() {
    run(|| async {
        let receiver = socket().await;
        let to = address(&receiver);
        let sender = socket().await;
        if sender.set_zerocopy(true).is_err() {
            return;
        }
        sender.set_option(&sockopt::ZERO_COPY, false).unwrap();
        assert_eq!(sending(&sender, to).await, None);
        sender.set_option(&sockopt::ZERO_COPY, true).unwrap();
        let number = sending(&sender, to).await.expect("it is on again");
        let done = sender.recv_error().await.unwrap().zero_copy().unwrap();
        assert!(done.covers(number), "{number}: {done:?}");
        assert_eq!(sender.zerocopy_pending(), 0);
    });
}

// Goal: the bound on what may be pending is no reason to copy from then on. Method: a low
// bound, and a queue that holds more.
#[test]
fn too_many_pending_are_copied_for_a_while() {
    let how = "rate 200kbit burst 2000 limit 100mb";
    slowly("too_many_pending_are_copied_for_a_while", how, "4096", too_many);
}

async fn too_many() {
    let to = udp::nobody().await;
    let sender = socket().await;
    if sender.set_zerocopy(true).is_err() {
        return;
    }
    let send = async || sender.send_zerocopy(Bytes::from(vec![7; 50]), Some(to)).await.unwrap();
    let mut numbered = 0;
    while let Some(number) = send().await {
        assert_eq!(number, numbered);
        numbered += 1;
        assert!(numbered < 200, "there is no bound");
    }
    while sender.zerocopy_pending() > 0 {
        sender.recv_error().await.unwrap();
    }
    assert_eq!(send().await, Some(numbered));
    // So that nothing is held, which would be leaked.
    sender.recv_error().await.unwrap();
    assert_eq!(sender.zerocopy_pending(), 0);
}
