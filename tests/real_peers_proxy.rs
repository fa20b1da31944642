//! A real program at both ends of the proxy: iperf3, through `examples/proxy`.
//!
//! iperf3 talks to itself over one connection and moves bytes over others, in both directions,
//! with its own idea of who closes first and when.

#![cfg(all(feature = "net", feature = "time"))]

#[path = "../examples/common"]
mod common {
    #[allow(clippy::print_stderr, dead_code, reason = "a program's, of which a part is used")]
    pub(crate) mod command_line;
    #[allow(dead_code, reason = "a program's, of which a part is used")]
    pub(crate) mod lines;
    pub(crate) mod numbers;
    pub(crate) mod place;
}
#[path = "../examples/proxy/counters.rs"]
#[allow(dead_code, reason = "a program's, of which a part is used")]
mod counters;
#[path = "../examples/proxy/endpoints.rs"]
mod endpoints;
#[path = "../examples/proxy/flow.rs"]
mod flow;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "../examples/proxy/service.rs"]
#[allow(dead_code, reason = "a program's, of which a part is used")]
mod service;
mod support;
#[path = "support/tools.rs"]
mod tools;

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
};

use edgewake::{Runtime, io::CopyMethod};
use futures::channel::oneshot;
use proxy::{METHODS, Running};
use support::deadline;

/// Connections that iperf3 moves bytes over, at the same time.
const STREAMS: usize = 3;

/// Bytes that it is told to move, over all of them.
const BYTES: u64 = 192 << 20;

/// What has to come out. When the sender has sent as many as it was told it ends the test, and what
/// is still on its way is dropped: some 20 MiB a stream, in the buffers of four sockets.
const LEAST: u64 = BYTES / 3;

/// A server of one test; killed when it drops.
struct Iperf {
    child: Child,
    port: u16,
}

impl Iperf {
    /// Returns once it listens.
    fn server() -> Iperf {
        // It cannot be told to take any free port, so it gets one that was free just now.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new("iperf3")
            .args(["--server", "--one-off", "--forceflush", "--bind", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("iperf3 starts");
        let output = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut lines = output.lines().map(|line| line.expect("a pipe"));
        assert!(lines.any(|line| line.starts_with("Server listening on ")), "it does not listen");
        // It must not block on a full pipe.
        thread::spawn(move || lines.for_each(drop));
        Iperf { child, port }
    }
}

impl Drop for Iperf {
    fn drop(&mut self) {
        // It may have ended, and been awaited, already.
        let _ended: std::io::Result<()> = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The bytes that have come out, as the receiving iperf3 counts them: from its report in JSON.
fn received(report: &str) -> u64 {
    let sum = report.split("\"sum_received\"").nth(1).expect("a sum");
    let bytes = sum.split("\"bytes\":").nth(1).expect("of bytes").trim_start();
    let end = bytes.find(|c: char| !c.is_ascii_digit()).expect("more of it");
    bytes[..end].parse().expect("a number")
}

/// Runs iperf3 through a proxy. Returns how many bytes have come out on the other side, and how
/// many the proxy has counted up and down.
fn measure(method: CopyMethod, direction: &'static [&'static str]) -> (u64, u64, u64) {
    let server = Iperf::server();
    Runtime::new().unwrap().block_on(async {
        let target = format!("tcp:127.0.0.1:{}", server.port);
        let proxy = Running::start("tcp:127.0.0.1:0", &target, method, 100);
        let port = proxy.place.rsplit(':').next().unwrap().to_owned();
        let (tell, done) = oneshot::channel();
        let client = thread::spawn(move || {
            let (streams, bytes) = (STREAMS.to_string(), BYTES.to_string());
            let common = ["--client", "127.0.0.1", "--port", &port, "--json"];
            let load = ["--parallel", &streams, "--bytes", &bytes];
            let report = tools::run("iperf3", &[&common, load.as_slice(), direction].concat());
            // A panic above drops the sender, which ends the wait as well.
            tell.send(()).expect("somebody waits");
            String::from_utf8(report).expect("JSON")
        });
        let _ended: Result<(), oneshot::Canceled> = done.await;
        let report = client.join().unwrap();
        assert!(!report.contains("\"error\""), "{report}");
        proxy.proxy.counters.until_open(|open| open == 0).await;
        let (up, down) = proxy.moved();
        (received(&report), up, down)
    })
}

// Goal: whatever the bytes move by, no byte comes out that was not counted, and it is those of the
// right direction.
#[test]
fn iperf3_goes_up() {
    if !tools::is_there("iperf3") {
        return;
    }
    deadline(|| {
        for method in METHODS {
            let (received, up, down) = measure(method, &[]);
            assert!((LEAST..=up).contains(&received), "{method:?}: {received} bytes of {up} up");
            assert!(down < 1 << 20, "{method:?}: {down} bytes down");
        }
    });
}

#[test]
fn iperf3_goes_down() {
    if !tools::is_there("iperf3") {
        return;
    }
    deadline(|| {
        for method in METHODS {
            let (received, up, down) = measure(method, &["--reverse"]);
            assert!((LEAST..=down).contains(&received), "{method:?}: {received} of {down} down");
            assert!(up < 1 << 20, "{method:?}: {up} bytes up");
        }
    });
}

#[test]
fn iperf3_goes_both_ways() {
    if !tools::is_there("iperf3") {
        return;
    }
    deadline(|| {
        for method in METHODS {
            let (received, up, down) = measure(method, &["--bidir"]);
            assert!(received > 1 << 20 && up >= received, "{method:?}: {received} bytes of {up}");
            assert!(down > 1 << 20, "{method:?}: {down} bytes down");
        }
    });
}
