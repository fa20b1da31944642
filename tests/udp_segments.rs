//! Segments: one entry of a batch that arrives as many datagrams, cut by the kernel or here, and
//! many that arrive as one.

#![cfg(feature = "net")]

#[cfg(target_os = "linux")]
#[path = "support/os.rs"]
mod os;
mod support;
#[path = "support/tcp.rs"]
mod tcp;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use edgewake::net::{
    UdpSocket,
    udp::{RecvBatch, SendBatch},
};
use tcp::run;

async fn local() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Bytes of which no two places look alike.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 251 + at) as u8).collect()
}

/// Sends `data` in segments of `size`, and returns the datagrams as they arrive. Interleaved, so
/// that no buffer overflows.
async fn exchange(
    sender: &UdpSocket,
    receiver: &UdpSocket,
    data: &[u8],
    size: u16,
) -> Vec<Vec<u8>> {
    let mut sending = SendBatch::new();
    sending.push(data.to_vec(), receiver.local_addr().unwrap()).segment_size(size);
    let mut batch = RecvBatch::new(16, 65_535);
    let mut arrived = Vec::new();
    let mut left = data.len();
    while left > 0 || !sending.is_empty() {
        if !sending.is_empty() {
            sender.send_batch(&mut sending).await.unwrap();
        }
        receiver.recv_batch(&mut batch).await.unwrap();
        for segment in batch.iter().flat_map(|datagram| datagram.segments()) {
            left -= segment.len();
            arrived.push(segment.to_vec());
        }
    }
    arrived
}

#[track_caller]
fn assert_cut(data: &[u8], size: usize, arrived: &[Vec<u8>]) {
    let expected: Vec<&[u8]> = data.chunks(size).collect();
    let lengths = |all: &[&[u8]]| all.iter().map(|one| one.len()).collect::<Vec<_>>();
    let arrived: Vec<&[u8]> = arrived.iter().map(|one| &one[..]).collect();
    assert_eq!(lengths(&arrived), lengths(&expected));
    assert!(arrived == expected, "the bytes differ");
}

// T65. Goal: whether or not the kernel segments, the receiver sees the same datagrams: each of the
// size, the last one shorter, in order, none twice.
#[test]
fn t65_segments_arrive_as_datagrams() {
    run(|| async {
        for gro in [false, true] {
            let (receiver, _) = local().await;
            let (sender, _) = local().await;
            match receiver.set_gro(gro) {
                Ok(()) => assert_eq!(receiver.gro().unwrap(), gro),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
                    continue;
                }
            }
            for (length, size) in
                [(10_000, 1200), (12_000, 1200), (1200, 1200), (1199, 1200), (1201, 1200), (9, 1)]
            {
                let data = pattern(length);
                let arrived = exchange(&sender, &receiver, &data, size).await;
                assert_cut(&data, size.into(), &arrived);
            }
        }
    });
}

// T65. Goal: an entry beyond what one message may carry, in segments or in bytes, is several
// messages, of which none is cut in the middle of a segment.
#[test]
fn t65_long_entries_are_several_messages() {
    run(|| async {
        let (receiver, _) = local().await;
        let (sender, _) = local().await;
        if sender.max_segments() == 1 {
            // Nothing to split, and more than some systems' receive buffers hold.
            return;
        }
        for (length, size) in [(20_000, 100), (100_000, 1400), (140_000, 30_000)] {
            let data = pattern(length);
            let arrived = exchange(&sender, &receiver, &data, size).await;
            assert_cut(&data, size.into(), &arrived);
        }
    });
}

// Goal: what the kernel joined is told as joined.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn joined_datagrams_say_their_size() {
    run(|| async {
        let (receiver, to) = local().await;
        let (sender, _) = local().await;
        if receiver.set_gro(true).is_err() || sender.max_segments() == 1 {
            // A kernel before 5.0.
            return;
        }
        let mut sending = SendBatch::new();
        sending.push(pattern(2500), to).segment_size(1000);
        sender.send_batch(&mut sending).await.unwrap();
        let mut batch = RecvBatch::new(4, 65_535);
        receiver.recv_batch(&mut batch).await.unwrap();
        let joined = batch.get(0).unwrap();
        assert_eq!((joined.data().len(), joined.segment_size()), (2500, Some(1000)));
        let lengths: Vec<usize> = joined.segments().map(<[u8]>::len).collect();
        assert_eq!(lengths, [1000, 1000, 500]);
    });
}

// T65. Goal: a socket whose segmented messages the kernel refuses sends the same datagrams one by
// one, none lost and none twice, and asks no more. (A socket without checksums is refused.)
#[cfg(target_os = "linux")]
#[test]
fn t65_refused_segments_go_one_by_one() {
    run(|| async {
        let (receiver, _) = local().await;
        let (sender, _) = local().await;
        let (other, _) = local().await;
        os::without_checksums(&sender);
        let segments = other.max_segments();
        for _ in 0..2 {
            let data = pattern(10_000);
            let arrived = exchange(&sender, &receiver, &data, 1200).await;
            assert_cut(&data, 1200, &arrived);
            assert_eq!(sender.max_segments(), 1);
        }
        assert_eq!(other.max_segments(), segments, "it is about one socket");
    });
}

// T65. Goal: finding out what the kernel can do leaves no option on the socket.
#[test]
fn t65_probing_leaves_nothing_behind() {
    run(|| async {
        use edgewake::net::sockopt::SEGMENT_SIZE;

        let (sender, _) = local().await;
        assert!(sender.max_segments() >= 1);
        if SEGMENT_SIZE.is_supported() && sender.max_segments() > 1 {
            assert_eq!(sender.option(&SEGMENT_SIZE).unwrap(), 0);
        }
        let (receiver, to) = local().await;
        sender.send_to(&pattern(3000), to).await.unwrap();
        let mut buffer = [0; 4000];
        assert_eq!(receiver.recv(&mut buffer).await.unwrap(), 3000);
    });
}
