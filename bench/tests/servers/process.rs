//! Servers and generators as child processes.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use edgewake_bench::announce;
use edgewake_bench::os::process::{Placement, Signal, place, signal_group};
use edgewake_bench::target::{Target, Transport};

/// How long a server that was told to end may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens. Killed if the test does not get as far as ending it.
pub(crate) struct Server {
    child: Child,
    target: Target,
    name: String,
}

impl Server {
    /// Starts it and waits for the line that tells where it listens.
    pub(crate) fn start(program: &str, flags: &[&str], transport: Transport) -> Self {
        let address = match transport {
            Transport::Tcp | Transport::Udp => "127.0.0.1:0".to_owned(),
            Transport::Unix => socket_path().display().to_string(),
        };
        let flag = format!("--{}", transport.word());
        let mut command = Command::new(program);
        command.arg(flag).arg(&address).args(flags).stdout(Stdio::piped());
        place(&mut command, Placement::default());
        let mut child = command.spawn().expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its standard output is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line from the server");
        let target = match transport {
            Transport::Unix => Target::Unix(address.into()),
            _ => {
                let found = announce::find_address(&line);
                let found = found.unwrap_or_else(|| panic!("{program}: no address in {line:?}"));
                Target::parse(transport, &found.to_string()).expect("an address")
            }
        };
        let name = format!("{program} {flags:?} on {}", transport.word());
        assert!(!line.is_empty(), "{name}: ended before it listened");
        Self { child, target, name }
    }

    /// Ends it by `signal`: it has to do so by itself, and to take its socket's name along.
    pub(crate) fn end(mut self, signal: Signal) {
        signal_group(self.child.id(), signal).expect("it is still there");
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            assert!(Instant::now() < deadline, "{}: does not end", self.name);
            thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "{}: {status}", self.name);
        if let Target::Unix(path) = &self.target {
            assert!(!path.exists(), "{}: left {}", self.name, path.display());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `end` it is gone, and so is what could be killed.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().expect("a child can be killed");
            self.child.wait().expect("its status");
        }
    }
}

/// Runs the generator on `server`; it fails on the first byte that is not what was sent.
pub(crate) fn generate(server: &Server, flags: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_generate"))
        .args([server.target.transport().word(), &server.target.to_string()])
        .args(flags)
        .output()
        .expect("the generator starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}, {flags:?}: {complaint}", server.name);
    let asked = flags.windows(2).find(|pair| pair[0] == "--messages").expect("--messages")[1];
    assert!(
        text.starts_with(&format!("messages={asked} ")),
        "{}, {flags:?}: {text:?}",
        server.name
    );
}

/// A path that nothing has yet.
fn socket_path() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Relaxed: the numbers have to differ, and order nothing.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("edgewake-bench-{}-{number}", std::process::id()))
}
