//! The fault plan on sockets: every way to transfer comes short when told to, and no failed call
//! leaves a descriptor behind. Runs with `RUSTFLAGS="--cfg edgewake_faults"`.

#![cfg(edgewake_faults)]

mod common;

use std::{
    io::{self, IoSlice, IoSliceMut},
    os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
    sync::Mutex,
};

use common::{listener, pair, wait_for};
use edgewake_sys::{
    faults::{Action, Installed, Plan, install},
    fd, socket,
};

/// The tests look at descriptor numbers, which belong to the whole process.
static ALONE: Mutex<()> = Mutex::new(());

fn plan(call: &'static str, action: Action) -> Installed {
    install(Plan { call: Some(call), nth: 1, action })
}

// Goal: a short count is struck by the name of the libc call, moves the first bytes and no others,
// and the rest comes with the next call.
#[test]
fn transfers_come_short() {
    let _alone = ALONE.lock();
    let (client, server) = pair();
    let send = |fd: &OwnedFd, bytes: &[u8]| socket::send(fd.as_fd(), bytes);
    let installed = plan("send", Action::Short(3));
    assert_eq!(send(&client, b"abcdef").unwrap(), 3);
    assert_eq!(installed.struck(), Some("send"));
    assert_eq!(send(&client, b"def").unwrap(), 3);
    wait_for(server.as_fd(), libc::POLLIN);
    let mut room = [0; 8];
    let installed = plan("recv", Action::Short(2));
    assert_eq!(socket::recv(server.as_fd(), &mut room).unwrap(), 2);
    assert_eq!(installed.struck(), Some("recv"));
    let installed = plan("readv", Action::Short(1));
    let (mut first, mut second) = ([0; 2], [0; 2]);
    let mut slices = [IoSliceMut::new(&mut []), IoSliceMut::new(&mut first)];
    assert_eq!(socket::recv_vectored(server.as_fd(), &mut slices).unwrap(), 1);
    assert_eq!(installed.struck(), Some("readv"));
    let mut slices = [IoSliceMut::new(&mut second), IoSliceMut::new(&mut room)];
    assert_eq!(socket::recv_vectored(server.as_fd(), &mut slices).unwrap(), 3);
    assert_eq!((first[0], &second, room[0]), (b'c', b"de", b'f'));
    let installed = plan("sendmsg", Action::Short(2));
    let slices = [IoSlice::new(b""), IoSlice::new(b"xyz"), IoSlice::new(b"w")];
    assert_eq!(socket::send_vectored(client.as_fd(), &slices).unwrap(), 2);
    assert_eq!(installed.struck(), Some("sendmsg"));
}

// Goal: whichever call of an accept or a creation fails, its error is returned and the new
// descriptor is closed: the lowest free number is the same afterwards.
#[test]
fn failures_leave_no_descriptor() {
    let _alone = ALONE.lock();
    let (listener, address) = listener();
    let create = || socket::create(socket::Domain::IPV4, socket::Type::STREAM).map(drop);
    let accept = || socket::accept(listener.as_fd()).map(drop);
    let mut waiting = Vec::new();
    let scenarios: [&dyn Fn() -> io::Result<()>; 2] = [&create, &accept];
    for scenario in scenarios {
        for nth in 1.. {
            waiting.push(common::client(&address));
            wait_for(listener.as_fd(), libc::POLLIN);
            let before = lowest_free(&listener);
            let plan = install(Plan { call: None, nth, action: Action::Fail(libc::ENFILE) });
            let outcome = scenario();
            let struck = plan.struck();
            drop(plan);
            assert_eq!(lowest_free(&listener), before, "{struck:?}");
            match outcome {
                Ok(()) => assert_eq!(struck, None),
                Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ENFILE)),
            }
            if struck.is_none() {
                break;
            }
        }
    }
}

fn lowest_free(any: &OwnedFd) -> RawFd {
    fd::duplicate(any.as_fd()).unwrap().as_raw_fd()
}

// Goal: the same of messages on a stream, where a count can come short too.
#[test]
fn stream_messages_come_short() {
    let _alone = ALONE.lock();
    let (client, server) = pair();
    let data = [IoSlice::new(b"abcdef")];
    let installed = plan("sendmsg", Action::Short(3));
    let flags = socket::SendFlags::NONE;
    assert_eq!(socket::send_message(client.as_fd(), &data, None, None, flags).unwrap(), 3);
    assert_eq!(installed.struck(), Some("sendmsg"));
    wait_for(server.as_fd(), libc::POLLIN);
    let mut room = [0; 8];
    let installed = plan("recvmsg", Action::Short(1));
    assert_eq!(socket::recv_marked(server.as_fd(), &mut room).unwrap(), (1, true));
    assert_eq!(installed.struck(), Some("recvmsg"));
    let installed = plan("recvmsg", Action::Short(1));
    let mut rest = [0; 8];
    let mut data = [IoSliceMut::new(&mut rest)];
    let flags = socket::RecvFlags::NONE;
    let received = socket::recv_message(server.as_fd(), &mut data, None, flags).unwrap();
    assert_eq!(installed.struck(), Some("recvmsg"));
    assert_eq!((received.length, room[0], rest[0]), (1, b'a', b'b'));
}
