//! From a line of our own sources to the function that it was written in.
//!
//! Link-time optimisation puts nearly all of a server into one function, so that its name says
//! little; but every instruction has a line. The function is the last whose `fn` stands at the line
//! or above it: good enough to say where something grew. Files from elsewhere stay one entry each,
//! since their sources need not be here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::profile::Profile;

/// Instructions by `file: function`.
pub(crate) fn by_function(profile: &Profile, root: &Path) -> BTreeMap<String, f64> {
    let mut sources = Sources { root: root.to_owned(), known: BTreeMap::new() };
    let mut functions = BTreeMap::new();
    for ((file, line), count) in &profile.written {
        *functions.entry(sources.name(file, *line)).or_default() += count;
    }
    functions
}

/// The sources read so far: for each file, the lines at which functions begin.
struct Sources {
    root: PathBuf,
    known: BTreeMap<String, Vec<(u32, String)>>,
}

impl Sources {
    fn name(&mut self, file: &str, line: u32) -> String {
        let Ok(inside) = Path::new(file).strip_prefix(&self.root) else {
            // Nothing may depend on where this machine keeps what is not ours.
            let name = file.rsplit('/').next().filter(|_| file.starts_with('/'));
            return name.map_or_else(|| file.to_owned(), |name| format!("elsewhere/{name}"));
        };
        let inside = inside.display().to_string();
        let path = self.root.join(&inside);
        let functions = self.known.entry(inside.clone()).or_insert_with(|| {
            // Without its source a file is one entry.
            std::fs::read_to_string(path).map_or_else(|_| Vec::new(), |text| beginnings(&text))
        });
        let before = functions.partition_point(|(start, _)| *start <= line);
        match before.checked_sub(1) {
            Some(index) => format!("{inside}: {}", functions[index].1),
            None => inside,
        }
    }
}

/// The line and name of each function in a source text, in order.
fn beginnings(text: &str) -> Vec<(u32, String)> {
    let lines = (1..).zip(text.lines());
    lines.filter_map(|(number, line)| Some((number, function_name(line)?.to_owned()))).collect()
}

/// The name in `pub(crate) const unsafe fn name<T>(`, `None` for any other line.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    loop {
        if let Some(name) = rest.strip_prefix("fn ") {
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            return Some(&name[..end]).filter(|name| !name.is_empty());
        }
        let (word, more) = rest.split_once(' ')?;
        let qualifies = matches!(word, "pub" | "const" | "async" | "unsafe" | "extern")
            || word.starts_with("pub(")
            || word.starts_with('"');
        if !qualifies {
            return None;
        }
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_functions() {
        let text = "//! fn no\nuse a;\n/// fn no\nimpl A {\n    pub(crate) const fn new() -> A {\n\
                    }\n    async fn go<T>(\n}\nextern \"C\" fn c() {}\nlet x = fn_of(y);\n";
        let want = [(5, "new"), (7, "go"), (9, "c")];
        assert_eq!(beginnings(text), want.map(|(line, name)| (line, name.to_owned())));
    }

    #[test]
    fn lines_of_this_file_have_functions() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let here = root.join("src/bin/cost/written.rs").display().to_string();
        let last = u32::try_from(include_str!("written.rs").lines().count()).unwrap();
        let profile = Profile {
            written: [((here.clone(), last), 3.0), ((here, 1), 2.0), (("/x/y.rs".into(), 9), 1.0)]
                .into(),
            ..Profile::default()
        };
        let want = [
            ("elsewhere/y.rs", 1.0),
            ("src/bin/cost/written.rs", 2.0),
            ("src/bin/cost/written.rs: lines_of_this_file_have_functions", 3.0),
        ];
        assert_eq!(by_function(&profile, root), want.map(|(n, c)| (n.to_owned(), c)).into());
    }
}
