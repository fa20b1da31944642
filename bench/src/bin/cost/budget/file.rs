//! `bench/budget.toml`: what is measured, what it may cost, and what that was counted with.
//!
//! `make budget` writes the figures anew and keeps the rest, comments included: operations, bars
//! and tolerances are decided by hand.

use std::io;
use std::path::Path;

use toml_edit::{DocumentMut, Item, Value};

use super::judge::{Figure, Slack};

/// A server under a load, of `[operation.NAME]`.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: String,
    /// A scenario of `cost`.
    pub(super) load: String,
    /// What `examples/echo` is told beside the address.
    pub(super) flags: Vec<String>,
    /// Whether its instructions are in the budget, beside its calls.
    pub(super) counts_instructions: bool,
}

/// What the figures depend on beside the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) rustc: String,
    pub(super) libc: String,
    pub(super) machine: String,
}

#[derive(Debug)]
pub(super) struct Budget {
    document: DocumentMut,
}

impl Budget {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| named(path, &error))?;
        Self::parse(&text).map_err(|error| named(path, &error))
    }

    fn parse(text: &str) -> io::Result<Self> {
        Ok(Self { document: text.parse().map_err(io::Error::other)? })
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, self.document.to_string()).map_err(|error| named(path, &error))
    }

    pub(super) fn operations(&self) -> io::Result<Vec<Operation>> {
        let operations = self.document.get("operation").and_then(Item::as_table);
        let operations = operations.ok_or_else(|| io::Error::other("no [operation.NAME]"))?;
        let mut all = Vec::with_capacity(operations.len());
        for (name, item) in operations {
            let text = |key| item.get(key).and_then(Item::as_str).map(str::to_owned);
            let missing = |key| io::Error::other(format!("[operation.{name}] has no {key}"));
            let flags = text("flags").ok_or_else(|| missing("flags"))?;
            all.push(Operation {
                name: name.to_owned(),
                load: text("load").ok_or_else(|| missing("load"))?,
                flags: flags.split_whitespace().map(str::to_owned).collect(),
                counts_instructions: item.get("instructions").is_some(),
            });
        }
        Ok(all)
    }

    pub(super) fn taken(&self) -> Taken {
        let text = |key| self.item("taken", key).and_then(Item::as_str).unwrap_or("").to_owned();
        Taken { rustc: text("rustc"), libc: text("libc"), machine: text("machine") }
    }

    pub(super) fn set_taken(&mut self, taken: &Taken) -> io::Result<()> {
        for (key, value) in
            [("rustc", &taken.rustc), ("libc", &taken.libc), ("machine", &taken.machine)]
        {
            self.set("taken", key, value.as_str().into())?;
        }
        Ok(())
    }

    /// A measured figure with its budget, and its bar where it has one.
    pub(super) fn figure(&self, section: &str, key: &str, measured: f64) -> io::Result<Figure> {
        let budget = self.number(section, key)?;
        let bar = self.optional(section, &format!("{key}_bar"));
        Ok(Figure { measured, budget, bar })
    }

    /// The tolerance called `name`; a section may have its own of that name.
    pub(super) fn slack(&self, section: &str, name: &str) -> io::Result<Slack> {
        let find = |what: &str| {
            let key = format!("{name}{what}");
            let own = self.optional(section, &format!("tolerance_{key}"));
            own.or_else(|| self.optional("tolerance", &key)).unwrap_or(0.0)
        };
        if self.item("tolerance", name).is_none() {
            return Err(io::Error::other(format!("[tolerance] has no {name}")));
        }
        Ok(Slack {
            absolute: find(""),
            percent: find("_percent"),
            lower_absolute: find("_lower"),
            lower_percent: find("_lower_percent"),
        })
    }

    pub(super) fn number(&self, section: &str, key: &str) -> io::Result<f64> {
        let missing = || io::Error::other(format!("[{section}] has no number {key}"));
        self.optional(section, key).ok_or_else(missing)
    }

    /// Puts a figure in, with so many digits after the point.
    pub(super) fn set_number(
        &mut self,
        section: &str,
        key: &str,
        number: f64,
        digits: usize,
    ) -> io::Result<()> {
        // Adding nothing makes 0 of -0.
        let text = format!("{:.digits$}", number + 0.0);
        let text = if text.trim_matches(['-', '0', '.']).is_empty() {
            text.trim_start_matches('-').to_owned()
        } else {
            text
        };
        self.set(section, key, text.parse().map_err(io::Error::other)?)
    }

    fn optional(&self, section: &str, key: &str) -> Option<f64> {
        let item = self.item(section, key)?;
        item.as_float().or_else(|| item.as_integer().map(|integer| integer as f64))
    }

    fn item(&self, section: &str, key: &str) -> Option<&Item> {
        section.split('.').try_fold(self.document.as_item(), |item, part| item.get(part))?.get(key)
    }

    /// Replaces a value that is there, and keeps the comment behind it.
    fn set(&mut self, section: &str, key: &str, mut value: Value) -> io::Result<()> {
        let missing = || io::Error::other(format!("[{section}] has no {key}"));
        let mut item = self.document.as_item_mut();
        for part in section.split('.').chain([key]) {
            item = item.get_mut(part).ok_or_else(missing)?;
        }
        let old = item.as_value().ok_or_else(missing)?;
        *value.decor_mut() = old.decor().clone();
        *item = Item::Value(value);
        Ok(())
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Above.
[taken]
rustc = \"rustc 1.2.3\"
libc = \"glibc 2\"
machine = \"x\"

[tolerance]
calls = 0.05 # of a call
calls_lower = 0.05

[operation.b]
load = \"churn\"
flags = \"--quiet  --x\"
calls_over = -0.5   # measured
calls_over_bar = 0.1
tolerance_calls = 0.15

[operation.a]
load = \"echo1\"
flags = \"\"
instructions = 300
calls_over = 0.0
";

    #[test]
    fn what_is_decided_is_read() {
        let budget = Budget::parse(TEXT).unwrap();
        let operations = budget.operations().unwrap();
        assert_eq!(operations[0].flags, ["--quiet", "--x"]);
        let names: Vec<_> =
            operations.iter().map(|it| (&it.name[..], it.counts_instructions)).collect();
        assert_eq!(names, [("b", false), ("a", true)]);
        let want = Figure { measured: 1.0, budget: -0.5, bar: Some(0.1) };
        assert_eq!(budget.figure("operation.b", "calls_over", 1.0).unwrap(), want);
        assert_eq!(budget.slack("operation.b", "calls").unwrap().absolute, 0.15);
        assert_eq!(budget.slack("operation.a", "calls").unwrap().absolute, 0.05);
        assert!(budget.slack("operation.a", "cals").is_err());
        assert!(budget.figure("operation.b", "instructions", 1.0).is_err());
    }

    #[test]
    fn figures_are_replaced_and_the_rest_is_kept() {
        let mut budget = Budget::parse(TEXT).unwrap();
        budget.set_number("operation.b", "calls_over", -0.0004, 2).unwrap();
        budget.set_number("operation.a", "instructions", 219.96, 1).unwrap();
        let taken = Taken { rustc: "rustc 2".into(), libc: "glibc 3".into(), machine: "y".into() };
        budget.set_taken(&taken).unwrap();
        assert_eq!(budget.taken(), taken);
        let want = TEXT
            .replace("calls_over = -0.5   #", "calls_over = 0.00   #")
            .replace("instructions = 300", "instructions = 220.0")
            .replace("rustc 1.2.3", "rustc 2")
            .replace("glibc 2", "glibc 3")
            .replace("\"x\"", "\"y\"");
        assert_eq!(budget.document.to_string(), want);
        assert!(budget.set_number("operation.c", "calls_over", 0.0, 2).is_err());
    }
}
