//! What a report must say of the machine and the run: read once, when the run begins.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use edgewake_bench::os::process;

use crate::contenders::CONTENDERS;

/// The fact that says how busy the machine was, in percent.
pub(crate) const BUSY: &str = "processors busy before the start";

/// Name and value, in the order of the report.
pub(crate) fn collect(package: &Path, mode: &str) -> Vec<(String, String)> {
    let mut facts = vec![("run", mode.to_owned())];
    facts.push(("day", output("date", &["-u", "+%Y-%m-%d"])));
    facts.push(("commit", commit(package)));
    facts.push(("processor", processor()));
    facts.push(("kernel", output("uname", &["-srm"])));
    facts.push(("C library", process::c_library()));
    facts.push(("rustc", output("rustc", &["--version"])));
    facts.push(("valgrind", output("valgrind", &["--version"])));
    facts.push(("strace", first_line(&output("strace", &["-V"]))));
    facts.push(("peers", peers(&package.join("Cargo.lock"))));
    facts.push((BUSY, busy()));
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a command prints; "unknown" where it cannot be run.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn commit(package: &Path) -> String {
    let package = package.to_string_lossy();
    let commit = output("git", &["-C", &package, "rev-parse", "--short=12", "HEAD"]);
    match output("git", &["-C", &package, "status", "--porcelain", "-uno"]).as_str() {
        "" | "unknown" => commit,
        _ => format!("{commit}, and changes"),
    }
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.trim().to_owned())
    };
    let name = value("model name").unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mhz = value("cpu MHz").map_or(String::new(), |mhz| format!(", {mhz} MHz"));
    format!("{name}, {cores} cores{mhz}")
}

fn peers(lock: &Path) -> String {
    let text = fs::read_to_string(lock).unwrap_or_default();
    let versions = CONTENDERS.iter().filter(|it| !it.package.is_empty()).filter_map(|it| {
        version(&text, it.package).map(|version| format!("{} {version}", it.package))
    });
    versions.collect::<Vec<_>>().join(", ")
}

/// The version of a package in a Cargo.lock: the highest line of its name, which is the last.
fn version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    let mut found = None;
    while lines.by_ref().any(|line| line == name) {
        found = lines.next().and_then(|line| line.split('"').nth(1)).map(str::to_owned);
    }
    found
}

/// The share of all processors' time that other work takes, over a second: the load average would
/// have the build in it that has just ended.
fn busy() -> String {
    let before = times();
    std::thread::sleep(Duration::from_secs(1));
    match (before, times()) {
        (Some(before), Some(after)) => {
            let (idle, all) = (after.0 - before.0, after.1 - before.1);
            format!("{:.0} %", 100.0 * (1.0 - idle / all.max(1.0)))
        }
        _ => "unknown".to_owned(),
    }
}

/// Ticks of all processors: idle ones, and all, from the first line of `/proc/stat`.
fn times() -> Option<(f64, f64)> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    parse_times(text.lines().next()?)
}

fn parse_times(line: &str) -> Option<(f64, f64)> {
    let ticks: Option<Vec<f64>> =
        line.strip_prefix("cpu ")?.split_whitespace().map(|word| word.parse().ok()).collect();
    let ticks = ticks?;
    // user nice system idle iowait irq softirq steal; guests are in user (proc_stat(5)).
    Some((ticks.get(3)? + ticks.get(4)?, ticks.iter().take(8).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_and_all_time_are_read() {
        let line = "cpu  100 1 20 800 50 3 4 2 90 0";
        assert_eq!(parse_times(line), Some((850.0, 980.0)));
        assert_eq!(parse_times("cpu0 1 2"), None);
    }

    #[test]
    fn versions_are_found_in_a_lock_file() {
        let lock = "[[package]]\nname = \"mio\"\nversion = \"1.2.3\"\n\n\
                    [[package]]\nname = \"tokio\"\nversion = \"1.9.0\"\n";
        assert_eq!(version(lock, "mio").as_deref(), Some("1.2.3"));
        assert_eq!(version(lock, "tokio").as_deref(), Some("1.9.0"));
        assert_eq!(version(lock, "smol"), None);
    }
}
