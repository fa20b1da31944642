//! A line for each answer, and the totals. Nobody who is answered waits for who reads the lines.

use std::cell::{Cell, RefCell};

use crate::{
    answer::Answer,
    common::{
        command_line,
        lines::Lines,
        numbers::{Counted, Grouped},
    },
};

/// A request is shown with so many characters: it is the client's, and may be as long as a head.
const SHOWN: usize = 200;

/// What was answered so far.
#[derive(Debug)]
pub(crate) struct Log {
    /// None where there are none, or nobody reads them any more.
    lines: RefCell<Option<Lines>>,
    answers: Cell<u64>,
    bytes: Cell<u64>,
}

impl Log {
    /// With or without a line for each.
    pub(crate) fn new(lines: Option<Lines>) -> Log {
        Log { lines: RefCell::new(lines), answers: Cell::new(0), bytes: Cell::new(0) }
    }

    /// Something was answered, or would have been if the client had taken it.
    pub(crate) fn answered(&self, request: &str, answer: &Answer, whole: bool) {
        let bytes = answer.body.as_ref().map_or(0, |body| body.length());
        self.answers.set(self.answers.get() + 1);
        self.bytes.set(self.bytes.get() + if whole { bytes } else { 0 });
        let mut lines = self.lines.borrow_mut();
        let Some(output) = &*lines else { return };
        // No control character of the client's gets to a terminal.
        let request = shown(request);
        let status = answer.status;
        let cut = if whole { "" } else { " (cut short)" };
        let line = format!("{status} {:>13} {request}{cut}", Grouped(bytes).to_string());
        // Where nobody reads any more there are no more lines.
        if output.print(line).is_err() {
            *lines = None;
        }
    }

    /// Prints everything since the start, behind the lines that are still to be written.
    pub(crate) fn finish(&self) -> Result<(), String> {
        match &*self.lines.borrow() {
            Some(lines) => lines.finish(self.summary()),
            None => command_line::print(format_args!("{}\n", self.summary())),
        }
    }

    /// Everything since the start, in a sentence.
    fn summary(&self) -> String {
        format!("{}, {} bytes", Counted(self.answers.get(), "answer"), Grouped(self.bytes.get()))
    }
}

/// A request's beginning, and whether there is more of it.
fn shown(request: &str) -> String {
    let mut characters = request.escape_debug();
    let mut shown: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}
