//! Writes a source file with every mutant of it inside, each behind its switch.

use std::{collections::BTreeSet, ops::Range};

use crate::find::Wrap;

/// A file with its mutants, and where each stands in it.
pub(crate) struct Rewritten {
    pub(crate) text: String,
    places: Vec<(Range<usize>, usize)>,
}

impl Rewritten {
    /// The mutants that touch a range of the text.
    pub(crate) fn at(&self, range: &Range<usize>) -> Vec<usize> {
        let touches = |place: &Range<usize>| place.start <= range.end && range.start <= place.end;
        self.places.iter().filter(|(place, _)| touches(place)).map(|(_, id)| *id).collect()
    }
}

/// `out` are those that do not compile; their switch stays, and does nothing.
pub(crate) fn rewrite(text: &str, wraps: &[Wrap], out: &BTreeSet<usize>) -> Rewritten {
    // At one place what ends comes before what begins; inner ends first, outer begins first.
    let mut order: Vec<(usize, u8, isize, isize, usize)> = Vec::new();
    for (index, wrap) in wraps.iter().enumerate() {
        let (start, end) = (wrap.range.start, wrap.range.end);
        order.push((end, 0, -(start as isize), -(index as isize), index));
        order.push((start, 1, -(end as isize), index as isize, index));
    }
    order.sort_unstable();
    let mut written = Rewritten { text: String::new(), places: Vec::new() };
    let mut at = 0;
    for (offset, begins, _, _, index) in order {
        written.text.push_str(&text[at..offset]);
        at = offset;
        let wrap = &wraps[index];
        if begins == 0 {
            written.text.push_str(&wrap.after);
            continue;
        }
        for (id, part) in &wrap.before {
            let start = written.text.len();
            match id {
                Some(id) if out.contains(id) => written.text.push_str("unreachable!()"),
                Some(id) => {
                    written.text.push_str(part);
                    written.places.push((start..written.text.len(), *id));
                }
                None => written.text.push_str(part),
            }
        }
    }
    written.text.push_str(&text[at..]);
    written
}
