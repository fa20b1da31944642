//! Lines from a loop that must not wait for who reads them: a terminal that was stopped, a pager,
//! a pipe that nobody drains.
//!
//! A thread writes; it sleeps while there is nothing to write. What it has not taken yet waits in a
//! queue of so many bytes. Lines beyond that are dropped, all of them until the thread has taken
//! the queue, and their number stands where they would have stood. An output that fails ends the
//! thread, and is told to whoever has a line after that.
//!
//! Used by the programs that print while they serve, and by `aside`. It never blocks its caller but
//! in `finish` and `flush`, whose caller has nothing else to do.

use std::{
    fmt::{Display, Write as _},
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::numbers::Counted;

/// Bytes that wait to be written: as many as a pipe has.
pub(crate) const QUEUE: usize = 64 * 1024;

/// How long the last lines may take.
const LAST: Duration = Duration::from_secs(1);

/// Where lines go. Dropping it lets the thread write what is queued, as long as the process lives.
#[derive(Debug)]
pub(crate) struct Lines {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Something was queued or written, or either side has ended.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queued: String,
    /// Since the thread took what was queued.
    dropped: u64,
    /// Whether the thread is about what it took.
    writing: bool,
    /// Why nothing is written any more.
    failure: Option<String>,
    ended: bool,
}

impl Lines {
    /// Lines on standard output.
    pub(crate) fn on_stdout() -> Result<Lines, String> {
        Lines::on(io::stdout())
    }

    /// Lines on any output.
    pub(crate) fn on(output: impl Write + Send + 'static) -> Result<Lines, String> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("lines".to_owned())
            .spawn(move || theirs.write(output))
            .map_err(|error| format!("cannot start a thread that prints: {error}"))?;
        Ok(Lines { shared })
    }

    /// Queues a line, or counts it where there is no room. An error if an earlier one could not be
    /// written: then none will be.
    pub(crate) fn print(&self, line: impl Display) -> Result<(), String> {
        let mut state = self.shared.lock();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let line = line.to_string();
        // A shorter one would find room, and stand before those that were dropped before it.
        if state.dropped > 0 || state.queued.len() + line.len() + 1 > QUEUE {
            state.dropped += 1;
        } else {
            state.queued.push_str(&line);
            state.queued.push('\n');
        }
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Queues a last line, whether there is room or not, and waits a moment for all to be written.
    pub(crate) fn finish(&self, line: impl Display) -> Result<(), String> {
        let mut state = self.shared.lock();
        state.count_dropped();
        writeln!(state.queued, "{line}").expect("a string takes it");
        self.shared.changed.notify_all();
        self.until_written(state)
    }

    /// Waits a moment for all that is queued to be written.
    pub(crate) fn flush(&self) -> Result<(), String> {
        self.until_written(self.shared.lock())
    }

    fn until_written(&self, state: MutexGuard<'_, State>) -> Result<(), String> {
        let is_busy = |state: &mut State| state.failure.is_none() && state.has_work();
        let waited = self.shared.changed.wait_timeout_while(state, LAST, is_busy);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        match &state.failure {
            Some(failure) => Err(failure.clone()),
            None if waited.timed_out() => Err("nobody reads the last lines".to_owned()),
            None => Ok(()),
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
    }
}

impl State {
    /// Whether anything is still to be written, or being written.
    fn has_work(&self) -> bool {
        self.writing || !self.queued.is_empty() || self.dropped > 0
    }

    /// Says how many lines are missing, if any are.
    fn count_dropped(&mut self) {
        let dropped = mem::take(&mut self.dropped);
        if dropped > 0 {
            let lines = Counted(dropped, "line");
            writeln!(self.queued, "({lines} dropped)").expect("a string takes it");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No change of the state can be left half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: writes what is queued, until nothing will be or nothing can be written.
    fn write(&self, mut output: impl Write) {
        while let Some(lines) = self.next() {
            let written = output.write_all(lines.as_bytes()).and_then(|()| output.flush());
            if let Err(error) = written {
                let failure = format!("cannot write: {error}");
                self.lock().failure = Some(failure);
                self.changed.notify_all();
                return;
            }
        }
    }

    /// Takes what is queued, once something is; none at the end.
    fn next(&self) -> Option<String> {
        let mut state = self.lock();
        state.writing = false;
        self.changed.notify_all();
        let is_idle =
            |state: &mut State| state.queued.is_empty() && state.dropped == 0 && !state.ended;
        let waited = self.changed.wait_while(state, is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.count_dropped();
        state.writing = true;
        let lines = mem::take(&mut state.queued);
        if lines.is_empty() { None } else { Some(lines) }
    }
}
