//! Another process of this program, and the stream over which it is told what to do.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use edgewake_bench::os::process::{self, Placement, Signal};

/// How long an answer may take: a holder's own patience and what it needs to open all.
const PATIENCE: Duration = Duration::from_secs(300);

/// A process. Dropped without an end it is killed.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    stream: BufReader<UnixStream>,
    name: String,
}

impl Child {
    /// Starts this program with other arguments.
    pub(crate) fn start(name: &str, arguments: &[String]) -> io::Result<Self> {
        let (here, there) = UnixStream::pair()?;
        here.set_read_timeout(Some(PATIENCE))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdin(OwnedFd::from(there)).stdout(Stdio::inherit());
        process::place(&mut command, Placement::default());
        let process = command.spawn()?;
        Ok(Self { process, stream: BufReader::new(here), name: name.to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Says a line without waiting for the answer.
    pub(crate) fn tell(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        self.stream.get_mut().write_all(line.as_bytes()).map_err(|error| self.failed(&error))
    }

    /// The answer to the earliest line that has none yet.
    pub(crate) fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => {
                let status = self.process.wait()?;
                return Err(self.failed(&format!("it has ended: {status}")));
            }
            Err(error) => return Err(self.failed(&format!("no answer: {error}"))),
            Ok(_) => {}
        }
        if line.starts_with("error") {
            return Err(self.failed(&line.trim_end()));
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    pub(crate) fn ask(&mut self, line: &str) -> io::Result<String> {
        self.tell(line)?;
        self.answer()
    }

    /// Kills it, as if its machine had gone.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    /// Waits for the end that it was told of, which must be a good one.
    pub(crate) fn ended(mut self) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.process.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failed(&status)),
                None if Instant::now() > deadline => return Err(self.failed(&"it does not end")),
                // std has no wait with a deadline.
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> io::Error {
        io::Error::other(format!("{}: {why}", self.name))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let running: io::Result<Option<ExitStatus>> = self.process.try_wait();
        if let Ok(None) = running {
            // Only on the way out of an error that is reported; what fails here adds nothing.
            let _ = process::signal_group(self.process.id(), Signal::Kill);
            let _ = self.process.wait();
        }
    }
}
