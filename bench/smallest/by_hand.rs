//! The same server on the system calls: edge-triggered epoll, and a table by descriptor.

use std::collections::HashMap;
use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

fn main() -> io::Result<()> {
    // SAFETY: takes no pointer.
    let epoll = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    let listener = TcpListener::bind("127.0.0.1:8000")?;
    listener.set_nonblocking(true)?;
    add(epoll, &listener, libc::EPOLLIN)?;
    let mut connections: HashMap<u64, (TcpStream, Vec<u8>)> = HashMap::new();
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; 256];
    loop {
        // SAFETY: there is room for 256 events behind the pointer.
        let count = check(unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), 256, -1) })?;
        for event in &events[..count as usize] {
            let key = event.u64;
            if key == listener.as_raw_fd() as u64 {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    add(epoll, &stream, libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET)?;
                    connections.insert(stream.as_raw_fd() as u64, (stream, Vec::new()));
                }
            } else if let Some((stream, unsent)) = connections.get_mut(&key) {
                if !serve(stream, unsent) {
                    connections.remove(&key);
                }
            }
        }
    }
}

/// Sends what is left and echoes what comes, until it would block; whether more may come.
fn serve(stream: &mut TcpStream, unsent: &mut Vec<u8>) -> bool {
    let mut bytes = [0; 4096];
    loop {
        while !unsent.is_empty() {
            match stream.write(unsent) {
                Ok(count) => drop(unsent.drain(..count)),
                Err(error) => return error.kind() == WouldBlock,
            }
        }
        match stream.read(&mut bytes) {
            Ok(0) => return false,
            Ok(count) => unsent.extend_from_slice(&bytes[..count]),
            Err(error) => return error.kind() == WouldBlock,
        }
    }
}

fn add(epoll: i32, socket: &impl AsRawFd, events: i32) -> io::Result<i32> {
    let fd = socket.as_raw_fd();
    let mut event = libc::epoll_event { events: events as u32, u64: fd as u64 };
    // SAFETY: the event lives through the call.
    check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event) })
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
