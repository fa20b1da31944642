//! A server under measurement: its command, its start under a tool, its address, its end.
//!
//! The whole process tree is ended by a signal to its group: under strace the direct child is the
//! tracer, which blocks fatal signals while it writes to a file (strace(1), `-I`), so that the
//! server alone acts on it and the tracer then writes its table. callgrind writes its totals
//! whether the server handles the signal or dies of it.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use edgewake_bench::announce;
use edgewake_bench::os::process::{self, Placement, Signal};

/// How long a server may take to announce itself, and to end. callgrind starts it slowly.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command line with `{addr}` in it.
#[derive(Debug, Clone)]
pub(crate) struct ServerCommand {
    words: Vec<String>,
    label: String,
}

impl ServerCommand {
    /// Splits a command line as a shell would, quotes included; no shell runs it.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let words = shlex::split(line).ok_or_else(|| format!("unbalanced quotes in {line:?}"))?;
        let Some(program) = words.first() else { return Err("an empty --server".into()) };
        if !words.iter().any(|word| word.contains("{addr}")) {
            return Err(format!("no {{addr}} in {line:?}"));
        }
        let label = program.rsplit('/').next().unwrap_or(program).to_owned();
        Ok(Self { words, label })
    }

    /// A program of this package, beside the running one.
    pub(crate) fn sibling(name: &str, arguments: &[&str]) -> io::Result<Self> {
        let mut words = vec![sibling_path(name)?];
        words.extend(arguments.iter().map(|&word| word.to_owned()));
        Ok(Self { words, label: name.to_owned() })
    }

    /// The same command with more arguments, under another name.
    pub(crate) fn variant(&self, label: &str, arguments: &[&str]) -> Self {
        let mut variant = self.clone();
        variant.words.extend(arguments.iter().map(|&word| word.to_owned()));
        variant.label = label.to_owned();
        variant
    }

    /// Numbers the servers whose labels are the same; the first `baseline` is always there.
    pub(crate) fn tell_apart(servers: &mut [Self]) {
        let mut seen = vec!["baseline".to_owned()];
        for server in servers {
            seen.push(server.label.clone());
            let same = seen.iter().filter(|label| **label == server.label).count();
            if same > 1 {
                server.label = format!("{}#{same}", server.label);
            }
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Starts it behind `tool` (nothing, or a tracer and its options) and waits for its address.
    pub(crate) fn start(&self, tool: &[String], placement: Placement) -> io::Result<Server> {
        let mut words: Vec<String> = tool.to_vec();
        words.extend(self.words.iter().map(|word| word.replace("{addr}", "127.0.0.1:0")));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped());
        process::place(&mut command, placement);
        let mut child = command
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", words[0])))?;
        let stdout = child.stdout.take();
        let mut server =
            Server { child, label: self.label.clone(), addr: SocketAddr::from(([0, 0, 0, 0], 0)) };
        // From here on, dropping `server` kills the process.
        server.addr = stdout
            .and_then(await_address)
            .ok_or_else(|| io::Error::other(format!("{self}: no ip:port on its stdout")))?;
        Ok(server)
    }
}

impl fmt::Display for ServerCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}

/// The path of another program of this package.
pub(crate) fn sibling_path(name: &str) -> io::Result<String> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.exists() {
        let hint = format!("{} is not there; build the whole package", path.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, hint));
    }
    path.into_os_string().into_string().map_err(|_| io::Error::other("the path is not UTF-8"))
}

/// Reads until the line with the address. A thread goes on reading what follows, since a server
/// that prints more must not block on a full pipe.
fn await_address(stdout: ChildStdout) -> Option<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(addr) = announce::find_address(&line) {
                // Nobody listens any more after the first one; later addresses are of no interest.
                let _first_only = sender.send(addr);
            }
        }
    });
    receiver.recv_timeout(PATIENCE).ok()
}

/// A running server. Dropped without [`Server::stop`] (an error on the way) it is killed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    label: String,
    addr: SocketAddr,
}

impl Server {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The process started: the server itself when no tool stands before it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `signal` and waits for the end, of the tool too, so that its output is complete.
    pub(crate) fn stop(mut self, signal: Signal) -> io::Result<()> {
        let status = match self.child.try_wait()? {
            // By itself, after its last connection (`--exit-after-conns`).
            Some(status) => status,
            None => {
                process::signal_group(self.child.id(), signal)?;
                self.wait_until(Instant::now() + PATIENCE)?
            }
        };
        // Ending by the signal's default action is allowed; an error status of its own is not.
        if status.code().is_some_and(|code| code != 0 && code <= 128) {
            return Err(io::Error::other(format!("{}: {status}", self.label)));
        }
        Ok(())
    }

    fn wait_until(&mut self, deadline: Instant) -> io::Result<ExitStatus> {
        // std has no wait with a deadline; ten milliseconds are nothing beside a server's life.
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                let message = format!("{} did not end on the signal; killed", self.label);
                return Err(io::Error::other(message));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Only on the way out of an error that is reported; what fails here adds nothing.
            let _ = process::signal_group(self.child.id(), Signal::Kill);
            let _ = self.child.wait();
        }
    }
}
