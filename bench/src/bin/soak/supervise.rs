//! The whole run: what is held, what is done to it, what must be left, and what is printed of it.

use std::io;
use std::time::{Duration, Instant};

use edgewake_bench::os::process;

use crate::abuse;
use crate::args::Plan;
use crate::pattern::Pattern;
use crate::site::{SPARE, Site};

/// What a server has open besides connections, at most.
const OWN: u64 = 32;
/// Memory that a connection may take, with both of its sockets and what is in them, by experience.
const MEMORY: u64 = 24 * 1024;
/// The fewest connections that show anything.
const FEWEST: u64 = 100;
/// The share of the signals that have to arrive: where the machine is busy several become one.
const SIGNALS_LEAST: f64 = 0.1;
/// How much larger a server may be after a round than after the first one.
const GROWTH: u64 = 4 << 20;

pub(crate) fn run(plan: &Plan) -> io::Result<()> {
    let pattern = Pattern::new();
    let hard = process::raise_fd_limit()?;
    let sizes = sizes(plan, hard)?;
    let start = Instant::now();
    let mut sites = (1..=plan.servers)
        .map(|number| Site::start(number, sizes, plan.storm, &pattern))
        .collect::<io::Result<Vec<_>>>()?;
    hold(&mut sites, plan, sizes.0)?;
    let counts = rounds(&mut sites, plan, &pattern)?;
    still(&mut sites, "connections held, nothing to do")?;
    let mut checked = 0;
    for site in &mut sites {
        site.serve(plan.bytes)?;
        checked += site.served()?;
        site.empty()?;
    }
    println!("every byte came back: {checked} on connections that were held");
    still(&mut sites, "all peers gone")?;
    for ((name, unit, _), count) in abuse::KINDS.iter().zip(counts) {
        println!("  {name}: {count} {unit}");
    }
    for site in sites {
        let (signals, time) = site.quit(&pattern)?;
        let wanted = time.as_micros() as f64 / plan.storm as f64;
        println!("a server handled {signals} signals in {:.1} s", time.as_secs_f64());
        if (signals as f64) < wanted * SIGNALS_LEAST {
            return Err(io::Error::other(format!("{wanted:.0} were sent: that was no storm")));
        }
    }
    println!("soak: all held, {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// How many connections a server holds, what its soft limit is, and what the hard one is.
fn sizes(plan: &Plan, hard: u64) -> io::Result<(u64, u64, u64)> {
    let by_memory = available()? / 2 / MEMORY / u64::from(plan.servers);
    let by_limit = hard.saturating_sub(SPARE + OWN);
    let held = plan.connections.unwrap_or(by_memory).min(by_limit);
    if held < FEWEST {
        return Err(io::Error::other(format!("{held} connections are too few to show anything")));
    }
    println!("hard limit of descriptors: {hard} a process; memory: enough for {by_memory}");
    let soft = if held == by_limit { hard } else { held + SPARE + OWN };
    Ok((held, soft, hard))
}

/// Bytes of memory that can be had without swapping.
fn available() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB"));
    let kib: Option<u64> = kib.and_then(|number| number.trim().parse().ok());
    Ok(kib.ok_or_else(|| io::Error::other("no MemAvailable in /proc/meminfo"))? * 1024)
}

/// Opens all, serves all, goes to the limit.
fn hold(sites: &mut [Site], plan: &Plan, held: u64) -> io::Result<()> {
    for site in sites.iter_mut() {
        let start = Instant::now();
        let bytes = site.fill()?;
        println!(
            "held at once by a server: {held}, {bytes:.0} bytes of its memory each, opened in {:.1} s",
            start.elapsed().as_secs_f64()
        );
    }
    let start = Instant::now();
    sites.iter_mut().try_for_each(|site| site.serve(plan.bytes))?;
    for site in sites.iter_mut() {
        site.served()?;
    }
    let all = held * sites.len() as u64;
    println!(
        "served at once: {all} connections, {} bytes each, in {:.1} s",
        plan.bytes,
        start.elapsed().as_secs_f64()
    );
    for site in sites {
        let most = site.limit(plan.bytes)?;
        println!("at its limit of descriptors a server held and served {most}, and went on");
    }
    Ok(())
}

/// Rounds of abuse until the time is over, one at least, while all that is held is served.
fn rounds(sites: &mut [Site], plan: &Plan, pattern: &Pattern) -> io::Result<Vec<u64>> {
    let end = Instant::now() + plan.time;
    let mut counts = vec![0; abuse::KINDS.len()];
    let mut sizes = Vec::new();
    let mut told = Instant::now();
    for round in 1.. {
        for site in sites.iter_mut() {
            site.serve(plan.bytes)?;
            let done = site.abuse(pattern)?;
            site.served()?;
            counts.iter_mut().zip(done).for_each(|(sum, count)| *sum += count);
            if round > 1 {
                site.limit(plan.bytes)?;
            }
        }
        for (index, site) in sites.iter().enumerate() {
            let bytes = process::resident_bytes(site.server.pid())?;
            match sizes.get(index) {
                None => sizes.push(bytes),
                Some(first) if bytes > first + GROWTH => {
                    let message = format!("{first} bytes of a server grew to {bytes}");
                    return Err(io::Error::other(message));
                }
                Some(_) => {}
            }
        }
        let over = Instant::now() >= end;
        if over || told.elapsed() > Duration::from_secs(30) {
            println!("rounds of abuse survived: {round}");
            told = Instant::now();
        }
        if over {
            break;
        }
    }
    Ok(counts)
}

fn still(sites: &mut [Site], when: &str) -> io::Result<()> {
    for site in sites {
        let (time, runs) = site.server.still()?;
        println!("{when}: {:.3} ms of processor time, {runs} runs, in 2 s", time * 1e3);
    }
    Ok(())
}
