//! `bench/budget-functions.tsv`: where the instructions of the budget go, function by function.
//!
//! It is not compared by itself: code moves from one function into another with every change of
//! what the compiler inlines. When the sum is too much, it tells what has grown.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::profile::Profile;
use crate::written;

/// What is less is left out.
const LEAST: f64 = 0.5;
/// Growth that is named.
const GROWTH: f64 = 1.0;
/// How many of each kind are.
const NAMED: usize = 6;

const HEADER: &str = "# Instructions of an operation by function, written by `make budget`. \
`compiled`: by the function\n# they lie in; `written`: by the one whose lines they come from, \
inlined or not.\noperation\tkind\tinstructions\tfunction\n";

/// How instructions are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Compiled,
    Written,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Compiled, Self::Written];

    fn word(self) -> &'static str {
        match self {
            Self::Compiled => "compiled",
            Self::Written => "written",
        }
    }
}

/// Instructions by function, of one operation.
pub(super) type Functions = BTreeMap<(Kind, String), f64>;

/// All operations'.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Table(BTreeMap<String, Functions>);

pub(super) fn of(profile: &Profile, root: &Path) -> Functions {
    let compiled = profile.compiled.iter().map(|(name, count)| (name.clone(), *count));
    let compiled = compiled.map(|(name, count)| ((Kind::Compiled, name), count));
    let written = written::by_function(profile, root);
    compiled
        .chain(written.into_iter().map(|(name, count)| ((Kind::Written, name), count)))
        .filter(|(_, count)| *count >= LEAST)
        .collect()
}

impl Table {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut table = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')).skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [operation, kind, count, name] = fields[..] else {
                return Err(format!("not four fields: {line:?}"));
            };
            let kind = Kind::ALL.into_iter().find(|it| it.word() == kind);
            let (Some(kind), Ok(count)) = (kind, count.parse()) else {
                return Err(format!("not understood: {line:?}"));
            };
            let functions = table.0.entry(operation.to_owned()).or_default();
            functions.insert((kind, name.to_owned()), count);
        }
        Ok(table)
    }

    pub(super) fn set(&mut self, operation: &str, functions: Functions) {
        self.0.insert(operation.to_owned(), functions);
    }

    /// Drops operations that the budget no longer has.
    pub(super) fn keep(&mut self, mut wanted: impl FnMut(&str) -> bool) {
        self.0.retain(|operation, _| wanted(operation));
    }

    /// What grew since, the most first; where a kind has none, nothing of it.
    pub(super) fn grown(&self, operation: &str, now: &Functions) -> Vec<Growth> {
        let none = Functions::new();
        let before = self.0.get(operation).unwrap_or(&none);
        let mut grown = Vec::new();
        for kind in Kind::ALL {
            let mut of_kind: Vec<Growth> = now
                .iter()
                .filter(|((of, _), _)| *of == kind)
                .map(|(key, now)| Growth {
                    kind,
                    name: key.1.clone(),
                    before: before.get(key).copied().unwrap_or(0.0),
                    now: *now,
                })
                .filter(|growth| growth.by() >= GROWTH)
                .collect();
            of_kind.sort_by(|a, b| b.by().total_cmp(&a.by()));
            of_kind.truncate(NAMED);
            grown.extend(of_kind);
        }
        grown
    }
}

/// The file: by operation and kind, the most expensive first.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for (operation, functions) in &self.0 {
            let mut rows: Vec<_> = functions.iter().collect();
            rows.sort_by(|a, b| a.0.0.cmp(&b.0.0).then(b.1.total_cmp(a.1)).then(a.0.cmp(b.0)));
            for ((kind, name), count) in rows {
                writeln!(f, "{operation}\t{}\t{count:.1}\t{name}", kind.word())?;
            }
        }
        Ok(())
    }
}

/// A function that costs more than it did.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Growth {
    pub(super) kind: Kind,
    name: String,
    before: f64,
    now: f64,
}

impl Growth {
    fn by(&self) -> f64 {
        self.now - self.before
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.1}  {} ({:.1} -> {:.1})", self.by(), self.name, self.before, self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(rows: &[(Kind, &str, f64)]) -> Functions {
        rows.iter().map(|&(kind, name, count)| ((kind, name.to_owned()), count)).collect()
    }

    #[test]
    fn the_table_is_written_and_read() {
        let mut table = Table::default();
        let rows = functions(&[
            (Kind::Compiled, "a::poll", 100.5),
            (Kind::Compiled, "b<F, S>::turn", 120.0),
            (Kind::Written, "src/a.rs: poll", 80.0),
        ]);
        table.set("tcp32", rows);
        let text = table.to_string();
        assert!(text.ends_with(
            "tcp32\tcompiled\t120.0\tb<F, S>::turn\ntcp32\tcompiled\t100.5\ta::poll\n\
             tcp32\twritten\t80.0\tsrc/a.rs: poll\n"
        ));
        assert_eq!(Table::parse(&text).unwrap(), table);
        assert!(Table::parse("header\ntcp32\twritten\tmany\tx\n").is_err());
        table.keep(|operation| operation != "tcp32");
        assert_eq!(table, Table::default());
    }

    #[test]
    fn what_grew_is_named_and_nothing_else() {
        let mut table = Table::default();
        let before = functions(&[
            (Kind::Compiled, "grows", 10.0),
            (Kind::Compiled, "shrinks", 90.0),
            (Kind::Compiled, "stays", 50.0),
        ]);
        table.set("udp", before);
        let now = functions(&[
            (Kind::Compiled, "grows", 70.0),
            (Kind::Compiled, "new", 2.5),
            (Kind::Compiled, "shrinks", 10.0),
            (Kind::Compiled, "stays", 50.4),
            (Kind::Written, "src/x.rs: new", 60.0),
        ]);
        let grown: Vec<String> = table.grown("udp", &now).iter().map(Growth::to_string).collect();
        let want = [
            "+60.0  grows (10.0 -> 70.0)",
            "+2.5  new (0.0 -> 2.5)",
            "+60.0  src/x.rs: new (0.0 -> 60.0)",
        ];
        assert_eq!(grown, want);
    }
}
