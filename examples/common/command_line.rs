//! Command lines: values of options, and how a program ends that was called in a wrong way.

use std::{fmt::Display, process::ExitCode, str::FromStr};

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

/// Reads the command line and runs the program. Exit code 0: it did what was asked; 1: it could
/// not, or not without errors; 2: the command line makes no sense.
pub(crate) fn run<A, E: Display>(
    program: &str,
    usage: &str,
    request: Result<Request<A>, lexopt::Error>,
    body: impl FnOnce(&A) -> Result<(), E>,
) -> ExitCode {
    match request {
        Ok(Request::Run(arguments)) => match body(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{program}: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Request::Help) => {
            print!("{usage}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{program}: {error}\nTry `--help`.");
            ExitCode::from(2)
        }
    }
}
