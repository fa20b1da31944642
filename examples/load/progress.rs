//! The line that tells how far it is, while it runs and somebody watches.

use std::{
    io::IsTerminal,
    rc::Rc,
    time::{Duration, Instant},
};

use edgewake::{JoinHandle, time::interval};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{common::numbers::Grouped, shared::Shared};

/// How often the line is drawn anew.
const PERIOD: Duration = Duration::from_millis(200);

const TEMPLATE: &str = "{bar:30} {msg}";

/// The line and the task that keeps it up to date. Neither exists where standard error is no
/// terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: Option<(ProgressBar, JoinHandle<()>)>,
}

impl Progress {
    pub(crate) fn start(shared: &Rc<Shared>, start: Instant, duration: Duration) -> Progress {
        if !std::io::stderr().is_terminal() {
            return Progress { shown: None };
        }
        let bar = ProgressBar::with_draw_target(
            Some(duration.as_millis().try_into().unwrap_or(u64::MAX)),
            ProgressDrawTarget::stderr(),
        );
        bar.set_style(ProgressStyle::with_template(TEMPLATE).expect("a template that it takes"));
        let task = edgewake::spawn_local(follow(bar.clone(), Rc::clone(shared), start, duration));
        Progress { shown: Some((bar, task)) }
    }

    /// Takes the line away.
    pub(crate) fn finish(self) {
        if let Some((bar, task)) = self.shown {
            task.abort();
            bar.finish_and_clear();
        }
    }
}

async fn follow(bar: ProgressBar, shared: Rc<Shared>, start: Instant, duration: Duration) {
    let mut ticks = interval(PERIOD);
    let (mut told, mut told_at) = (0, start);
    loop {
        ticks.tick().await;
        let (answers, now) = (shared.tally.answers(), Instant::now());
        let rate = (answers - told) as f64 / (now - told_at).as_secs_f64().max(1e-9);
        (told, told_at) = (answers, now);
        let elapsed = now - start;
        bar.set_position(elapsed.as_millis().try_into().unwrap_or(u64::MAX));
        bar.set_message(format!(
            "{:.1} of {} s, {} requests/s",
            elapsed.as_secs_f64(),
            duration.as_secs_f64(),
            Grouped(rate as u64),
        ));
    }
}
