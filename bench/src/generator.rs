//! Runs the generator and reads its line of results.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::os::process::{self, Placement, Signal};
use crate::server::sibling_path;
use crate::target::Target;

/// What one run of the generator measured.
#[derive(Debug, Clone, Copy)]
pub struct Results {
    /// Echoes, or connections.
    pub messages: u64,
    /// Of them a second.
    pub rate: f64,
    /// Median latency, in microseconds.
    pub p50_us: f64,
    /// The 99th percentile of the latencies.
    pub p99_us: f64,
}

/// Runs `generate` on a target with `arguments` to its end.
///
/// # Errors
///
/// Returns an error if the generator fails, or if its results cannot be read.
pub fn run(target: &Target, arguments: &[String], placement: Placement) -> io::Result<Results> {
    let mut command = command(target, arguments)?;
    process::place(&mut command, placement);
    let output = command.stderr(Stdio::inherit()).output()?;
    let line = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(io::Error::other(format!("generate: {}", output.status)));
    }
    parse(&line).ok_or_else(|| io::Error::other(format!("generate printed {line:?}")))
}

fn command(target: &Target, arguments: &[String]) -> io::Result<Command> {
    let mut command = Command::new(sibling_path("generate")?);
    let words = [target.transport().word().to_owned(), target.to_string()];
    command.args(words).args(arguments).stdin(Stdio::null());
    Ok(command)
}

fn parse(line: &str) -> Option<Results> {
    let value = |key: &str| {
        line.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    };
    Some(Results {
        messages: value("messages")?.parse().ok()?,
        rate: value("rate")?.parse().ok()?,
        p50_us: value("p50_us")?.parse().ok()?,
        p99_us: value("p99_us")?.parse().ok()?,
    })
}

/// A generator that holds idle connections until it is dropped.
#[derive(Debug)]
pub struct Holder(Child);

impl Holder {
    /// Returns once all `connections` are held.
    ///
    /// # Errors
    ///
    /// Returns an error if the generator cannot hold them.
    pub fn start(target: &Target, connections: usize) -> io::Result<Self> {
        let arguments = ["--mode", "idle", "--connections", &connections.to_string()];
        let mut command = command(target, &arguments.map(str::to_owned))?;
        process::place(&mut command, Placement::default());
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        let holder = Self(child);
        let mut line = String::new();
        if let Some(stdout) = stdout {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if line.trim() != format!("idle={connections}") {
            return Err(io::Error::other(format!("generate printed {line:?}")));
        }
        Ok(holder)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It may have ended by itself, with an error that it printed.
        let _ = process::signal_group(self.0.id(), Signal::Terminate);
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generators_line_is_read() {
        let line = "messages=10 seconds=0.5 rate=20.0 p50_us=1.50 p99_us=2.25 max_us=9.00\n";
        let results = parse(line).unwrap();
        assert_eq!(results.messages, 10);
        assert_eq!((results.rate, results.p50_us, results.p99_us), (20.0, 1.5, 2.25));
        assert!(parse("messages=10 rate=fast").is_none());
    }
}
