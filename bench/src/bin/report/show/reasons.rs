//! The hand-kept reasons why edgewake loses where it does.
//!
//! Lines of scenario, figure, peer and reason, with tabs between; `*` at the end of a word stands
//! for anything from there on. The first that fits is taken. Pure.

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    scenario: String,
    metric: String,
    peer: String,
    pub(super) text: String,
}

/// Reads the file; the number of the first line that is none, if there is one.
pub(super) fn parse(text: &str) -> Result<Vec<Reason>, usize> {
    let mut reasons = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [scenario, metric, peer, text] = words[..] else { return Err(index + 1) };
        if text.is_empty() {
            return Err(index + 1);
        }
        let [scenario, metric, peer, text] = [scenario, metric, peer, text].map(str::to_owned);
        reasons.push(Reason { scenario, metric, peer, text });
    }
    Ok(reasons)
}

/// The place of the first reason that fits.
pub(super) fn find(reasons: &[Reason], scenario: &str, metric: &str, peer: &str) -> Option<usize> {
    reasons.iter().position(|it| {
        fits(&it.scenario, scenario) && fits(&it.metric, metric) && fits(&it.peer, peer)
    })
}

fn fits(pattern: &str, word: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => word.starts_with(start),
        None => pattern == word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_that_fits_is_taken() {
        let text = "# comment\n\ncount-*\tinstructions\tmio\tno tasks\n*\t*\t*\tdo not know\n";
        let reasons = parse(text).unwrap();
        assert_eq!(find(&reasons, "count-tcp-1", "instructions", "mio"), Some(0));
        assert_eq!(find(&reasons, "count-tcp-1", "syscalls", "mio"), Some(1));
        assert_eq!(find(&reasons[..1], "tcp-1", "instructions", "mio"), None);
        assert_eq!(reasons[0].text, "no tasks");
    }

    #[test]
    fn a_line_that_says_nothing_is_refused() {
        assert_eq!(parse("# why\ntcp-1\trate\tmio\n"), Err(2));
        assert_eq!(parse("tcp-1\trate\tmio\t \n"), Err(1));
    }
}
