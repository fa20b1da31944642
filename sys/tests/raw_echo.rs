//! The example server, `examples/raw_echo.rs`, under clients that make trouble.

mod common;

#[path = "../examples/raw_echo.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod example;

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::mpsc,
    thread,
};

use common::PATIENCE;

/// Starts a server for the rest of the process.
fn server() -> SocketAddr {
    let mut server = example::Server::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
    let address = server.local_addr().unwrap();
    thread::spawn(move || server.run().unwrap());
    address
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// `length` bytes in which a lost, doubled or moved one shows.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

// Goal: what is sent comes back, message by message, on many connections at once.
#[test]
fn echoes_on_many_connections() {
    let address = server();
    let mut streams: Vec<TcpStream> = (0..40).map(|_| connect(address)).collect();
    for round in 0..20_u8 {
        for stream in &mut streams {
            stream.write_all(&[round; 10]).unwrap();
        }
        for stream in &mut streams {
            let mut answer = [0; 10];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, [round; 10]);
        }
    }
}

// T2, T4. Goal: more than every buffer together, sent before anything is read, then the end: the
// server writes in parts and answers the end last.
#[test]
fn t4_partial_writes_and_half_close() {
    let address = server();
    let mut stream = connect(address);
    let sent = pattern(8 << 20);
    let mut writer = stream.try_clone().unwrap();
    let expected = sent.clone();
    let sender = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    sender.join().unwrap();
    assert!(received == expected, "{} of {} bytes", received.len(), expected.len());
}

// Goal: data and end in one segment are both seen.
#[test]
fn t2_data_and_end_together() {
    let address = server();
    for _ in 0..50 {
        let mut stream = connect(address);
        stream.write_all(b"at once").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "at once");
    }
}

// Goal: a connection that never pauses does not starve another.
#[test]
fn a_busy_connection_starves_nobody() {
    let address = server();
    let busy = connect(address);
    let (mut writer, mut reader) = (busy.try_clone().unwrap(), busy.try_clone().unwrap());
    let (flowing, flows) = mpsc::channel();
    let sink = thread::spawn(move || {
        let (mut room, mut total) = (vec![0; 64 * 1024], 0);
        // The end is made by force below: it may show as an error as well.
        while let Ok(count @ 1..) = reader.read(&mut room) {
            let before = total;
            total += count;
            if before < 1 << 20 && total >= 1 << 20 {
                flowing.send(()).unwrap();
            }
        }
    });
    let source = thread::spawn(move || while writer.write_all(&[1; 64 * 1024]).is_ok() {});
    flows.recv_timeout(PATIENCE).unwrap();
    let mut quiet = connect(address);
    for round in 0..50 {
        quiet.write_all(&[round]).unwrap();
        let mut answer = [0];
        quiet.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [round]);
    }
    busy.shutdown(Shutdown::Both).unwrap();
    source.join().unwrap();
    sink.join().unwrap();
}
