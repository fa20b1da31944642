//! File servers in turns: what sending a file costs them.
//!
//! `files --server '../target/release/examples/static_files {folder} {listen} --quiet'` makes a file
//! of random bytes, has curl fetch it from each server in turn, and prints each server's processor
//! time, user and kernel, for a gigabyte. Before that every server has to pass a test: what curl
//! gets must have the file's SHA-256. Needs `curl` and `sha256sum`.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use edgewake_bench::announce;
use edgewake_bench::os::process::{self, Placement, Signal};
use edgewake_bench::stats;
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: files --server 'CMD {folder} {listen}'... [--bytes N] [--rounds R] [--core K]
  --server CMD   {folder} becomes the folder, {listen} `--listen 127.0.0.1:0`; it must print a line
                 with its ip:port. May be repeated
  --bytes N      of the file (default 1073741824)
  --rounds R     (default 7)
  --core K       the servers' core; curl runs on core 0 (default 1)";

struct Args {
    servers: Vec<String>,
    bytes: u64,
    rounds: usize,
    core: usize,
}

fn main() -> ExitCode {
    match parse().map_err(io::Error::other).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("files: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Args, lexopt::Error> {
    let mut args = Args { servers: Vec::new(), bytes: 1 << 30, rounds: 7, core: 1 };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("server") => args.servers.push(parser.value()?.string()?),
            Arg::Long("bytes") => args.bytes = parser.value()?.parse()?,
            Arg::Long("rounds") => args.rounds = parser.value()?.parse()?,
            Arg::Long("core") => args.core = parser.value()?.parse()?,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    if args.servers.is_empty() || args.rounds == 0 || args.bytes == 0 {
        return Err(USAGE.into());
    }
    Ok(args)
}

fn run(args: &Args) -> io::Result<()> {
    let folder = Folder::new(args.bytes)?;
    // curl, and whatever else this starts, stays off the servers' core.
    process::pin_to(0)?;
    let expected = sha256(File::open(folder.file())?)?;
    let mut runs: Vec<Vec<Fetch>> = args.servers.iter().map(|_| Vec::new()).collect();
    for round in 0..args.rounds {
        for turn in 0..args.servers.len() {
            let index = (round + turn) % args.servers.len();
            let server = Server::start(&args.servers[index], &folder.0, args.core)?;
            if round == 0 {
                check(&server, &expected)?;
            }
            runs[index].push(fetch(&server, args.bytes)?);
        }
    }
    println!("{} MiB by curl, {} rounds, SHA-256 compared", args.bytes >> 20, args.rounds);
    println!("{:>9} {:>8} {:>8} {:>8}  server", "CPU s/GB", "least", "most", "MB/s");
    for (server, runs) in args.servers.iter().zip(&runs) {
        let costs: Vec<f64> = runs.iter().map(|run| run.processor).collect();
        let rates: Vec<f64> = runs.iter().map(|run| run.rate).collect();
        println!(
            "{:>9.3} {:>8.3} {:>8.3} {:>8.0}  {server}",
            stats::median(&costs),
            stats::percentile(&costs, 0.0),
            stats::percentile(&costs, 100.0),
            stats::median(&rates) / 1e6
        );
    }
    Ok(())
}

/// One fetch: seconds on a processor for a gigabyte, and bytes a second.
struct Fetch {
    processor: f64,
    rate: f64,
}

fn fetch(server: &Server, bytes: u64) -> io::Result<Fetch> {
    let (start, before) = (Instant::now(), server.processor_time()?);
    let status = curl(server).stdout(Stdio::null()).status()?;
    let (seconds, after) = (start.elapsed().as_secs_f64(), server.processor_time()?);
    if !status.success() {
        return Err(io::Error::other(format!("curl: {status}")));
    }
    Ok(Fetch { processor: (after - before) / (bytes as f64 / 1e9), rate: bytes as f64 / seconds })
}

fn check(server: &Server, expected: &str) -> io::Result<()> {
    let mut curl = curl(server).stdout(Stdio::piped()).spawn()?;
    let output = curl.stdout.take().ok_or_else(|| io::Error::other("curl has no output"))?;
    let sum = sha256(output)?;
    let status = curl.wait()?;
    match status.success() && sum == expected {
        true => Ok(()),
        false => Err(io::Error::other(format!("curl: {status}, {sum} instead of {expected}"))),
    }
}

fn curl(server: &Server) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--fail", "--noproxy", "*"]).arg(format!("http://{}/file", server.address));
    curl
}

fn sha256(input: impl Into<Stdio>) -> io::Result<String> {
    let output = Command::new("sha256sum").stdin(input).output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned()),
        false => Err(io::Error::other(format!("sha256sum: {}", output.status))),
    }
}

/// A folder with a file of random bytes in it; it goes when it drops.
struct Folder(PathBuf);

impl Folder {
    fn new(bytes: u64) -> io::Result<Self> {
        let name = format!("edgewake-files-{}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir(&folder.0)?;
        let mut random = File::open("/dev/urandom")?.take(bytes);
        io::copy(&mut random, &mut File::create(folder.file())?)?;
        Ok(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("file")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("files: {} stays: {error}", self.0.display());
        }
    }
}

/// A running server; killed when it drops.
struct Server {
    child: Child,
    address: std::net::SocketAddr,
}

impl Server {
    fn start(command: &str, folder: &Path, core: usize) -> io::Result<Self> {
        let words = shlex::split(command).ok_or_else(|| io::Error::other("unbalanced quotes"))?;
        let folder = folder.to_string_lossy();
        let mut words = words.into_iter().flat_map(|word| match word.as_str() {
            "{listen}" => vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()],
            "{folder}" => vec![folder.clone().into_owned()],
            _ => vec![word],
        });
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped());
        process::place(&mut command, Placement { core: Some(core), ..Placement::default() });
        let child = command.spawn()?;
        // From here on, dropping it kills the process.
        let mut server = Self { child, address: ([0, 0, 0, 0], 0).into() };
        let output = server.child.stdout.take().into_iter();
        let lines = output.flat_map(|output| BufReader::new(output).lines());
        let address = lines.map_while(Result::ok).find_map(|line| announce::find_address(&line));
        server.address = address.ok_or_else(|| io::Error::other("no address on stdout"))?;
        Ok(server)
    }

    /// Seconds on a processor, of all its threads: `schedstat` counts nanoseconds.
    fn processor_time(&self) -> io::Result<f64> {
        process::processor_time(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its work is done, or this is the way out of an error that is reported.
        let _ = process::signal_group(self.child.id(), Signal::Kill);
        let _ = self.child.wait();
    }
}
