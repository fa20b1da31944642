//! The file of raw rows: what a run writes and all that the report is made from.
//!
//! Tab-separated, in the order of measurement: lines `#fact NAME VALUE` about the machine and the
//! run, a line of headings, and a row for each value. A row without a value says in its note why
//! there is none. Pure data but for [`Writer`], which flushes every row, so that a run that is
//! broken off leaves what it had.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const HEADINGS: &str = "scenario\tmetric\tcontender\tround\tvalue\tnote";

/// One value of one contender in one round, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) metric: String,
    pub(crate) contender: String,
    pub(crate) round: usize,
    pub(crate) value: Option<f64>,
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn value(
        scenario: &str,
        metric: &str,
        contender: &str,
        round: usize,
        value: f64,
    ) -> Self {
        Self {
            scenario: clean(scenario),
            metric: clean(metric),
            contender: clean(contender),
            round,
            // Six digits are more than any of these measurements has.
            value: Some(six_digits(value)),
            note: String::new(),
        }
    }

    /// Why a contender has no values in a scenario.
    pub(crate) fn absent(scenario: &str, contender: &str, why: &str) -> Self {
        Self {
            scenario: clean(scenario),
            metric: "-".to_owned(),
            contender: clean(contender),
            round: 0,
            value: None,
            note: clean(why),
        }
    }

    fn line(&self) -> String {
        let Self { scenario, metric, contender, round, value, note } = self;
        let value = value.map_or("-".to_owned(), |value| value.to_string());
        format!("{scenario}\t{metric}\t{contender}\t{round}\t{value}\t{note}")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split('\t');
        let mut word = || words.next().map(str::to_owned);
        let (scenario, metric, contender) = (word()?, word()?, word()?);
        let round = word()?.parse().ok()?;
        let value = word()?;
        let value = if value == "-" { None } else { Some(value.parse().ok()?) };
        Some(Self { scenario, metric, contender, round, value, note: word()? })
    }
}

/// Nothing in a cell may end it, or the row.
fn clean(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// All of a file.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Rows {
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) rows: Vec<Row>,
}

impl Rows {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        Self::parse(&text)
            .map_err(|line| io::Error::other(format!("{}: line {line} is no row", path.display())))
    }

    /// The number of the first line that is none of ours, if there is one.
    pub(crate) fn parse(text: &str) -> Result<Self, usize> {
        let mut all = Self::default();
        for (index, line) in text.lines().enumerate() {
            if let Some(fact) = line.strip_prefix("#fact\t") {
                let (name, value) = fact.split_once('\t').ok_or(index + 1)?;
                all.facts.push((name.to_owned(), value.to_owned()));
            } else if line != HEADINGS {
                all.rows.push(Row::parse(line).ok_or(index + 1)?);
            }
        }
        Ok(all)
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        let rows = self.rows.iter().map(|row| row.line() + "\n");
        head(&self.facts) + &rows.collect::<String>()
    }
}

fn head(facts: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in facts {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#fact\t{}\t{}", clean(name), clean(value));
    }
    text + HEADINGS + "\n"
}

/// Writes a file of rows beside its final place, and moves it there when all is done: a run that
/// fails does not take the old file with it.
#[derive(Debug)]
pub(crate) struct Writer {
    file: File,
    part: PathBuf,
    path: PathBuf,
}

impl Writer {
    pub(crate) fn create(path: &Path, facts: &[(String, String)]) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let part = path.with_extension("tsv.part");
        let mut file = File::create(&part)?;
        file.write_all(head(facts).as_bytes())?;
        Ok(Self { file, part, path: path.to_owned() })
    }

    pub(crate) fn add(&mut self, row: &Row) -> io::Result<()> {
        writeln!(self.file, "{}", row.line())
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        drop(self.file);
        std::fs::rename(&self.part, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_written() {
        let rows = Rows {
            facts: vec![("kernel".into(), "6.18 of\u{a0}today".into())],
            rows: vec![
                Row::value("tcp-32", "rate", "by hand", 3, 123_456.789),
                Row::value("tcp-32", "cpu_us", "edgewake, buffered", 0, 0.001_234_567_8),
                Row::absent("micro", "mio", "has no\ttasks\nand no timers"),
            ],
        };
        assert_eq!(rows.rows[0].value, Some(123_457.0));
        assert_eq!(rows.rows[2].note, "has no tasks and no timers");
        let text = rows.text();
        let back = Rows::parse(&text).unwrap();
        assert_eq!(back.rows, rows.rows);
        assert_eq!(back.text(), text);
    }

    #[test]
    fn what_is_no_row_is_named() {
        let text = format!("{HEADINGS}\na\tb\tc\t0\t1\t\na\tb\tc\tzero\t1\t\n");
        assert_eq!(Rows::parse(&text), Err(3));
        assert_eq!(Rows::parse("a\tb\tc\t0\t1.5"), Err(1));
        assert_eq!(Rows::parse("#fact\tlonely"), Err(1));
    }
}
