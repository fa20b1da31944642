//! UDP: datagrams one by one, connected and not, peeked at, and in batches with segments.

use std::{io, net::Ipv4Addr};

use edgewake::net::{
    UdpSocket,
    udp::{RecvBatch, SendBatch},
};

use crate::{
    peer::pattern,
    sweep::{Scenario, drive},
};

pub(crate) static SINGLE: Scenario =
    Scenario::new("UDP", |runtime| drive(runtime, async { vec![single().await] }));
pub(crate) static BATCHES: Scenario =
    Scenario::new("UDP batches", |runtime| drive(runtime, async { vec![batches().await] }));

async fn socket() -> io::Result<UdpSocket> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await
}

async fn single() -> io::Result<()> {
    let (here, there) = (socket().await?, socket().await?);
    let (from, to) = (here.local_addr()?, there.local_addr()?);
    let mut room = [0; 64];
    for number in 1..=4 {
        let message = pattern(number, number as usize);
        let (_, (length, source)) =
            futures::try_join!(here.send_to(&message, to), there.recv_from(&mut room))?;
        assert_eq!((&room[..length], source), (&message[..], from));
    }
    here.connect(to).await?;
    there.connect(from).await?;
    for number in 5..=8 {
        let message = pattern(number, number as usize);
        here.send(&message).await?;
        assert_eq!(there.peek(&mut room).await?, message.len());
        let length = there.recv(&mut room).await?;
        assert_eq!(room[..length], message);
        there.send(&message).await?;
        let received = here.recv_message(&mut room).await?;
        assert_eq!(room[..received.length], message);
    }
    here.disconnect()
}

const SEGMENT: usize = 100;

async fn batches() -> io::Result<()> {
    let (sender, receiver) = (socket().await?, socket().await?);
    let to = receiver.local_addr()?;
    receiver.join_multicast_v4(Ipv4Addr::new(239, 255, 7, 7), Ipv4Addr::LOCALHOST)?;
    let mut sending = SendBatch::new();
    for number in 0..4_u8 {
        sending.push(vec![number; 5], to);
    }
    let large = pattern(4, 3 * SEGMENT + 7);
    sending.push(large.clone(), to).segment_size(SEGMENT as u16);
    sending.push(vec![9; 5], to);
    let mut expected: Vec<Vec<u8>> = (0..4_u8).map(|number| vec![number; 5]).collect();
    expected.extend(large.chunks(SEGMENT).map(<[u8]>::to_vec));
    expected.push(vec![9; 5]);
    let mut arrived: Vec<Vec<u8>> = Vec::new();
    let mut batch = RecvBatch::new(4, 65_535);
    while arrived.len() < expected.len() {
        if !sending.is_empty() {
            assert!(sender.send_batch(&mut sending).await? > 0);
        }
        assert!(receiver.recv_batch(&mut batch).await? > 0);
        arrived.extend(batch.iter().flat_map(|one| one.segments()).map(<[u8]>::to_vec));
    }
    assert_eq!(arrived, expected);
    Ok(())
}
