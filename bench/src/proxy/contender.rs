//! A proxy under measurement: its command, its start, its address, its processor time and memory,
//! its end.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::announce;
use crate::os::process::{self, Placement, Signal};
use crate::target::{Target, Transport};

/// How long a proxy may take to announce itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command line with `{listen}` and `{connect}` in it.
#[derive(Debug, Clone)]
pub struct Contender {
    words: Vec<String>,
    label: String,
}

impl Contender {
    /// Splits a command line as a shell would; no shell runs it.
    ///
    /// # Errors
    ///
    /// Returns a sentence if the quotes do not balance, or if one of the places is missing.
    pub fn parse(line: &str) -> Result<Self, String> {
        let words = shlex::split(line).ok_or_else(|| format!("unbalanced quotes in {line:?}"))?;
        let has = |what: &str| words.iter().any(|word| word == what);
        if words.is_empty() || !has("{listen}") || !has("{connect}") {
            return Err(format!("no {{listen}} or no {{connect}} in {line:?}"));
        }
        let name = words[0].rsplit('/').next().unwrap_or_default();
        let rest = words[1..].iter().filter(|word| !word.starts_with('{') && *word != "--quiet");
        let label = rest.fold(name.to_owned(), |label, word| label + " " + word);
        Ok(Self { words, label })
    }

    /// The hand-written one, beside this program.
    ///
    /// # Errors
    ///
    /// Returns an error if it has not been built.
    pub fn baseline(label: &str, arguments: &[&str]) -> io::Result<Self> {
        let path = std::env::current_exe()?.with_file_name("proxy_baseline");
        if !path.exists() {
            let hint = format!("{} is not there; build the whole package", path.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, hint));
        }
        let path = path.into_os_string().into_string();
        let path = path.map_err(|_| io::Error::other("the path is not UTF-8"))?;
        let words = [path.as_str(), "{listen}", "{connect}"].into_iter();
        let words = words.chain(arguments.iter().copied()).map(str::to_owned).collect();
        Ok(Self { words, label: label.to_owned() })
    }

    /// What it is called in tables.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Starts it on a core and waits until it listens.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start, or does not say in time where it listens.
    pub fn start(&self, listen: Transport, connect: &Target, core: usize) -> io::Result<Proxy> {
        let listen = unused(listen);
        let mut words = self.words.iter().flat_map(|word| match word.as_str() {
            "{listen}" => vec!["--listen".to_owned(), listen.place()],
            "{connect}" => vec!["--connect".to_owned(), connect.place()],
            word => vec![word.to_owned()],
        });
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped());
        process::place(&mut command, Placement { core: Some(core), ..Placement::default() });
        let mut child = command.spawn()?;
        let stdout = child.stdout.take();
        // From here on, dropping it kills the process.
        let mut proxy = Proxy { child, place: listen.clone() };
        let (sender, receiver) = mpsc::channel();
        // A thread goes on reading: a proxy that prints more must not block on a full pipe.
        std::thread::spawn(move || {
            let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
            for line in lines.map_while(Result::ok) {
                // Nobody listens any more after the first address.
                let _first_only = find(&line, &listen).map(|place| sender.send(place));
            }
        });
        proxy.place = receiver
            .recv_timeout(PATIENCE)
            .map_err(|_| io::Error::other(format!("{}: no address on stdout", self.label)))?;
        Ok(proxy)
    }
}

fn find(line: &str, listen: &Target) -> Option<Target> {
    match listen {
        Target::Unix(_) => line.contains(&listen.to_string()).then(|| listen.clone()),
        Target::Tcp(_) | Target::Udp(_) => announce::find_address(line).map(Target::Tcp),
    }
}

/// A place to listen that nothing else uses.
#[must_use]
pub fn unused(transport: Transport) -> Target {
    static SOCKETS: AtomicU64 = AtomicU64::new(0);
    match transport {
        Transport::Unix => {
            // Relaxed: the number is all there is to see.
            let number = SOCKETS.fetch_add(1, Ordering::Relaxed);
            let name = format!("edgewake-proxy-{}-{number}.socket", std::process::id());
            Target::Unix(std::env::temp_dir().join(name))
        }
        Transport::Tcp | Transport::Udp => Target::Tcp(([127, 0, 0, 1], 0).into()),
    }
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    /// Where it listens.
    pub place: Target,
}

impl Proxy {
    /// Seconds on a processor, of all its threads, user and kernel.
    ///
    /// # Errors
    ///
    /// Returns what reading `/proc` returns.
    pub fn processor_time(&self) -> io::Result<f64> {
        process::processor_time(self.child.id())
    }

    /// Bytes of it that are in memory.
    ///
    /// # Errors
    ///
    /// Returns what reading `/proc` returns.
    pub fn resident_bytes(&self) -> io::Result<u64> {
        process::resident_bytes(self.child.id())
    }

    /// How many descriptors it has.
    ///
    /// # Errors
    ///
    /// Returns what reading `/proc` returns.
    pub fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Nothing is left to learn from it: its flows are over, or this is the way out of an error
        // that is reported.
        let _ = process::signal_group(self.child.id(), Signal::Kill);
        let _ = self.child.wait();
        if let Target::Unix(path) = &self.place {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_named_by_what_matters() {
        let contender = Contender::parse("a/b/proxy {listen} {connect} --quiet --method splice");
        assert_eq!(contender.unwrap().label(), "proxy --method splice");
        Contender::parse("proxy {listen}").unwrap_err();
        Contender::parse("").unwrap_err();
    }
}
