//! Datagrams, sent back to where they came from.

use std::rc::Rc;

use edgewake::net::UdpSocket;

use super::Shared;

pub(super) async fn serve(socket: UdpSocket, shared: Rc<Shared>) {
    let mut room = vec![0; 64 * 1024];
    let counters = &shared.counters;
    loop {
        let outcome = match socket.recv_from(&mut room).await {
            Ok((count, peer)) => socket.send_to(&room[..count], peer).await,
            Err(error) => Err(error),
        };
        // Counted, and looked at in the end: no error of a peer's is expected at a socket without
        // one.
        let counter = if outcome.is_ok() { &counters.datagrams } else { &counters.datagram_errors };
        counter.set(counter.get() + 1);
    }
}
