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
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::announce;
use crate::os::process::{self, Placement, Signal};
use crate::target::{Target, Transport};

/// How long a server may take to announce itself, and to end. callgrind starts it slowly.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command line with `{listen}` (flag and address) or `{addr}` (the address) in it.
#[derive(Debug, Clone)]
pub struct ServerCommand {
    words: Vec<String>,
    label: String,
}

impl ServerCommand {
    /// Splits a command line as a shell would, quotes included; no shell runs it.
    ///
    /// # Errors
    ///
    /// Returns a sentence if the quotes do not balance, or if nothing says where to listen.
    pub fn parse(line: &str) -> Result<Self, String> {
        let words = shlex::split(line).ok_or_else(|| format!("unbalanced quotes in {line:?}"))?;
        Self::of(words)
    }

    /// A command whose words are known.
    ///
    /// # Errors
    ///
    /// Returns a sentence if there are none, or none that says where to listen.
    pub fn of(words: Vec<String>) -> Result<Self, String> {
        let Some(program) = words.first() else { return Err("an empty --server".into()) };
        if !words.iter().any(|word| word == "{listen}" || word.contains("{addr}")) {
            return Err(format!("neither {{listen}} nor {{addr}} in {:?}", words.join(" ")));
        }
        let label = program.rsplit('/').next().unwrap_or(program).to_owned();
        Ok(Self { words, label })
    }

    /// A program of this package, beside the running one.
    ///
    /// # Errors
    ///
    /// Returns an error if it has not been built.
    pub fn sibling(name: &str, arguments: &[&str]) -> io::Result<Self> {
        let mut words = vec![sibling_path(name)?];
        words.extend(arguments.iter().map(|&word| word.to_owned()));
        Ok(Self { words, label: name.to_owned() })
    }

    /// The same command with more arguments, under another name.
    #[must_use]
    pub fn variant(&self, label: &str, arguments: &[&str]) -> Self {
        let mut variant = self.clone();
        variant.words.extend(arguments.iter().map(|&word| word.to_owned()));
        variant.label = label.to_owned();
        variant
    }

    /// Numbers the servers whose labels are the same; the first `baseline` is always there.
    pub fn tell_apart(servers: &mut [Self]) {
        let mut seen = vec!["baseline".to_owned()];
        for server in servers {
            seen.push(server.label.clone());
            let same = seen.iter().filter(|label| **label == server.label).count();
            if same > 1 {
                server.label = format!("{}#{same}", server.label);
            }
        }
    }

    /// Whether it can listen on any transport.
    #[must_use]
    pub fn adapts(&self) -> bool {
        self.words.iter().any(|word| word == "{listen}")
    }

    /// The words, with what it is to listen on.
    fn listening_on(&self, target: &Target) -> Vec<String> {
        let flag = format!("--{}", target.transport().word());
        let address = target.to_string();
        let words = self.words.iter().flat_map(|word| match word.as_str() {
            "{listen}" => vec![flag.clone(), address.clone()],
            word => vec![word.replace("{addr}", &address)],
        });
        words.collect()
    }

    /// What it is called in tables.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Starts it behind `tool` (nothing, or a tracer and its options) and waits until it listens.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start, or does not say in time where it listens.
    pub fn start(
        &self,
        transport: Transport,
        tool: &[String],
        placement: Placement,
    ) -> io::Result<Server> {
        let wanted = unused(transport);
        let mut words: Vec<String> = tool.to_vec();
        words.extend(self.listening_on(&wanted));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped());
        process::place(&mut command, placement);
        let mut child = command
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", words[0])))?;
        let stdout = child.stdout.take();
        // From here on, dropping `server` kills the process.
        let mut server = Server { child, label: self.label.clone(), target: wanted.clone() };
        server.target = stdout
            .and_then(|stdout| await_target(stdout, wanted))
            .ok_or_else(|| io::Error::other(format!("{self}: no address on its stdout")))?;
        Ok(server)
    }
}

/// What to listen on: a free port, or a path that nothing else uses.
fn unused(transport: Transport) -> Target {
    static SOCKETS: AtomicU64 = AtomicU64::new(0);
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    match transport {
        Transport::Tcp => Target::Tcp(any),
        Transport::Udp => Target::Udp(any),
        Transport::Unix => {
            // Relaxed: only this thread takes numbers, and the number is all there is to see.
            let number = SOCKETS.fetch_add(1, Ordering::Relaxed);
            let name = format!("edgewake-cost-{}-{number}.socket", std::process::id());
            Target::Unix(std::env::temp_dir().join(name))
        }
    }
}

impl fmt::Display for ServerCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}

/// The path of another program of this package.
///
/// # Errors
///
/// Returns an error if it has not been built, or if its path is not UTF-8.
pub fn sibling_path(name: &str) -> io::Result<String> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.exists() {
        let hint = format!("{} is not there; build the whole package", path.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, hint));
    }
    path.into_os_string().into_string().map_err(|_| io::Error::other("the path is not UTF-8"))
}

/// Reads until the line with the address, and returns `wanted` with it. A thread goes on reading
/// what follows, since a server that prints more must not block on a full pipe.
fn await_target(stdout: ChildStdout, wanted: Target) -> Option<Target> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(target) = find_target(&line, &wanted) {
                // Nobody listens any more after the first one; later addresses are of no interest.
                let _first_only = sender.send(target);
            }
        }
    });
    receiver.recv_timeout(PATIENCE).ok()
}

fn find_target(line: &str, wanted: &Target) -> Option<Target> {
    match wanted {
        Target::Tcp(_) => announce::find_address(line).map(Target::Tcp),
        Target::Udp(_) => announce::find_address(line).map(Target::Udp),
        Target::Unix(_) => line.contains(&wanted.to_string()).then(|| wanted.clone()),
    }
}

/// A running server. Dropped without [`Server::stop`] (an error on the way) it is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    label: String,
    target: Target,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The process started: the server itself when no tool stands before it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `signal` and waits for the end, of the tool too, so that its output is complete.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not end in time, or ends with an error status.
    pub fn stop(mut self, signal: Signal) -> io::Result<()> {
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
        if let Target::Unix(path) = &self.target {
            // Most servers have removed it themselves.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_where_to_listen() {
        let udp = Target::Udp("127.0.0.1:0".parse().unwrap());
        let echo = ServerCommand::parse("echo {listen} --quiet").unwrap();
        assert_eq!(echo.listening_on(&udp), ["echo", "--udp", "127.0.0.1:0", "--quiet"]);
        let other = ServerCommand::parse("other --bind=udp://{addr}").unwrap();
        assert_eq!(other.listening_on(&udp), ["other", "--bind=udp://127.0.0.1:0"]);
        assert!(echo.adapts() && !other.adapts());
        assert!(ServerCommand::parse("echo --tcp 127.0.0.1:0").is_err());
    }

    #[test]
    fn what_servers_print_is_understood() {
        let path = Target::Unix("/tmp/s".into());
        assert_eq!(find_target("listening on /tmp/s (unix)", &path), Some(path.clone()));
        assert_eq!(find_target("starting", &path), None);
        let any = Target::Udp("127.0.0.1:0".parse().unwrap());
        let udp = Target::Udp("127.0.0.1:7".parse().unwrap());
        assert_eq!(find_target("listening on 127.0.0.1:7 (udp)", &any), Some(udp));
    }
}
