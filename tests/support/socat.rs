//! socat as the other end: a program that has spoken to every kind of socket for twenty years.
//!
//! Where it is not installed the tests say so and pass, unless `EDGEWAKE_NEEDS_SOCAT` is set, as
//! the gate sets it: then that is a failure.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `socat::…`")]

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
};

/// Set, it makes a missing socat a failure.
const NEEDED: &str = "EDGEWAKE_NEEDS_SOCAT";

/// Whether socat can be run here. Where not, it says so in a way that is seen.
#[allow(clippy::print_stdout, reason = "a test that has nothing to test says so")]
pub fn is_there() -> bool {
    let mut asked = Command::new("socat");
    asked.arg("-V").stdout(Stdio::null()).stderr(Stdio::null());
    let there = asked.status().is_ok_and(|status| status.success());
    if !there {
        assert!(env::var_os(NEEDED).is_none(), "{NEEDED} is set, and there is no socat");
        // Past the capture of test output.
        let name = thread::current().name().unwrap_or("a test").to_owned();
        let line = format!("\nSKIPPED {name}: socat is not installed (apt-get install socat)\n");
        if io::stderr().lock().write_all(line.as_bytes()).is_err() {
            println!("{line}");
        }
    }
    there
}

/// A running socat; killed when it drops.
#[derive(Debug)]
pub struct Socat {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
}

impl Socat {
    /// Carries standard input to `address`, and what comes from there to standard output. After
    /// the end of the input it waits for the end of the other.
    pub fn client(address: &str) -> Socat {
        Socat::start(Command::new("socat").args(["-t", "60", "-", address]))
    }

    /// Sends back what comes to `address`, a message at a time. Returns once it listens, with what
    /// it says of where.
    pub fn server(address: &str) -> (Socat, String) {
        Socat::mirror(address, "16384")
    }

    /// The same for streams. What it sends back goes through a pipe of its own, which counts as
    /// writable with one page free: a larger block than that would have it wait for itself.
    pub fn stream_server(address: &str) -> (Socat, String) {
        Socat::mirror(address, "4096")
    }

    fn mirror(address: &str, block: &str) -> (Socat, String) {
        let mut command = Command::new("socat");
        command.args(["-d", "-d", "-b", block, address, "PIPE"]).stderr(Stdio::piped());
        let mut socat = Socat::start(&mut command);
        let log = BufReader::new(socat.child.stderr.take().expect("it was asked for"));
        let mut log = log.lines().map(|line| line.expect("a pipe"));
        let mut told = Vec::new();
        let place = log.by_ref().find_map(|line| {
            let place = line.split_once(" N listening on ").or(line.split_once(" N receiving on "));
            let place = place.map(|(_, place)| place.to_owned());
            told.push(line);
            place
        });
        // It must not block on a full pipe.
        thread::spawn(move || log.for_each(drop));
        (socat, place.unwrap_or_else(|| panic!("socat {address} ended: {told:#?}")))
    }

    fn start(command: &mut Command) -> Socat {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("socat starts");
        let input = child.stdin.take();
        let output = child.stdout.take().expect("it was asked for");
        Socat { child, input, output }
    }

    /// Has it send `bytes`.
    pub fn say(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(bytes).and_then(|()| input.flush()).expect("socat reads");
    }

    /// Waits until so many bytes have come.
    pub fn hear(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.output.read_exact(&mut bytes).expect("socat writes");
        bytes
    }

    /// Has it send `bytes` and then the end, and returns all that comes until the other end, at
    /// which it must end well.
    pub fn exchange(mut self, bytes: Vec<u8>) -> Vec<u8> {
        let mut input = self.input.take().expect("the input is open");
        let sender: JoinHandle<()> =
            thread::spawn(move || input.write_all(&bytes).expect("socat reads to the end"));
        let mut answer = Vec::new();
        self.output.read_to_end(&mut answer).expect("socat writes");
        sender.join().expect("all was sent");
        let status = self.child.wait().expect("a child");
        assert!(status.success(), "socat: {status}");
        answer
    }
}

impl Drop for Socat {
    fn drop(&mut self) {
        // It may have ended, and been awaited, already.
        let _ended: io::Result<()> = self.child.kill();
        let _status = self.child.wait();
    }
}
