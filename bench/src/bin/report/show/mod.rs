//! The report and the chart, made from the rows and the reasons alone: the same rows give the same
//! bytes.

mod chart;
mod figures;
mod losses;
mod markdown;
mod reasons;
mod summary;
mod tables;

use std::io;
use std::path::Path;

use crate::catalog::Scenario;
use crate::rows::Rows;

/// Writes `REPORT.md` and `report.svg` beside the rows. Where these are `whole`, it names the
/// reasons that explain nothing.
pub(crate) fn write(tsv: &Path, reasons: &Path, whole: bool) -> io::Result<()> {
    let rows = Rows::read(tsv)?;
    let text = std::fs::read_to_string(reasons)?;
    let reasons = reasons::parse(&text).map_err(|line| {
        io::Error::other(format!("{}: line {line} is no reason", reasons.display()))
    })?;
    let (report, unused) = markdown::report(&rows, &reasons);
    for reason in unused.iter().filter(|_| whole) {
        eprintln!("report: nothing lost that this would explain: {reason}");
    }
    std::fs::write(tsv.with_file_name("REPORT.md"), report)?;
    std::fs::write(tsv.with_file_name("report.svg"), chart::draw(&rows))
}

/// The tables of some scenarios, for the terminal.
pub(crate) fn tables(tsv: &Path, scenarios: &[&'static Scenario]) -> io::Result<String> {
    let rows = Rows::read(tsv)?;
    Ok(markdown::sections(&rows, scenarios))
}
