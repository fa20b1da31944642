//! The whole run: what is held, what is done to it, what must be left, and what is printed of it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use edgewake_bench::os::process;

use crate::abuse;
use crate::args::Plan;
use crate::pattern::Pattern;
use crate::site::{OF_A_PORT, SPARE, Site};

/// What a server has open besides connections and some of its listeners, at most.
const OWN: u64 = 32;
/// Memory that a connection may take, with both of its sockets and what is in them, by experience.
const MEMORY: u64 = 24 * 1024;
/// The fewest connections that show anything.
const FEWEST: u64 = 100;
/// The share of the signals that have to arrive: where the machine is busy several become one.
const SIGNALS_LEAST: f64 = 0.02;
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
    sites.iter_mut().try_for_each(|site| site.warm_up(&pattern))?;
    hold(&mut sites, plan, sizes.0)?;
    let endured = rounds(&mut sites, plan, &pattern)?;
    println!("rounds of abuse, each with all of these: {}", endured.rounds);
    for ((name, unit, _), count) in abuse::KINDS.iter().zip(&endured.counts) {
        if *count == 0 {
            return Err(io::Error::other(format!("{name}: not one of them")));
        }
        println!("  {name}: {count} {unit}");
    }
    still(&mut sites, "connections held, nothing to do")?;
    let mut checked = 0;
    for site in &mut sites {
        site.serve(plan.bytes)?;
        checked += site.served()?;
        site.empty()?;
    }
    println!("every byte came back: {checked} on connections that were held");
    still(&mut sites, "all peers gone")?;
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
    // A listener for each so many connections that are to be held, whatever the limit is.
    let own = OWN + plan.connections.unwrap_or(hard).min(hard) / OF_A_PORT;
    let by_limit = hard.saturating_sub(SPARE + own);
    let held = plan.connections.unwrap_or(u64::MAX).min(by_memory).min(by_limit);
    if held < FEWEST {
        return Err(io::Error::other(format!("{held} connections are too few to show anything")));
    }
    println!("hard limit of descriptors: {hard} a process; memory: enough for {by_memory}");
    let soft = if held == by_limit { hard } else { held + SPARE + own };
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

/// Opens all, serves all.
fn hold(sites: &mut [Site], plan: &Plan, held: u64) -> io::Result<()> {
    for site in sites.iter_mut() {
        let start = Instant::now();
        let bytes = site.fill()?;
        println!(
            "held at once by a server: {held}, {bytes:.0} bytes of its memory each, in {:.1} s",
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
    Ok(())
}

/// What a server went through.
#[derive(Debug)]
struct Endured {
    rounds: u64,
    counts: Vec<u64>,
    /// Connections at the limit of descriptors.
    most: u64,
}

/// Abuses all servers at once.
fn rounds(sites: &mut [Site], plan: &Plan, pattern: &Pattern) -> io::Result<Endured> {
    let end = Instant::now() + plan.time;
    let mut sum = Endured { rounds: 0, counts: vec![0; abuse::KINDS.len()], most: 0 };
    let failed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads: Vec<_> = sites
            .iter_mut()
            .map(|site| scope.spawn(|| endure(site, plan, end, pattern, &failed)))
            .collect();
        for thread in threads {
            let endured = thread.join().map_err(|_| io::Error::other("a bug of its own"))??;
            println!(
                "at its limit of descriptors a server held and served {}, and went on, {} times",
                endured.most, endured.rounds
            );
            sum.rounds += endured.rounds;
            sum.counts.iter_mut().zip(endured.counts).for_each(|(sum, count)| *sum += count);
        }
        Ok(sum)
    })
}

/// Rounds of abuse until the time is over, one at least, or until somebody has `failed`.
fn endure(
    site: &mut Site,
    plan: &Plan,
    end: Instant,
    pattern: &Pattern,
    failed: &AtomicBool,
) -> io::Result<Endured> {
    let mut endured = Endured { rounds: 0, counts: vec![0; abuse::KINDS.len()], most: 0 };
    let mut first = None;
    loop {
        if let Err(error) = endure_once(site, plan, pattern, &mut endured, &mut first) {
            // Relaxed: it says no more than that there is no reason to go on.
            failed.store(true, Ordering::Relaxed);
            return Err(error);
        }
        // Relaxed: as above.
        if Instant::now() >= end || failed.load(Ordering::Relaxed) {
            return Ok(endured);
        }
    }
}

/// A round, while all that is held is served; `first` is the size after the first one.
fn endure_once(
    site: &mut Site,
    plan: &Plan,
    pattern: &Pattern,
    endured: &mut Endured,
    first: &mut Option<u64>,
) -> io::Result<()> {
    let counts = site.abuse(plan.bytes.div_ceil(8), pattern)?;
    endured.rounds += 1;
    endured.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    let size = process::resident_bytes(site.server.pid())?;
    let first = *first.get_or_insert(size);
    if size > first + GROWTH {
        return Err(io::Error::other(format!("{first} bytes of a server grew to {size}")));
    }
    endured.most = site.limit(plan.bytes)?;
    Ok(())
}

fn still(sites: &mut [Site], when: &str) -> io::Result<()> {
    for site in sites {
        let (time, runs) = site.server.still()?;
        println!("{when}: {:.3} ms of processor time, {runs} runs, in 2 s", time * 1e3);
    }
    Ok(())
}
