//! The part of a file that a request asks for (RFC 9110, 14.1.2). Pure data.

use std::ops::Range;

/// What a `Range` header comes to for a file of some length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The whole of it: several ranges, or what is no range of bytes, may be ignored.
    Whole,
    /// These bytes, at least one.
    Bytes(Range<u64>),
    /// Nothing that it has.
    Unsatisfiable,
}

/// Reads the header's value.
pub(crate) fn parse(value: &str, length: u64) -> Part {
    let Some(range) = value.trim().strip_prefix("bytes=") else { return Part::Whole };
    let Some((first, last)) = range.split_once('-') else { return Part::Whole };
    let number = |text: &str| {
        let text = text.trim();
        // `parse` would take a sign, too. A number out of bounds is beyond any file.
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Some(0) => return Part::Unsatisfiable,
            Some(count) => length.saturating_sub(count)..length,
            None => return Part::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => first..length,
            None => return Part::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
            _ => return Part::Whole,
        },
    };
    if range.is_empty() { Part::Unsatisfiable } else { Part::Bytes(range) }
}

#[cfg(test)]
mod tests {
    use super::{
        Part::{self, Bytes, Unsatisfiable, Whole},
        parse,
    };

    #[test]
    fn ranges_are_read() {
        let cases: [(&str, Part); 16] = [
            ("bytes=0-0", Bytes(0..1)),
            ("bytes=0-", Bytes(0..10)),
            ("bytes=3-5", Bytes(3..6)),
            ("bytes=3-999999999999999999999999", Bytes(3..10)),
            ("bytes=-1", Bytes(9..10)),
            ("bytes=-100", Bytes(0..10)),
            ("bytes= 1 - 2 ", Bytes(1..3)),
            ("bytes=10-", Unsatisfiable),
            ("bytes=10-20", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-3", Whole),
            ("bytes=0-1,3-4", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=-", Whole),
            ("lines=1-2", Whole),
            ("", Whole),
        ];
        for (value, part) in cases {
            assert_eq!(parse(value, 10), part, "{value}");
        }
        assert_eq!(parse("bytes=0-", 0), Unsatisfiable);
        assert_eq!(parse("bytes=-5", 0), Unsatisfiable);
    }
}
