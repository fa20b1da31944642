//! What the documents say, held against the sources: that every trap has a test or a reason, that
//! every promise names tests that exist, and that the library has four dependencies.
//!
//! Each rule takes texts and returns its breaches as `file:line: what`, as those of rules.rs do.

use std::collections::{HashMap, HashSet};

use crate::{rules::functions, source::Source};

/// How many traps the field's list has.
pub(crate) const TRAPS: u32 = 92;

/// Where ARCHITECTURE.md says which traps have no test, and why.
const REASONS: &str = "## Traps that have no test here";

/// What a promise without a test says in the place of tests, before its reason.
const UNHELD: &str = "not held: ";

/// A test as it stands in the sources: a function with `#[test]`, or an example in a comment.
struct Test {
    path: String,
    name: String,
    line: usize,
    /// The numbers of the traps it names.
    traps: Vec<u32>,
}

/// Every test of the sources.
fn tests(sources: &[Source]) -> Vec<Test> {
    let mut found = Vec::new();
    for source in sources {
        let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
        for (name, line, _) in functions(&source.tokens) {
            let above = above(&lines[..line - 1]);
            let is_test = above.contains(&"#[test]") || has_example(above);
            if !is_test {
                continue;
            }
            let mut traps: Vec<u32> = in_name(&name).into_iter().collect();
            for comment in above.iter().filter(|l| l.starts_with("// ")) {
                traps.extend(in_text(comment));
            }
            found.push(Test { path: source.path.clone(), name, line, traps });
        }
    }
    found
}

/// The comments and attributes that belong to the item below them.
fn above<'a>(before: &'a [&'a str]) -> &'a [&'a str] {
    let ends = |line: &&str| {
        let code = !line.starts_with("//") && line.ends_with(['{', '}', ';']);
        line.is_empty() || line.starts_with("//!") || (code && !line.starts_with("#["))
    };
    let begin = before.iter().rposition(ends).map_or(0, |at| at + 1);
    &before[begin..]
}

/// Whether there is an example among them that `cargo test` builds.
fn has_example(above: &[&str]) -> bool {
    let fences = above.iter().filter_map(|line| line.strip_prefix("/// ```"));
    // Every other one closes what the one before it has opened.
    fences.step_by(2).any(|kind| !kind.contains("ignore") && kind != "text")
}

/// `t04_…`: a test that is named after its trap.
fn in_name(name: &str) -> Option<u32> {
    let (number, _) = name.strip_prefix('t')?.split_once('_')?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
}

/// `T4`, `T04`: every trap that a text names.
fn in_text(text: &str) -> Vec<u32> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|word| word.strip_prefix('T'))
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// Every trap has a test that names it, or a reason in `architecture`; none has both, and no test
/// names one that there is not.
pub(crate) fn traps(sources: &[Source], architecture: &str) -> Vec<String> {
    let (mut found, mut reasons) = (Vec::new(), HashMap::new());
    let table = architecture.lines().zip(1..).skip_while(|(line, _)| *line != REASONS).skip(1);
    for (row, line) in table.take_while(|(line, _)| !line.starts_with("## ")) {
        let Some([numbers, reason]) = cells(row) else { continue };
        if reason.is_empty() {
            found.push(format!("ARCHITECTURE.md:{line}: no reason"));
        }
        reasons.extend(in_text(numbers).into_iter().map(|number| (number, line)));
    }
    let mut named = HashMap::new();
    for test in tests(sources) {
        let Test { path, name, line, traps } = test;
        for trap in traps {
            if !(1..=TRAPS).contains(&trap) {
                found.push(format!("{path}:{line}: `{name}` names T{trap}, which there is not"));
            }
            named.entry(trap).or_insert_with(|| format!("{path}::{name}"));
        }
    }
    for trap in 1..=TRAPS {
        match (named.get(&trap), reasons.get(&trap)) {
            (None, None) => {
                found.push(format!("T{trap} has no test, and no reason in {REASONS:?}"))
            }
            (Some(test), Some(line)) => {
                found.push(format!("ARCHITECTURE.md:{line}: T{trap} has a test now, {test}"));
            }
            _ => {}
        }
    }
    found
}

/// The two cells of a row of a table; none for other lines, and for the line below the heading.
fn cells(row: &str) -> Option<[&str; 2]> {
    let (left, right) = row.strip_prefix('|')?.strip_suffix('|')?.split_once('|')?;
    let [left, right] = [left.trim(), right.trim()];
    (!left.starts_with("--")).then_some([left, right])
}

/// Every test that `document` names exists, and every row of its tables names one at least, or
/// says that nothing holds it.
pub(crate) fn promises(sources: &[Source], name: &str, document: &str) -> Vec<String> {
    let tests = tests(sources);
    let known: HashSet<_> = tests.iter().map(|t| (t.path.as_str(), t.name.as_str())).collect();
    let mut found = Vec::new();
    let mut heading = true;
    for (line, number) in document.lines().zip(1..) {
        let named = tests_in(line);
        for (path, test) in &named {
            if !known.contains(&(*path, *test)) {
                found.push(format!("{name}:{number}: there is no test {path}::{test}"));
            }
        }
        if !line.starts_with('|') {
            heading = true;
        } else if heading {
            heading = false;
        } else if let Some([_, holds]) = cells(line) {
            let unheld = holds.strip_prefix(UNHELD).is_some_and(|reason| !reason.is_empty());
            if named.is_empty() && !unheld {
                found.push(format!("{name}:{number}: neither a test nor \"{UNHELD}\" and why"));
            }
        }
    }
    found
}

/// The tests named in a line, as `path.rs::name` between backticks.
fn tests_in(line: &str) -> Vec<(&str, &str)> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once("::"))
        .filter(|(path, _)| path.ends_with(".rs"))
        .collect()
}

/// What the library may depend on, and its own crate of the platform.
const DEPENDENCIES: &[&str] = &["bytes", "cfg-if", "edgewake-sys", "futures", "libc"];

/// The manifest's sections of dependencies, those of some target too, name no others. What the
/// tests need is their own affair.
pub(crate) fn dependencies(name: &str, manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for (line, number) in manifest.lines().zip(1..) {
        if let Some(section) = line.strip_prefix('[') {
            let own = |section: &str| !section.contains("dev-dependencies");
            inside = section.contains("dependencies") && own(section);
            // `[dependencies.NAME]`: nothing of ours is written so, and it would pass unseen.
            if inside && !section.ends_with("dependencies]") {
                found.push(format!("{name}:{number}: a section of its own: write a line instead"));
            }
        } else if let Some((key, _)) = line.split_once(['=', '.']) {
            let key = key.trim();
            if inside && !key.starts_with('#') && !DEPENDENCIES.contains(&key) {
                found.push(format!("{name}:{number}: `{key}` is not among {DEPENDENCIES:?}"));
            }
        }
    }
    found
}
