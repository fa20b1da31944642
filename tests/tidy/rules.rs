//! What `tidy` looks for. Each rule takes sources and returns its breaches as `file:line: what`.

use std::collections::HashMap;

use crate::source::{Source, Token};

pub(crate) const MAX_COLUMNS: usize = 100;
pub(crate) const MAX_FUNCTION_LINES: usize = 70;
pub(crate) const MAX_FILE_LINES: usize = 600;

/// A file that may do what the others may not, and why.
pub(crate) type Exception = (&'static str, &'static str);

/// For each module at the root of `src`, the modules it must not name: arrows only go down.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("sync", &["runtime", "task", "driver", "reactor", "time", "net", "io", "async_fd"]),
    (
        "metrics",
        &["runtime", "task", "driver", "reactor", "time", "net", "io", "async_fd", "blocking"],
    ),
    ("reactor", &["runtime", "task", "driver", "time", "net", "io", "async_fd", "blocking"]),
    ("task", &["runtime", "driver", "reactor", "time", "net", "io", "async_fd", "blocking"]),
    ("driver", &["runtime", "task", "net", "io", "process", "signal", "fs", "async_fd"]),
    ("time", &["runtime", "task", "net", "io", "process", "signal", "fs", "async_fd"]),
    ("async_fd", &["runtime", "task", "net", "io", "process", "signal", "fs", "blocking"]),
    ("blocking", &["runtime", "task", "net", "process", "signal", "fs", "async_fd"]),
    ("net", &["runtime", "task"]),
    ("io", &["runtime", "task"]),
    ("process", &["runtime", "task"]),
    ("signal", &["runtime", "task"]),
    ("fs", &["runtime", "task"]),
];

fn breach(source: &Source, line: usize, what: &str) -> String {
    format!("{}:{line}: {what}", source.path)
}

/// The arrows between the modules of `src`, also where lib.rs re-exports a name. A file's own unit
/// tests, which stand at its end, may use the whole crate.
pub(crate) fn layers(sources: &[Source]) -> Vec<String> {
    let exports = exports(sources);
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("src/")) {
        let module = source.module();
        let Some(own) = module.first() else { continue };
        let forbidden = FORBIDDEN
            .iter()
            .find_map(|(name, forbidden)| (name == own).then_some(*forbidden))
            .unwrap_or(if own == "runtime" { &[] } else { &["runtime"] });
        let tests = source.text.lines().position(|line| line == "mod tests {");
        let before_tests = |line: usize| tests.is_none_or(|tests| line <= tests);
        for named in source.paths().iter().filter(|n| n.local && before_tests(n.line)) {
            let Some(first) = named.segments.first() else { continue };
            let to = exports.get(first).unwrap_or(first);
            if to != own && forbidden.contains(&to.as_str()) {
                let what = format!("`{own}` names `{to}` ({})", named.segments.join("::"));
                found.push(breach(source, named.line, &what));
            }
        }
    }
    found
}

/// The names that lib.rs takes up from its modules, each with its module.
fn exports(sources: &[Source]) -> HashMap<String, String> {
    let mut exports = HashMap::new();
    let Some(root) = sources.iter().find(|source| source.path == "src/lib.rs") else {
        return exports;
    };
    let modules: Vec<&str> = root
        .tokens
        .windows(2)
        .filter(|pair| pair[0].text == "mod")
        .map(|pair| pair[1].text.as_str())
        .collect();
    for named in root.paths() {
        let [first, .., last] = named.segments.as_slice() else { continue };
        if modules.contains(&first.as_str()) {
            exports.insert(named.alias.unwrap_or_else(|| last.clone()), first.clone());
        }
    }
    exports
}

/// The timer wheel is pure data: it names nothing of its crate.
pub(crate) fn wheel_is_alone(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        if !source.is_under(&["src/time/wheel.rs", "src/time/wheel/"]) {
            continue;
        }
        for named in source.paths().iter().filter(|named| named.local) {
            if !named.segments.starts_with(&["time".to_owned(), "wheel".to_owned()]) {
                let what = format!("the wheel names `{}`", named.segments.join("::"));
                found.push(breach(source, named.line, &what));
            }
        }
    }
    found
}

/// `word` stands in no file but those of `homes` and the exceptions; none of these is idle.
pub(crate) fn word_only_in(
    sources: &[Source],
    word: &str,
    homes: &[&str],
    exceptions: &[Exception],
) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.is_under(homes)) {
        let lines: Vec<usize> = source.lines_with(word).collect();
        match exceptions.iter().find(|(path, _)| *path == source.path) {
            Some((_, reason)) if lines.is_empty() => {
                let what = format!("has no `{word}` and needs no exception ({reason})");
                found.push(breach(source, 1, &what));
            }
            Some(_) => {}
            None => {
                let what = format!("`{word}` outside {}", homes.join(", "));
                found.extend(lines.iter().map(|line| breach(source, *line, &what)));
            }
        }
    }
    found
}

/// The platform layer has never heard of wakers and futures.
pub(crate) fn sys_is_passive(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("sys/src/")) {
        for word in ["Waker", "Future"] {
            let what = format!("sys names `{word}`");
            found.extend(source.lines_with(word).map(|line| breach(source, line, &what)));
        }
    }
    found
}

/// What loom looks at comes from src/sync.rs, never from std.
pub(crate) fn loom_sees_all(sources: &[Source], exceptions: &[Exception]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let module = source.module();
        let watched = ["reactor", "driver", "task", "runtime", "blocking"];
        if !source.path.starts_with("src/")
            || !module.first().is_some_and(|own| watched.contains(&own.as_str()))
            || exceptions.iter().any(|(path, _)| *path == source.path)
        {
            continue;
        }
        for named in source.paths() {
            let path = named.segments.join("::");
            let rest = path.strip_prefix("std::").or_else(|| path.strip_prefix("core::"));
            let bare = rest.is_some_and(|rest| {
                ["sync::atomic", "sync::Mutex", "sync::RwLock", "sync::Condvar", "sync::*"]
                    .iter()
                    .any(|name| rest.starts_with(name))
            });
            if bare {
                let what = format!("`{path}` hides from loom: take it from crate::sync");
                found.push(breach(source, named.line, &what));
            }
        }
    }
    found
}

/// Nobody sleeps to wait for something: a sleep is too short on a slow machine, and too long here.
pub(crate) fn nobody_sleeps(sources: &[Source], exceptions: &[Exception]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let excepted = exceptions.iter().any(|(path, _)| *path == source.path);
        let mut sleeps = source
            .paths()
            .into_iter()
            .filter(|named| named.segments.join("::").ends_with("thread::sleep"))
            .map(|named| named.line)
            .peekable();
        if excepted && sleeps.peek().is_none() {
            found.push(breach(source, 1, "does not sleep and needs no exception"));
        } else if !excepted {
            found.extend(sleeps.map(|line| breach(source, line, "`thread::sleep` to wait")));
        }
    }
    found
}

/// A test that is left out says why.
pub(crate) fn ignored_with_reason(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let mut inside = 0;
        for (index, token) in source.tokens.iter().enumerate() {
            let before = index.checked_sub(1).map_or("", |at| source.tokens[at].text.as_str());
            let after = source.tokens.get(index + 1).map_or("", |token| token.text.as_str());
            match token.text.as_str() {
                "[" if inside > 0 || before == "#" || before == "!" => inside += 1,
                "]" if inside > 0 => inside -= 1,
                "ignore" if inside > 0 && matches!(before, "[" | ",") && after != "=" => {
                    found.push(breach(source, token.line, "`#[ignore]` without a reason"));
                }
                _ => {}
            }
        }
    }
    found
}

/// Lines, files and functions that a reader can hold in view, and a header that says the role.
pub(crate) fn sizes(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            if line.chars().count() > MAX_COLUMNS {
                found.push(breach(source, index + 1, "longer than 100 columns"));
            }
        }
        let lines = source.text.lines().count();
        if lines > MAX_FILE_LINES {
            found.push(breach(source, lines, &format!("{lines} lines: more than 600")));
        }
        if !source.text.starts_with("//!") {
            found.push(breach(source, 1, "does not begin with a `//!` header"));
        }
        for (name, line, length) in functions(&source.tokens) {
            if length > MAX_FUNCTION_LINES {
                let what = format!("`{name}` has {length} lines: more than 70");
                found.push(breach(source, line, &what));
            }
        }
    }
    found
}

/// Every function with a body: its name, its line, and its length from `fn` to the last brace.
pub(crate) fn functions(tokens: &[Token]) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (index, pair) in tokens.windows(2).enumerate() {
        let is_name = pair[1].text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if pair[0].text != "fn" || !is_name {
            continue;
        }
        if let Some(end) = end_of_body(&tokens[index..]) {
            found.push((pair[1].text.clone(), pair[0].line, end + 1 - pair[0].line));
        }
    }
    found
}

/// The line of the brace that closes the first body; none where the function is only declared.
fn end_of_body(tokens: &[Token]) -> Option<usize> {
    let (mut round, mut braces) = (0_i32, 0_i32);
    for token in tokens {
        match token.text.as_str() {
            "(" | "[" => round += 1,
            ")" | "]" => round -= 1,
            ";" if round == 0 && braces == 0 => return None,
            "{" => braces += 1,
            "}" => {
                braces -= 1;
                if braces == 0 {
                    return Some(token.line);
                }
            }
            _ => {}
        }
    }
    None
}
