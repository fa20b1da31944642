//! Rounds of the programs that have all sides in them, and print a line for each value: `micro`
//! and `udp_stream`.

use std::io;
use std::process::{Command, Stdio};

use edgewake_bench::os::process::{self, Placement};
use edgewake_bench::server;

use super::{Plan, Sink};
use crate::catalog::{How, Scenario};
use crate::contenders::BY_HAND;
use crate::rows::Row;

/// One repeat of every side of `udp_stream`.
pub(super) fn stream(
    plan: &Plan,
    sink: &mut Sink,
    scenarios: &[&'static Scenario],
    round: usize,
) -> io::Result<()> {
    sink.progress.say(&format!("round {}, udp_stream", round + 1));
    let datagrams = if plan.quick { "50000" } else { "200000" };
    let arguments = ["--rows", "--repeats", "1", "--datagrams", datagrams];
    for (side, figure, value) in rows(&arguments, "udp_stream", None)? {
        // "monoio, epoll, one a call": who, and by which of the ways.
        let Some((who, way)) = side.rsplit_once(", ") else { continue };
        let here = |it: &&&Scenario| matches!(it.how, How::Stream(ways) if ways.contains(&way));
        if let Some(scenario) = scenarios.iter().find(here) {
            sink.add(&Row::value(scenario.name, &figure, who, round, value))?;
        }
    }
    Ok(())
}

/// One repeat of every side of `micro`, on the servers' core.
pub(super) fn micro(plan: &Plan, sink: &mut Sink, round: usize) -> io::Result<()> {
    sink.progress.say(&format!("round {}, micro", round + 1));
    let core = Some(plan.server_core());
    for (side, figure, value) in rows(&["--tsv", "--repeats", "1"], "micro", core)? {
        // Its names for them, where they are not those of the servers.
        let who = match side.as_str() {
            "raw epoll" => BY_HAND,
            "monoio epoll" => "monoio, epoll",
            "monoio uring" => "monoio, io_uring",
            side => side,
        };
        sink.add(&Row::value("micro", &figure, who, round, value))?;
    }
    Ok(())
}

fn rows(
    arguments: &[&str],
    program: &str,
    core: Option<usize>,
) -> io::Result<Vec<(String, String, f64)>> {
    let mut command = Command::new(server::sibling_path(program)?);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    process::place(&mut command, Placement { core, ..Placement::default() });
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{program}: {}", output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let odd = |line: &str| io::Error::other(format!("{program} printed {line:?}"));
    let headings = |line: &&str| !line.starts_with("side\t");
    text.lines().filter(headings).map(|line| parse(line).ok_or_else(|| odd(line))).collect()
}

fn parse(line: &str) -> Option<(String, String, f64)> {
    let mut words = line.split('\t');
    let (side, figure, value) = (words.next()?, words.next()?, words.next()?);
    Some((side.to_owned(), figure.to_owned(), value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_side_figure_and_value() {
        let line = "raw epoll\tsleep(1 ms) late p50, us\t85.25\t85.25\t85.25";
        let (side, figure, value) = parse(line).unwrap();
        assert_eq!((side.as_str(), value), ("raw epoll", 85.25));
        assert_eq!(figure, "sleep(1 ms) late p50, us");
        assert!(parse("edgewake  yield, ns  31.0").is_none());
    }
}
