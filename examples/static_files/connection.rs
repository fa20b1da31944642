//! One connection: requests, one after the other, each answered before the next is read.
//!
//! What comes ahead stays in the socket, beyond a buffer of one request head, so that a client
//! that asks and does not read cannot make us hoard.

use std::{io, io::ErrorKind::WouldBlock, net::Shutdown, sync::Arc, time::Instant};

use edgewake::{
    net::TcpStream,
    time::{timeout, timeout_at},
};

use crate::{
    answer::{self, Answer, Body},
    body,
    request::{self, HEAD_MAX, Request},
    server::{Limits, Server},
};

/// Serves a connection to its end.
pub(crate) async fn serve(stream: TcpStream, server: &Server) -> io::Result<()> {
    let mut input = Vec::new();
    loop {
        let (answer, line) = match next(&stream, &mut input, server.limits).await? {
            Some(Ok(request)) => {
                let line = format!("{} {}", request.method, request.target);
                (answer(request, server).await?, line)
            }
            Some(Err(status)) => (answer::to_broken(status, &input), "-".to_owned()),
            None => return Ok(()),
        };
        let sent = send(&stream, &answer, server).await;
        server.log.answered(&line, &answer, sent.is_ok());
        sent?;
        if !answer.keep_alive {
            return linger(&stream, server.limits).await;
        }
    }
}

/// The next request, or the status of what is none; `None` once the client has ended, or rested
/// for too long.
async fn next(
    stream: &TcpStream,
    input: &mut Vec<u8>,
    limits: Limits,
) -> io::Result<Option<Result<Request, u16>>> {
    let mut end = None;
    loop {
        match request::first(input) {
            Ok(Some((request, length))) => {
                input.drain(..length);
                return Ok(Some(Ok(request)));
            }
            Ok(None) => {}
            Err(status) => return Ok(Some(Err(status))),
        }
        let received = if input.is_empty() {
            match timeout(limits.idle, receive(stream, input)).await {
                Ok(received) => received?,
                Err(_elapsed) => return Ok(None),
            }
        } else {
            let end = *end.get_or_insert_with(|| Instant::now() + limits.head);
            match timeout_at(end, receive(stream, input)).await {
                Ok(received) => received?,
                Err(_elapsed) => return Ok(Some(Err(408))),
            }
        };
        if received == 0 {
            return Ok(None);
        }
    }
}

/// Appends what comes to `input`, which holds a whole head at most.
async fn receive(stream: &TcpStream, input: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        // It has no buffer while it waits.
        let mut piece = [0; 4096];
        let room = piece.len().min(HEAD_MAX.saturating_sub(input.len()));
        match stream.try_read(&mut piece[..room]) {
            Ok(count) => {
                input.extend_from_slice(&piece[..count]);
                return Ok(count);
            }
            Err(error) if error.kind() == WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Asks the file system off the loop.
async fn answer(request: Request, server: &Server) -> io::Result<Answer> {
    let site = Arc::clone(&server.site);
    let answer = edgewake::spawn_blocking(move || answer::to(&request, &site));
    answer.await.map_err(io::Error::other)
}

async fn send(stream: &TcpStream, answer: &Answer, server: &Server) -> io::Result<()> {
    let stalled = server.limits.stalled;
    let head = answer.head.as_bytes();
    match &answer.body {
        None => body::send_bytes(stream, head, stalled).await,
        Some(Body::Bytes(bytes)) => {
            body::send_bytes(stream, &[head, bytes].concat(), stalled).await
        }
        Some(Body::File(file, range)) => {
            body::send_bytes(stream, head, stalled).await?;
            body::send_file(stream, file, range.clone(), server.method, stalled).await
        }
    }
}

/// Ends a connection so that the client sees our last answer: closing with bytes unread would
/// reset it, and take with it what is still on its way.
async fn linger(stream: &TcpStream, limits: Limits) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let end = Instant::now() + limits.linger;
    let mut rest = Vec::new();
    while let Ok(received) = timeout_at(end, receive(stream, &mut rest)).await {
        rest.clear();
        if received? == 0 {
            break;
        }
    }
    Ok(())
}
