//! What a program says while it serves: lines on standard output, and warnings on standard error.
//!
//! Whoever reads them may have stopped reading, or have gone: neither ends the service nor holds it
//! up. Nothing here waits, but [`Aside::finish`], and that not for long. The two outputs have a
//! thread each, so that a full one does not hold up the other.

use std::{
    fmt::Display,
    io::{self, Write},
};

use super::lines::Lines;

/// Says lines without waiting for them to be read.
#[derive(Debug)]
pub(crate) struct Aside {
    /// Goes before warnings.
    program: &'static str,
    output: Lines,
    warnings: Lines,
}

impl Aside {
    /// For standard output and standard error.
    pub(crate) fn start(program: &'static str) -> Result<Aside, String> {
        Aside::over(program, io::stdout(), io::stderr())
    }

    /// For any two outputs.
    pub(crate) fn over(
        program: &'static str,
        output: impl Write + Send + 'static,
        warnings: impl Write + Send + 'static,
    ) -> Result<Aside, String> {
        Ok(Aside { program, output: Lines::on(output)?, warnings: Lines::on(warnings)? })
    }

    /// Says a line on the first output. If that fails it becomes a warning, at the latest at the
    /// end.
    pub(crate) fn say(&self, line: impl Display) {
        if let Err(error) = self.output.print(line) {
            self.warn(error);
        }
    }

    /// Says a line on the second output.
    pub(crate) fn warn(&self, what: impl Display) {
        // Nobody is left to be told that this fails.
        let _unheard: Result<(), String> =
            self.warnings.print(format_args!("{}: {what}", self.program));
    }

    /// Waits until all is said, or a moment.
    pub(crate) fn finish(self) {
        if let Err(error) = self.output.flush() {
            self.warn(error);
        }
        // As above.
        let _unheard: Result<(), String> = self.warnings.flush();
    }
}
