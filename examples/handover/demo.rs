//! The whole of it: a server, clients, and one successor after the other, each a process.
//!
//! A child's standard output is a Unix stream, so that its lines can be awaited.

use std::{
    io,
    net::SocketAddr,
    os::{fd::OwnedFd, unix::net},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use edgewake::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::UnixStream,
    time::timeout,
};

use crate::{
    arguments::Demo,
    common::{command_line::print, numbers::Counted},
    crowd::Crowd,
};

/// How long a child may take for anything that it is to say.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers that every client has had from each of the servers, at least.
const ANSWERS: u64 = 5;

/// Runs it and prints what came of it.
pub(crate) async fn run(demo: &Demo) -> Result<(), String> {
    let control = Control::new();
    let mut server = Server::start("127.0.0.1:0", &control)?;
    let first = server.line().await?;
    let address = address_in(&first).ok_or_else(|| format!("not an address: `{first}`"))?;
    print(format_args!("{first}{}\n", Counted(demo.connections as u64, "client")))?;

    let crowd = Crowd::start(address, demo.connections);
    crowd.come_on(ANSWERS).await;
    for number in 1..=demo.handovers {
        let mut successor = Server::start(&address.to_string(), &control)?;
        let line = successor.line().await?;
        if !line.starts_with("took over") {
            return Err(format!("the successor did not take over: `{}`", line.trim_end()));
        }
        server.left().await?;
        print(format_args!("handover {number}: {line}"))?;
        server = successor;
        crowd.come_on(ANSWERS).await;
    }
    let shared = crowd.end().await?;
    print(format_args!("{}\n", shared.tally))?;
    shared.tally.verdict()
}

/// The address in `listening on ADDRESS (tcp)`.
fn address_in(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening on ")?.split_whitespace().next()?.parse().ok()
}

/// A path for the control socket; the file goes when it drops.
struct Control(PathBuf);

impl Control {
    fn new() -> Control {
        let name = format!("edgewake-handover-{}.sock", std::process::id());
        Control(std::env::temp_dir().join(name))
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // The server may have removed it already.
        let _absent: io::Result<()> = std::fs::remove_file(&self.0);
    }
}

/// A child that serves; killed when it drops before its time.
struct Server {
    child: Child,
    output: BufReader<UnixStream>,
}

impl Server {
    fn start(address: &str, control: &Control) -> Result<Server, String> {
        let start = || {
            let (ours, theirs) = net::UnixStream::pair()?;
            let child = Command::new(std::env::current_exe()?)
                .args(["serve", "--listen", address, "--control"])
                .arg(&control.0)
                .stdin(Stdio::null())
                .stdout(OwnedFd::from(theirs))
                .spawn()?;
            Ok(Server { child, output: BufReader::new(UnixStream::from_std(ours)?) })
        };
        start().map_err(|error: io::Error| format!("cannot start a server: {error}"))
    }

    /// The next line that it says.
    async fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match timeout(PATIENCE, self.output.read_line(&mut line)).await {
            Ok(Ok(0)) => Err("a server ended before its time".into()),
            Ok(Ok(_)) => Ok(line),
            Ok(Err(error)) => Err(format!("a server's output: {error}")),
            Err(_elapsed) => Err("a server says nothing".into()),
        }
    }

    /// Waits until it has ended, which must be well.
    async fn left(&mut self) -> Result<(), String> {
        let mut rest = String::new();
        match timeout(PATIENCE, self.output.read_to_string(&mut rest)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(format!("a server's output: {error}")),
            Err(_elapsed) => return Err("a server that was succeeded does not end".into()),
        }
        // Its output has ended, so this does not last.
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("a server that was succeeded: {status}")),
            Err(error) => Err(format!("cannot wait for a server: {error}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended, and been awaited, already.
        let _ended: io::Result<()> = self.child.kill();
        let _status = self.child.wait();
    }
}
