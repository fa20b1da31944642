//! Messages with what is beside them, over real sockets: descriptors, credentials, addresses.

mod common;

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Read},
    mem::MaybeUninit,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::net::{UnixDatagram, UnixStream},
    },
    time::{Duration, SystemTime},
};

use common::{retry, wait_for};
use edgewake_sys::{
    cmsg::{Control, Message, SendControl},
    fd, pipe,
    sockaddr::RawAddr,
    socket::{self, Domain, Received, RecvFlags, SendFlags, Type},
    sockopt,
};

/// A non-blocking pair of Unix streams.
fn streams() -> (OwnedFd, OwnedFd) {
    let (near, far) = UnixStream::pair().unwrap();
    for end in [&near, &far] {
        end.set_nonblocking(true).unwrap();
    }
    (near.into(), far.into())
}

/// A non-blocking pair of Unix datagram sockets.
fn datagrams() -> (OwnedFd, OwnedFd) {
    let (near, far) = UnixDatagram::pair().unwrap();
    for end in [&near, &far] {
        end.set_nonblocking(true).unwrap();
    }
    (near.into(), far.into())
}

#[track_caller]
fn send(fd: &OwnedFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) {
    let mut control = SendControl::new();
    control.push_fds(fds);
    let data = [IoSlice::new(bytes)];
    let sent = socket::send_message(fd.as_fd(), &data, None, Some(&control), SendFlags::NONE);
    assert_eq!(sent.unwrap(), bytes.len());
}

#[track_caller]
fn receive(fd: &OwnedFd, room: usize, control: Option<&mut Control>) -> (Vec<u8>, Received) {
    let mut bytes = vec![0; room];
    wait_for(fd.as_fd(), libc::POLLIN);
    let mut data = [IoSliceMut::new(&mut bytes)];
    let received = socket::recv_message(fd.as_fd(), &mut data, control, RecvFlags::NONE).unwrap();
    bytes.truncate(received.length);
    (bytes, received)
}

fn fds_in(control: &mut Control) -> Vec<OwnedFd> {
    let mut taken = Vec::new();
    for message in control.messages() {
        if let Message::Fds(fds) = message {
            taken.extend(fds);
        }
    }
    taken
}

/// Whether nobody has the writing end of this pipe any more.
fn is_abandoned(reader: &OwnedFd) -> bool {
    let mut file = File::from(fd::duplicate(reader.as_fd()).unwrap());
    match file.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            false
        }
    }
}

// T51, T64. Goal: descriptors arrive in their order, close-on-exec, and are the sender's.
#[test]
fn t64_descriptors_arrive_close_on_exec() {
    let (near, far) = streams();
    let (reader, writer) = pipe::pipe().unwrap();
    send(&near, b"two", &[reader.as_fd(), writer.as_fd()]);
    let mut control = Control::for_fds(2);
    let (bytes, received) = receive(&far, 10, Some(&mut control));
    assert_eq!(bytes, b"two");
    assert!(!received.control_truncated && !received.truncated);
    let taken = fds_in(&mut control);
    assert_eq!(taken.len(), 2);
    for fd in &taken {
        // SAFETY: takes no argument.
        let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) };
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    }
    drop((reader, writer));
    let [reader, writer] = <[OwnedFd; 2]>::try_from(taken).unwrap();
    assert!(!is_abandoned(&reader));
    drop(writer);
    assert!(is_abandoned(&reader));
}

// T64. Goal: what is not taken is closed by the next receive with the same storage, by clearing
// it, and by dropping it.
#[test]
fn t64_untaken_descriptors_are_closed() {
    let (near, far) = streams();
    let mut control = Control::for_fds(1);
    let mut readers = Vec::new();
    for _ in 0..3 {
        let (reader, writer) = pipe::pipe().unwrap();
        send(&near, b"x", &[writer.as_fd()]);
        readers.push(reader);
    }
    receive(&far, 1, Some(&mut control));
    assert!(!is_abandoned(&readers[0]));
    receive(&far, 1, Some(&mut control));
    assert!(is_abandoned(&readers[0]) && !is_abandoned(&readers[1]));
    control.clear();
    assert!(is_abandoned(&readers[1]));
    receive(&far, 1, Some(&mut control));
    assert!(!is_abandoned(&readers[2]));
    drop(control);
    assert!(is_abandoned(&readers[2]));
}

// T64. Goal: a receive that fails leaves nothing behind of what the storage held.
#[test]
fn t64_failed_receive_closes_what_was_there() {
    let (near, far) = streams();
    let (reader, writer) = pipe::pipe().unwrap();
    send(&near, b"x", &[writer.as_fd()]);
    drop(writer);
    let mut control = Control::for_fds(1);
    receive(&far, 1, Some(&mut control));
    // A pipe is no socket.
    let mut data = [IoSliceMut::new(&mut [])];
    let control_again = Some(&mut control);
    socket::recv_message(reader.as_fd(), &mut data, control_again, RecvFlags::NONE).unwrap_err();
    assert!(is_abandoned(&reader));
    assert!(control.messages().next().is_none());
}

// T64. Goal: more descriptors than there is room for are reported, and those that did arrive are
// owned. (Apple and older BSDs can leak the others.)
#[test]
fn t64_too_little_room_for_control_is_reported() {
    let (near, far) = datagrams();
    let pipes: Vec<_> = (0..6).map(|_| pipe::pipe().unwrap()).collect();
    let writers: Vec<_> = pipes.iter().map(|(_, writer)| writer.as_fd()).collect();
    send(&near, b"six", &writers);
    let mut control = Control::for_fds(1);
    let (bytes, received) = receive(&far, 10, Some(&mut control));
    assert_eq!(bytes, b"six");
    assert!(received.control_truncated);
    let taken = fds_in(&mut control);
    assert!(taken.len() < 6, "{taken:?}");
    drop(taken);
    let readers: Vec<OwnedFd> = pipes.into_iter().map(|(reader, _)| reader).collect();
    if cfg!(any(target_os = "linux", target_os = "android")) {
        assert!(readers.iter().all(is_abandoned));
    }
}

// Goal: a message longer than the buffers is reported as cut; the next one is whole, and one of no
// bytes is a message.
#[test]
fn t62_messages_are_cut_by_themselves() {
    let (near, far) = datagrams();
    for message in [&b"longer than that"[..], b"", b"whole"] {
        socket::send(near.as_fd(), message).unwrap();
    }
    let (bytes, received) = receive(&far, 6, None);
    assert_eq!(bytes, b"longer");
    assert!(received.truncated && !received.control_truncated);
    let (bytes, received) = receive(&far, 6, None);
    assert_eq!((bytes, received.truncated), (vec![], false));
    let mut room = [MaybeUninit::new(0); 8];
    let received =
        socket::recv_message_uninit(far.as_fd(), &mut room, None, RecvFlags::PEEK).unwrap();
    assert_eq!((received.length, received.truncated), (5, false));
    // Several buffers, in order; and no buffer at all.
    let (mut first, mut second) = ([0; 2], [0; 8]);
    let mut data = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    let received = socket::recv_message(far.as_fd(), &mut data, None, RecvFlags::NONE).unwrap();
    assert_eq!((received.length, &first, &second[..3]), (5, b"wh", &b"ole"[..]));
    socket::send_message(near.as_fd(), &[], None, None, SendFlags::NONE).unwrap();
    let (bytes, _) = receive(&far, 6, None);
    assert!(bytes.is_empty());
}

// T1. Goal: a read that descriptors ended is told apart from one that emptied the stream, and
// closes the descriptors.
#[test]
fn t1_marked_receives_tell_what_ended_them() {
    let (near, far) = streams();
    let (reader, writer) = pipe::pipe().unwrap();
    send(&near, b"one", &[]);
    send(&near, b"two", &[writer.as_fd()]);
    send(&near, b"three", &[]);
    drop(writer);
    let mut buffer = [0; 64];
    let mut text = Vec::new();
    let mut marked = 0;
    while text.len() < 11 {
        wait_for(far.as_fd(), libc::POLLIN);
        let (count, whole) = socket::recv_marked(far.as_fd(), &mut buffer).unwrap();
        text.extend_from_slice(&buffer[..count]);
        marked += usize::from(!whole);
    }
    assert_eq!((text.as_slice(), marked), (&b"onetwothree"[..], 1));
    assert!(is_abandoned(&reader));
    let error = socket::recv_marked(far.as_fd(), &mut buffer).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    drop(near);
    let mut room = [MaybeUninit::uninit(); 4];
    assert_eq!(socket::recv_marked_uninit(far.as_fd(), &mut room).unwrap(), (0, true));
    let mut pieces = [IoSliceMut::new(&mut buffer)];
    assert_eq!(socket::recv_marked_vectored(far.as_fd(), &mut pieces).unwrap(), (0, true));
}

// T64. Goal: who the sender is, by the kernel's word.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn t64_credentials_are_the_senders() {
    use edgewake_sys::cmsg::{self, Credentials};

    let (near, far) = datagrams();
    let on = 1_i32.to_ne_bytes();
    // SAFETY: the option takes an int.
    unsafe { sockopt::set_bytes(far.as_fd(), libc::SOL_SOCKET, libc::SO_PASSCRED, &on) }.unwrap();
    let mut claim = SendControl::new();
    claim.push_credentials(Credentials::own()).unwrap();
    let own = Credentials::own();
    let mut nameless = SendControl::new();
    nameless.push_credentials(Credentials::new(None, own.uid, own.gid)).unwrap();
    for control in [None, Some(&claim), Some(&nameless)] {
        let data = [IoSlice::new(b"me")];
        socket::send_message(near.as_fd(), &data, None, control, SendFlags::NONE).unwrap();
        let mut control = Control::with_capacity(cmsg::space(12));
        let (bytes, received) = receive(&far, 8, Some(&mut control));
        assert_eq!((bytes.as_slice(), received.control_truncated), (&b"me"[..], false));
        let Some(Message::Credentials(who)) = control.messages().next() else { panic!("who?") };
        assert_eq!(who, Credentials::own());
        assert_eq!(who.pid, i32::try_from(std::process::id()).ok());
    }
}

// T64. Goal: a descriptor of the sender's process, where the receiver asked for it (Linux 6.5).
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn t64_the_senders_process_is_owned() {
    use edgewake_sys::cmsg;

    /// `SO_PASSPIDFD` of `<asm-generic/socket.h>`.
    const PASS_PIDFD: i32 = 76;
    let (near, far) = datagrams();
    let on = 1_i32.to_ne_bytes();
    // SAFETY: the option takes an int.
    if unsafe { sockopt::set_bytes(far.as_fd(), libc::SOL_SOCKET, PASS_PIDFD, &on) }.is_err() {
        // An older kernel, or another architecture's number.
        return;
    }
    let data = [IoSlice::new(b"me")];
    socket::send_message(near.as_fd(), &data, None, None, SendFlags::NONE).unwrap();
    let mut control = Control::with_capacity(cmsg::space(4));
    receive(&far, 8, Some(&mut control));
    let Some(Message::PidFd(process)) = control.messages().next() else { panic!("no process") };
    // SAFETY: asks for the flags of an open descriptor.
    let flags = unsafe { libc::fcntl(process.as_raw_fd(), libc::F_GETFD) };
    assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
}

/// A bound, non-blocking UDP socket of the loopback, and its address.
fn udp(ip: IpAddr) -> Option<(OwnedFd, SocketAddr)> {
    let address = SocketAddr::new(ip, 0);
    // Some machines have no IPv6.
    let fd = socket::create(Domain::for_addr(&address), Type::DATAGRAM).ok()?;
    socket::bind(fd.as_fd(), &address).ok()?;
    let address = socket::local_addr(fd.as_fd()).unwrap();
    Some((fd, address))
}

/// What an address family calls its options.
fn ask_for_everything(fd: &OwnedFd, v6: bool) -> Vec<&'static str> {
    let options = if v6 {
        [
            sockopt::RECV_PACKET_INFO_V6,
            sockopt::RECV_INTERFACE,
            sockopt::RECV_TRAFFIC_CLASS,
            sockopt::RECV_HOP_LIMIT,
            sockopt::TIMESTAMP,
        ]
    } else {
        [
            sockopt::RECV_PACKET_INFO,
            sockopt::RECV_INTERFACE,
            sockopt::RECV_TOS,
            sockopt::RECV_TTL,
            sockopt::TIMESTAMP,
        ]
    };
    let mut asked = Vec::new();
    for option in options.into_iter().filter(|option| option.is_supported()) {
        // An IPv6 socket has no IPv4 interface.
        if !(v6 && option.label() == "IP_RECVIF") {
            option.set(fd.as_fd(), true).unwrap();
            assert!(option.get(fd.as_fd()).unwrap(), "{}", option.label());
            asked.push(option.label());
        }
    }
    asked
}

#[derive(Default, Debug)]
struct Beside {
    destination: Option<IpAddr>,
    interface: u32,
    class: Option<u8>,
    hops: Option<u8>,
    time: Option<SystemTime>,
}

fn beside(control: &mut Control) -> Beside {
    let mut all = Beside::default();
    for message in control.messages() {
        match message {
            Message::PacketInfo(info) => {
                all.destination = all.destination.or(info.destination);
                all.interface = all.interface.max(info.interface);
            }
            Message::TrafficClass(class) => all.class = Some(class),
            Message::HopLimit(hops) => all.hops = Some(hops),
            Message::Timestamp(time) => all.time = Some(time),
            other => panic!("not asked for: {other:?}"),
        }
    }
    all
}

// T64. Goal: destination, interface, class, hop limit and time of a datagram, of both families;
// and a datagram's own source and class are what the receiver sees.
#[test]
fn t64_packets_tell_how_they_came() {
    for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        let Some((receiver, to)) = udp(ip) else { continue };
        // FreeBSD lets only a socket of no address choose one for a datagram.
        let anywhere = if ip.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
        let Some((sender, from)) = udp(anywhere) else { continue };
        let from = SocketAddr::new(ip, from.port());
        let asked = ask_for_everything(&receiver, ip.is_ipv6());
        let mut sending = SendControl::new();
        sending.push_source(ip, 0).unwrap();
        let class = 0b1010_0010;
        let classed = if ip.is_ipv6() {
            sending.push_traffic_class_v6(class);
            true
        } else {
            sending.push_traffic_class_v4(class).is_ok()
        };
        let data = [IoSlice::new(b"hello")];
        let to_raw = RawAddr::from(&to);
        retry(sender.as_fd(), libc::POLLOUT, || {
            let address = Some(&to_raw);
            socket::send_message(sender.as_fd(), &data, address, Some(&sending), SendFlags::NONE)
        })
        .unwrap();
        let mut control = Control::with_capacity(512);
        let (bytes, received) = receive(&receiver, 16, Some(&mut control));
        assert_eq!(bytes, b"hello");
        assert!(!received.control_truncated);
        let source = SocketAddr::try_from(&received.address.unwrap()).unwrap();
        assert_eq!(source, from);
        let seen = beside(&mut control);
        assert_eq!(seen.destination, Some(ip), "{seen:?}");
        assert!(seen.interface > 0, "{seen:?}");
        assert!(seen.hops.is_some_and(|hops| hops > 0), "{seen:?}");
        let class_asked =
            asked.iter().any(|label| ["IP_RECVTOS", "IPV6_RECVTCLASS"].contains(label));
        if classed && class_asked {
            assert_eq!(seen.class, Some(class));
        }
        let age = seen.time.unwrap().elapsed().unwrap_or_default();
        assert!(age < Duration::from_secs(3600), "{age:?}");
    }
}

// T64. Goal: storage for less than what comes loses messages, says so, and keeps the data.
#[test]
fn t64_small_storage_loses_no_data() {
    let Some((receiver, to)) = udp(Ipv4Addr::LOCALHOST.into()) else { return };
    ask_for_everything(&receiver, false);
    let (sender, _) = udp(Ipv4Addr::LOCALHOST.into()).unwrap();
    let to = RawAddr::from(&to);
    let mut full = None;
    // From the largest, which holds all of it.
    for capacity in (0..400).rev() {
        let data = [IoSlice::new(b"kept")];
        socket::send_message(sender.as_fd(), &data, Some(&to), None, SendFlags::NONE).unwrap();
        let mut control = Control::with_capacity(capacity);
        let (bytes, received) = receive(&receiver, 16, Some(&mut control));
        assert_eq!(bytes, b"kept");
        let count = control.messages().count();
        let full = *full.get_or_insert(count);
        assert!(received.control_truncated || count == full, "{capacity}: {count} of {full}");
    }
}

// Goal: no buffer at all receives a message and cuts it, on every system.
#[test]
fn t46_no_buffers_receive_too() {
    let (near, far) = datagrams();
    let data = [IoSlice::new(b"cut")];
    socket::send_message(near.as_fd(), &data, None, None, SendFlags::NONE).unwrap();
    let received = socket::recv_message(far.as_fd(), &mut [], None, RecvFlags::NONE).unwrap();
    assert_eq!((received.length, received.truncated), (0, true));
    let empty = socket::recv_message(far.as_fd(), &mut [], None, RecvFlags::NONE);
    assert_eq!(empty.unwrap_err().kind(), io::ErrorKind::WouldBlock);
}
