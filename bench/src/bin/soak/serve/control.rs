//! What the owner says, a line each, and what is answered to it, a line each.
//!
//! `state` is answered with `key=value` words: the services' counters, the runtime's metrics, and
//! the number of signals so far. `pause` and `resume` stop and start to accept, `storm MICROS`
//! sends this process a signal so often (0: none), `limit N` sets the soft limit of descriptors,
//! `quit` ends the server. Served on the loop that is under abuse: an answer shows that it lives.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use edgewake::Handle;
use edgewake::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use edgewake::net::UnixStream;
use edgewake_bench::os::{process, storm};

use super::Listeners;

/// Answers until `quit`, or until the owner has gone.
pub(super) async fn obey(
    owner: UnixStream,
    listeners: &Listeners,
    udp: SocketAddr,
) -> io::Result<()> {
    let mut owner = BufReader::new(owner);
    let mut line = String::new();
    loop {
        line.clear();
        if owner.read_line(&mut line).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the owner has gone"));
        }
        let mut words = line.split_whitespace();
        let answer = match (words.next(), words.next()) {
            (Some("addresses"), None) => format!("{} udp={udp}", listeners.addresses()?),
            (Some("state"), None) => state(listeners),
            (Some("pause"), None) => {
                listeners.pause().await?;
                "ok".to_owned()
            }
            (Some("resume"), None) => {
                listeners.resume();
                "ok".to_owned()
            }
            (Some("storm"), Some(micros)) => {
                storm::every(Duration::from_micros(number(micros)?))?;
                "ok".to_owned()
            }
            (Some("limit"), Some(soft)) => process::limit_fds(number(soft)?)?.to_string(),
            (Some("quit"), None) => return owner.get_mut().write_all(b"bye\n").await,
            _ => return Err(io::Error::other(format!("{line:?}?"))),
        };
        owner.get_mut().write_all(format!("{answer}\n").as_bytes()).await?;
    }
}

fn number(word: &str) -> io::Result<u64> {
    word.parse().map_err(io::Error::other)
}

fn state(listeners: &Listeners) -> String {
    let metrics = Handle::current().metrics();
    format!(
        "{} tasks={} queued={} sources={} timers={} turns={} events={} spurious={} signals={}",
        listeners.shared.counters,
        metrics.tasks_alive,
        metrics.run_queue + metrics.injection_queue,
        metrics.sources,
        metrics.timers_pending,
        metrics.turns,
        metrics.events,
        metrics.spurious_events,
        storm::handled(),
    )
}
