//! A line for each answer, and the totals.

use std::cell::Cell;

use crate::{
    answer::Answer,
    common::{
        command_line,
        numbers::{Counted, Grouped},
    },
};

/// What was answered so far.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Cell<bool>,
    answers: Cell<u64>,
    bytes: Cell<u64>,
}

impl Log {
    /// With or without a line for each.
    pub(crate) fn new(lines: bool) -> Log {
        Log { lines: Cell::new(lines), answers: Cell::new(0), bytes: Cell::new(0) }
    }

    /// Something was answered, or would have been if the client had taken it.
    pub(crate) fn answered(&self, request: &str, answer: &Answer, whole: bool) {
        let bytes = answer.body.as_ref().map_or(0, |body| body.length());
        self.answers.set(self.answers.get() + 1);
        self.bytes.set(self.bytes.get() + if whole { bytes } else { 0 });
        if !self.lines.get() {
            return;
        }
        // The request is the client's: no control character of it gets to a terminal.
        let (request, status) = (request.escape_debug(), answer.status);
        let cut = if whole { "" } else { " (cut short)" };
        let line = format!("{status} {:>13} {request}{cut}\n", Grouped(bytes).to_string());
        // Where nobody reads any more there are no more lines.
        self.lines.set(command_line::print(line).is_ok());
    }

    /// Everything since the start, in a sentence.
    pub(crate) fn summary(&self) -> String {
        format!("{}, {} bytes", Counted(self.answers.get(), "answer"), Grouped(self.bytes.get()))
    }
}
