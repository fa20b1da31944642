//! The command line of the blast.

use std::{str::FromStr, time::Duration};

use lexopt::prelude::{Long, Short};

use crate::{
    arrivals,
    common::command_line::{Request, value},
    ways::Way,
};

pub(crate) const USAGE: &str = "\
Sends datagrams over loopback as fast as they go, and counts those that arrive.

Usage: udp_blast [OPTIONS]

  --size N       bytes in a datagram (1200), 8 to 9000
  --seconds S    for so long in each way (2); fractions are allowed
  --way WAY      single, batches or segments; may be given more than once (all three)
  --batch N      datagrams of a batch (64)
  -h, --help     this text

Exit codes: 0 done, 1 not so, 2 wrong arguments
";

const SIZE_MAX: usize = 9000;
const BATCH_MAX: usize = 1024;
/// A day.
const SECONDS_MAX: f64 = 86_400.0;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) size: usize,
    pub(crate) duration: Duration,
    pub(crate) ways: Vec<Way>,
    pub(crate) batch: usize,
}

pub(crate) fn parse() -> Result<Request<Arguments>, lexopt::Error> {
    let duration = Duration::from_secs(2);
    let mut arguments = Arguments { size: 1200, duration, ways: Vec::new(), batch: 64 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("size") => {
                let what = "a number of bytes, 8 to 9000";
                arguments.size = value(&mut parser, "--size", what)?;
                require((arrivals::NUMBER..=SIZE_MAX).contains(&arguments.size), "--size", what)?;
            }
            Long("seconds") => {
                let what = "a number of seconds, like 5 or 0.5";
                let seconds: f64 = value(&mut parser, "--seconds", what)?;
                require(seconds > 0.0 && seconds <= SECONDS_MAX, "--seconds", what)?;
                arguments.duration = Duration::from_secs_f64(seconds);
            }
            Long("way") => {
                let way = value(&mut parser, "--way", "single, batches or segments")?;
                arguments.ways.push(way);
            }
            Long("batch") => {
                let what = "a number of datagrams, at most 1024";
                arguments.batch = value(&mut parser, "--batch", what)?;
                require((1..=BATCH_MAX).contains(&arguments.batch), "--batch", what)?;
            }
            Short('h') | Long("help") => return Ok(Request::Help),
            other => return Err(other.unexpected()),
        }
    }
    if arguments.ways.is_empty() {
        arguments.ways.extend(Way::ALL);
    }
    Ok(Request::Run(arguments))
}

impl FromStr for Way {
    type Err = ();

    fn from_str(word: &str) -> Result<Way, ()> {
        Way::ALL.into_iter().find(|way| way.to_string() == word).ok_or(())
    }
}

fn require(holds: bool, option: &str, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{option} needs {what}")) }
}
