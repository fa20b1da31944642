//! Where the instructions went: callgrind's file, read line by line, and differences of two.
//!
//! Self cost is kept twice. *Compiled*: by the function that the instructions lie in, as the linker
//! sees it; link-time optimisation leaves few and large ones. *Written*: by the source line that
//! they come from, through the line tables, so that inlined code counts where it was written.
//! The format: valgrind manual, "Callgrind Format Specification". Pure data but for names.rs.

use std::collections::BTreeMap;

use crate::names;

/// A line of a source file; 0 is code that the compiler says belongs to none.
pub(crate) type Line = (String, u32);

/// Instructions of a run, or of one operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Profile {
    pub(crate) total: f64,
    pub(crate) compiled: BTreeMap<String, f64>,
    pub(crate) written: BTreeMap<Line, f64>,
}

impl Profile {
    /// Reads callgrind's output; `None` if it is not whole.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut totals = text.lines().filter_map(|line| line.strip_prefix("totals:"));
        let total = totals.next_back()?.trim().parse::<u64>().ok()? as f64;
        let mut reader = Reader::default();
        for line in text.lines() {
            reader.read(line)?;
        }
        Some(Self { total, ..reader.profile })
    }

    /// What an operation costs: the longer run less the shorter, which has `ops` fewer.
    pub(crate) fn per_op(short: &Self, long: &Self, ops: u64) -> Self {
        let ops = ops as f64;
        Self {
            total: (long.total - short.total) / ops,
            compiled: difference(&short.compiled, &long.compiled, ops),
            written: difference(&short.written, &long.written, ops),
        }
    }
}

fn difference<K: Ord + Clone>(
    short: &BTreeMap<K, f64>,
    long: &BTreeMap<K, f64>,
    ops: f64,
) -> BTreeMap<K, f64> {
    let mut all: BTreeMap<K, f64> = long.clone();
    for (key, count) in short {
        *all.entry(key.clone()).or_default() -= count;
    }
    all.retain(|_, count| *count != 0.0);
    all.values_mut().for_each(|count| *count /= ops);
    all
}

/// The state that lines of the file refer to: names are given once and numbered, positions are
/// relative to the last one.
#[derive(Debug, Default)]
struct Reader {
    files: BTreeMap<u32, String>,
    functions: BTreeMap<u32, String>,
    objects: BTreeMap<u32, String>,
    object: String,
    function: String,
    file: String,
    line: u32,
    /// The next cost is what a call cost inside the called: not this function's own.
    inclusive: bool,
    profile: Profile,
}

impl Reader {
    fn read(&mut self, text: &str) -> Option<()> {
        if text.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            return self.cost(text);
        }
        let Some((key, value)) = text.split_once('=') else { return Some(()) };
        match key {
            "ob" => self.object = named(&mut self.objects, value)?,
            "fl" | "fi" | "fe" => self.file = named(&mut self.files, value)?,
            "fn" => self.function = named(&mut self.functions, value)?,
            // The called function's; a name may be given here for the first time.
            "cob" => drop(named(&mut self.objects, value)?),
            "cfi" | "cfl" => drop(named(&mut self.files, value)?),
            "cfn" => drop(named(&mut self.functions, value)?),
            "calls" => self.inclusive = true,
            _ => {}
        }
        Some(())
    }

    fn cost(&mut self, text: &str) -> Option<()> {
        let mut words = text.split(' ');
        let position = words.next()?;
        self.line = match position.split_at(1) {
            ("*", "") => self.line,
            ("+", more) => self.line + more.parse::<u32>().ok()?,
            ("-", less) => self.line.checked_sub(less.parse().ok()?)?,
            _ => position.parse().ok()?,
        };
        let count: u64 = words.next().unwrap_or("0").parse().ok()?;
        if std::mem::take(&mut self.inclusive) || count == 0 {
            return Some(());
        }
        let function = names::function(&self.function, &self.object);
        *self.profile.compiled.entry(function).or_default() += count as f64;
        let line = match names::is_system(&self.object) {
            true => (names::SYSTEM.to_owned(), 0),
            false => (names::file(&self.file), self.line),
        };
        *self.profile.written.entry(line).or_default() += count as f64;
        Some(())
    }
}

/// `(7) name` gives number 7 its name, `(7)` is that name again.
fn named(names: &mut BTreeMap<u32, String>, value: &str) -> Option<String> {
    let (number, name) = value.strip_prefix('(')?.split_once(')')?;
    let number = number.parse().ok()?;
    if let Some(name) = name.strip_prefix(' ') {
        names.insert(number, name.to_owned());
    }
    names.get(&number).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = "\
version: 1
positions: line
events: Ir
summary: 12

ob=(1) /x/target/release/examples/echo
fl=(1) /x/src/a.rs
fn=(1) edgewake::poll
10 100
+2 50
fi=(2) /x/src/b.rs
7 30
fe=(1)
-5 1
cob=(2) /usr/lib/libc.so.6
cfi=(3) ???
cfn=(2) __memset_avx2_unaligned_erms
calls=3 0
* 60
* 4

ob=(2)
fl=(3)
fn=(2)
0 60

totals: 245
";

    #[test]
    fn self_cost_by_function_and_by_line() {
        let profile = Profile::parse(SHORT).unwrap();
        assert_eq!(profile.total, 245.0);
        let compiled = [("edgewake::poll", 185.0), ("libc: memset", 60.0)];
        assert_eq!(profile.compiled, compiled.map(|(name, n)| (name.to_owned(), n)).into());
        let written =
            [("/x/src/a.rs", 10, 100.0), ("/x/src/a.rs", 12, 50.0), ("/x/src/b.rs", 7, 30.0)];
        for (file, line, count) in written {
            assert_eq!(profile.written[&(file.to_owned(), line)], count, "{file} {line}");
        }
        // One cost after `fe`, and one after the call; what the call cost is not among them.
        assert_eq!(profile.written[&("/x/src/a.rs".to_owned(), 2)], 5.0);
        assert_eq!(profile.written[&(names::SYSTEM.to_owned(), 0)], 60.0);
    }

    #[test]
    fn one_operation_is_the_difference() {
        let short = Profile::parse(SHORT).unwrap();
        let long = SHORT.replace("\n+2 50\n", "\n+2 80\n").replace("totals: 245", "totals: 275");
        let profile = Profile::per_op(&short, &Profile::parse(&long).unwrap(), 10);
        assert_eq!(profile.total, 3.0);
        assert_eq!(profile.compiled, [("edgewake::poll".to_owned(), 3.0)].into());
        assert_eq!(profile.written, [(("/x/src/a.rs".to_owned(), 12), 3.0)].into());
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        assert_eq!(Profile::parse("version: 1\nfn=(1) main\n1 12\n"), None);
        assert_eq!(Profile::parse("fn=(1)\n1 12\ntotals: 12\n"), None);
    }
}
