//! Command lines: values of options, what a program prints, and how it ends.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
    str::FromStr,
};

use lexopt::Parser;

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Request<A> {
    /// To run with these arguments.
    Run(A),
    /// To print the usage.
    Help,
}

/// Reads the value of an option or an argument. `what` says what it has to be, as in "an address
/// with a port, like 127.0.0.1:8000".
pub(crate) fn value<T: FromStr>(
    parser: &mut Parser,
    option: &str,
    what: &str,
) -> Result<T, lexopt::Error> {
    let value = parser.value()?;
    let text = value.to_string_lossy();
    text.parse().map_err(|_| format!("{option} needs {what}, not `{text}`").into())
}

/// Prints lines in one piece. Unlike `println!` it does not panic where nobody reads any more.
pub(crate) fn print(lines: impl Display) -> Result<(), String> {
    let lines = lines.to_string();
    let mut output = io::stdout().lock();
    output
        .write_all(lines.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| format!("cannot write to standard output: {error}"))
}

/// Reads the command line and runs the program. Exit code 0: it did what was asked; 1: it could
/// not, or not without errors; 2: the command line makes no sense.
pub(crate) fn run<A>(
    program: &str,
    usage: &str,
    request: Result<Request<A>, lexopt::Error>,
    body: impl FnOnce(&A) -> Result<(), String>,
) -> ExitCode {
    let outcome = match request {
        Ok(Request::Run(arguments)) => body(&arguments),
        Ok(Request::Help) => print(usage),
        Err(error) => {
            eprintln!("{program}: {error}\nTry `--help`.");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}
