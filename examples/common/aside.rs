//! What a program says while it serves: in order, from a thread of its own.
//!
//! Whoever reads it may have stopped reading, or have gone: neither ends the service nor holds it
//! up. Nothing here waits, but [`Aside::finish`], and that not for long.

use std::{
    fmt::Display,
    io::{self, Write},
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
    time::Duration,
};

/// Lines that may wait for a reader. Who leaves as many unread misses those that come then.
const WAITING: usize = 1000;

/// How long the last lines may take once the service has ended.
const LAST: Duration = Duration::from_secs(1);

/// Says lines without waiting for them to be read.
#[derive(Debug)]
pub(crate) struct Aside {
    lines: SyncSender<Line>,
    /// Closed when the thread ends; nothing is ever sent.
    ended: Receiver<()>,
}

#[derive(Debug)]
enum Line {
    Output(String),
    Warning(String),
}

impl Aside {
    /// Starts the thread, for standard output and standard error. `program` goes before warnings.
    pub(crate) fn start(program: &'static str) -> Result<Aside, String> {
        // Both are locked for each line only: the last words of the program are not its.
        Aside::over(program, io::stdout(), io::stderr())
    }

    fn over(
        program: &'static str,
        output: impl Write + Send + 'static,
        warnings: impl Write + Send + 'static,
    ) -> Result<Aside, String> {
        let (lines, heard) = mpsc::sync_channel(WAITING);
        let (running, ended) = mpsc::channel();
        thread::Builder::new()
            .name("aside".into())
            .spawn(move || {
                let _running = running;
                write(program, &heard, output, warnings);
            })
            .map_err(|error| format!("no thread to print from: {error}"))?;
        Ok(Aside { lines, ended })
    }

    /// Says something on standard output. If that fails, standard error is told.
    pub(crate) fn say(&self, lines: impl Display) {
        self.send(Line::Output(lines.to_string()));
    }

    /// Says a line on standard error.
    pub(crate) fn warn(&self, what: impl Display) {
        self.send(Line::Warning(what.to_string()));
    }

    fn send(&self, line: Line) {
        // It fails where nobody has read a thousand lines: then there is nobody to be told.
        let _unread: Result<(), mpsc::TrySendError<Line>> = self.lines.try_send(line);
    }

    /// Waits until all is said, or a moment.
    pub(crate) fn finish(self) {
        drop(self.lines);
        // The thread ends in time, or nobody reads and it ends with the process.
        let _outcome: Result<(), mpsc::RecvTimeoutError> = self.ended.recv_timeout(LAST);
    }
}

/// The thread's work, until there is nobody who could say anything.
fn write(program: &str, heard: &Receiver<Line>, mut output: impl Write, mut warnings: impl Write) {
    while let Ok(line) = heard.recv() {
        let warning = match line {
            Line::Output(lines) => {
                match output.write_all(lines.as_bytes()).and_then(|()| output.flush()) {
                    Ok(()) => continue,
                    Err(error) => format!("cannot write to standard output: {error}"),
                }
            }
            Line::Warning(what) => what,
        };
        // Nobody is left to be told that this fails.
        let _unheard: io::Result<()> =
            warnings.write_all(format!("{program}: {warning}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex, mpsc},
    };

    use super::Aside;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// Nobody reads it any more.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Its reader does not read: a write does not return before the sender has gone.
    struct Stuck(mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().expect_err("nothing is sent");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Says a line, a warning and a line, and that this comes back.
    fn say(output: impl Write + Send + 'static, warnings: impl Write + Send + 'static) {
        let aside = Aside::over("test", output, warnings).unwrap();
        aside.say("one\n");
        aside.warn("two");
        aside.say("three\n");
        aside.finish();
    }

    #[test]
    fn lines_are_said_in_order() {
        let both = Written::default();
        say(both.clone(), both.clone());
        assert_eq!(both.text(), "one\ntest: two\nthree\n");
    }

    #[test]
    fn output_that_fails_is_a_warning() {
        let warnings = Written::default();
        say(Broken, warnings.clone());
        let text = warnings.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("test: cannot write to standard output: "), "{text}");
        assert_eq!(lines[1], "test: two");
    }

    #[test]
    fn warnings_that_fail_are_let_go() {
        let output = Written::default();
        say(output.clone(), Broken);
        assert_eq!(output.text(), "one\nthree\n");
        say(Broken, Broken);
    }

    #[test]
    fn nobody_waits_for_a_reader() {
        let (reader, stuck) = mpsc::channel();
        say(Stuck(stuck), Written::default());
        drop(reader);
    }
}
