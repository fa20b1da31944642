//! What a client asks on condition that a file is, or is not, as it was: RFC 9110, section 13.

use crate::{date, request::Request};

/// The state of a file that conditions compare with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version<'a> {
    /// A strong validator: two versions with one tag are the same bytes.
    pub(crate) tag: &'a str,
    /// In seconds since 1970.
    pub(crate) modified: u64,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is answered.
    Answered,
    /// Status 304: the client has it.
    Unchanged,
    /// Status 412: it is not what the client takes it for.
    Failed,
}

/// Weighs the conditions in the order of section 13.2.2. GET and HEAD only come here.
pub(crate) fn weigh(request: &Request, version: Version<'_>) -> Verdict {
    let date = |field: &Option<String>| field.as_deref().and_then(date::parse);
    if let Some(tags) = &request.if_match {
        // Compared strongly: a weak tag is no match.
        if !list(tags).any(|tag| tag == version.tag || tag == "*") {
            return Verdict::Failed;
        }
    } else if date(&request.if_unmodified_since).is_some_and(|date| version.modified > date) {
        return Verdict::Failed;
    }
    let unchanged = match &request.if_none_match {
        Some(tags) => list(tags)
            .map(|tag| tag.trim_start_matches("W/"))
            .any(|tag| tag == version.tag || tag == "*"),
        None => date(&request.if_modified_since).is_some_and(|date| version.modified <= date),
    };
    if unchanged { Verdict::Unchanged } else { Verdict::Answered }
}

/// Whether the file is still the one of which the client has a part.
pub(crate) fn is_same(request: &Request, version: Version<'_>) -> bool {
    match request.if_range.as_deref() {
        None => true,
        Some(validator) => {
            validator == version.tag || date::parse(validator) == Some(version.modified)
        }
    }
}

fn list(tags: &str) -> impl Iterator<Item = &str> {
    tags.split(',').map(str::trim)
}
