//! Names and races in a network of their own: a first address that is a black hole, and a name
//! server that is one.
//!
//! Each test runs this program again in namespaces that `unshare` makes (user, network, mounts),
//! where `ip` routes an address to nowhere and the resolver's files are replaced. Where the system
//! does not let it, the tests say so and pass, unless `EDGEWAKE_NEEDS_NETNS` is set, as in the
//! gate: then they fail.

#![cfg(all(feature = "net", feature = "time", target_os = "linux"))]
#![allow(clippy::print_stdout, reason = "a test that cannot be run says so")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    env,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    process::Command,
    time::{Duration, Instant},
};

use edgewake::{
    net::{TcpListener, TcpStream, lookup_host, tcp::Connector},
    time::{interval, timeout},
};
use tcp::{listener, run};

/// Set where the namespaces are there.
const INSIDE: &str = "EDGEWAKE_INSIDE_NETNS";

const HOLE_V4: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const HOLE_V6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2);

/// What is sent to the two holes comes back through the loopback interface, where it is not
/// forwarded: nobody answers. `"$0"` is the program, the rest its arguments.
const SET_UP: &str = r#"
    set -e
    ip link set lo up
    ip addr add 10.77.0.1/32 dev lo
    ip route add 10.77.0.2/32 dev lo
    ip -6 addr add fd77::1/128 dev lo nodad
    ip -6 route add fd77::2/128 dev lo
    files=$(mktemp -d)
    mount -t tmpfs none "$files"
    printf '%s\n' '127.0.0.1 localhost' 'fd77::2 silent.test' '10.77.0.2 silent.test' \
        '127.0.0.1 silent.test' '::1 refusing.test' '127.0.0.1 refusing.test' >"$files/hosts"
    printf '%s\n' 'nameserver 10.77.0.2' 'options timeout:2 attempts:1' >"$files/resolv.conf"
    printf '%s\n' 'hosts: files dns' >"$files/nsswitch.conf"
    for file in hosts resolv.conf nsswitch.conf; do
        if [ -e "/etc/$file" ]; then mount --bind "$files/$file" "/etc/$file"; fi
    done
    exec "$0" "$@"
"#;

fn unshared(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", SET_UP, program]);
    command.args(arguments).env(INSIDE, "1");
    command
}

/// Whether there can be such namespaces here.
fn can_unshare() -> bool {
    let probe = unshared("true", &[]).output();
    let reason = match probe {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    assert!(env::var_os("EDGEWAKE_NEEDS_NETNS").is_none(), "no namespaces: {reason}");
    println!("skipped: no namespaces here: {reason}");
    false
}

/// Runs `body` inside the namespaces, in a process of its own that runs the test `name` alone.
#[track_caller]
fn inside(name: &str, body: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        return body();
    }
    if !can_unshare() {
        return;
    }
    let program = env::current_exe().expect("this program");
    let program = program.to_str().expect("a path of UTF-8");
    let output = unshared(program, &["--exact", name, "--nocapture"]).output();
    let output = output.expect("it could be run a moment ago");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("1 passed"), "it ran nothing: {said}");
}

async fn timed(
    connecting: impl Future<Output = std::io::Result<TcpStream>>,
) -> (Duration, SocketAddr) {
    let start = Instant::now();
    let stream = connecting.await.expect("one of them answers");
    (start.elapsed(), stream.peer_addr().expect("it is connected"))
}

/// The best of three: a busy machine may delay anything, and what waits for a timer is never quick.
async fn quickest<F: Future<Output = std::io::Result<TcpStream>>>(
    connect: impl Fn() -> F,
) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        best = best.min(timed(connect()).await.0);
    }
    best
}

/// What a race adds to its delays on a machine that is busy with other tests.
const SLACK: Duration = Duration::from_millis(700);

// Goal: RFC 8305's times: a first address, of either family, that is a black hole costs 250 ms, and
// one that refuses nothing.
#[test]
fn a_black_hole_costs_the_delay() {
    inside("a_black_hole_costs_the_delay", || {
        run(|| async {
            let listener = listener().await;
            let good = listener.local_addr().unwrap();
            let delay = Duration::from_millis(250);
            for hole in [SocketAddr::from((HOLE_V4, 80)), SocketAddr::from((HOLE_V6, 80))] {
                let (taken, peer) = timed(TcpStream::connect([hole, good])).await;
                assert_eq!(peer, good);
                assert!((delay..delay + SLACK).contains(&taken), "{hole}: {taken:?}");
            }
            let refusing = SocketAddr::from((Ipv6Addr::LOCALHOST, good.port()));
            assert!(quickest(|| TcpStream::connect([refusing, good])).await < delay);
            // What is left is dropped with the race: the hole would go on for two minutes.
            let hole = SocketAddr::from((HOLE_V4, 80));
            let (taken, _) = timed(TcpStream::connect([hole, hole, good])).await;
            assert!((2 * delay..2 * delay + SLACK).contains(&taken), "two holes: {taken:?}");
        });
    });
}

// Goal: the same by name: what the resolver gives, in its order, is raced. Method: a name with two
// black holes and an address that answers, and one with an address that refuses.
#[test]
fn a_name_with_black_holes() {
    inside("a_name_with_black_holes", || {
        run(|| async {
            let listener = listener().await;
            let port = listener.local_addr().unwrap().port();
            let addresses: Vec<SocketAddr> =
                lookup_host(("silent.test", port)).await.unwrap().collect();
            assert_eq!(addresses.len(), 3, "{addresses:?}");
            let delay = Duration::from_millis(250);
            let (taken, peer) = timed(TcpStream::connect(("silent.test", port))).await;
            assert_eq!(peer, listener.local_addr().unwrap());
            // Nothing is to be waited for only if the resolver puts the good one first.
            let least = if addresses[0] == peer { Duration::ZERO } else { delay };
            assert!((least..2 * delay + SLACK).contains(&taken), "{addresses:?}: {taken:?}");
            let text = format!("refusing.test:{port}");
            assert!(quickest(|| TcpStream::connect(&text)).await < delay);
        });
    });
}

// Goal: in order, a black hole is waited for, and a timeout ends that.
#[test]
fn in_order_a_black_hole_is_waited_for() {
    inside("in_order_a_black_hole_is_waited_for", || {
        run(|| async {
            let listener = listener().await;
            let addresses = [SocketAddr::from((HOLE_V4, 80)), listener.local_addr().unwrap()];
            let connector = Connector::new().in_order(true);
            let connecting = connector.connect(addresses);
            timeout(Duration::from_millis(600), connecting).await.expect_err("it is silent");
            let connecting = TcpStream::connect_in_order(addresses);
            timeout(Duration::from_millis(600), connecting).await.expect_err("it is silent");
        });
    });
}

// Goal: a resolver that hangs does not stop the loop, nor who drops its look-up; its error comes in
// the end. Method: the name server is a black hole, and the resolver waits two seconds for it.
#[test]
fn a_resolver_that_hangs_does_not_stop_the_loop() {
    inside("a_resolver_that_hangs_does_not_stop_the_loop", || {
        run(|| async {
            let start = Instant::now();
            let looking = edgewake::spawn(async { lookup_host("unknown.test:80").await });
            let connecting = TcpStream::connect("unknown.test:80");
            timeout(Duration::from_millis(100), connecting).await.expect_err("it hangs");
            assert!(start.elapsed() < Duration::from_secs(1), "dropping it does not wait");
            let mut ticks = interval(Duration::from_millis(20));
            let (listener, mut count) = (TcpListener::bind("localhost:0").await.unwrap(), 0);
            while !looking.is_finished() {
                ticks.tick().await;
                TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                drop(listener.accept().await.unwrap());
                count += 1;
            }
            let taken = start.elapsed();
            assert!(taken >= Duration::from_millis(1500), "the resolver did not hang: {taken:?}");
            assert!(count >= 20, "only {count} connections in {taken:?}");
            looking.await.unwrap().expect_err("there is no such name");
        });
    });
}
