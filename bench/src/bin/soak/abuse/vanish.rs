//! Peers that connect and are gone: at once, unnoticed, or with their whole process.

use std::io;

use crate::abuse::{PEERS, serves_on};
use crate::child::Child;
use crate::pattern::Pattern;
use crate::server::Server;

/// They connect and close in the listener's queue: nobody has seen them.
pub(super) fn before_accept(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    server.ask("pause")?;
    for index in 0..PEERS {
        if index % 2 == 0 {
            drop(server.connect_echo()?);
        } else {
            drop(server.connect_frames_unix()?);
        }
    }
    server.ask("resume")?;
    let accepted = before.get("accepted") + PEERS as u64;
    server.until("each was accepted and is gone, without an error", |now| {
        now.get("accepted") == accepted
            && now.get("alive") == before.get("alive")
            && now.get("failed") == before.get("failed")
    })?;
    serves_on(server, pattern)?;
    Ok(PEERS as u64)
}

/// They connect and close while the server accepts.
pub(super) fn at_once(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let count = 10 * PEERS as u64;
    for _ in 0..count {
        drop(server.connect_echo()?);
    }
    server.until("each was accepted and is gone", |now| {
        now.get("accepted") == before.get("accepted") + count
            && now.get("alive") == before.get("alive")
    })?;
    serves_on(server, pattern)?;
    Ok(count)
}

/// Processes are killed in the middle of their echoes: some of their connections end, others, which
/// have not read all, are reset.
pub(super) fn killed(server: &mut Server, pattern: &Pattern) -> io::Result<u64> {
    let before = server.state()?;
    let mut arguments = vec!["hold".to_owned()];
    arguments.extend(server.echo.iter().map(ToString::to_string));
    let mut process = Child::start("a process to be killed", &arguments)?;
    process.ask(&format!("open {PEERS}"))?;
    // More than it gets done before the signal; no answer is waited for.
    process.tell("echo 100000000")?;
    let alive = before.get("alive") + PEERS as u64;
    server.until("they are there", |now| now.get("alive") == alive)?;
    process.kill()?;
    server.until("they are gone", |now| {
        now.get("alive") == before.get("alive") && now.get("writing") == 0
    })?;
    serves_on(server, pattern)?;
    Ok(PEERS as u64)
}
