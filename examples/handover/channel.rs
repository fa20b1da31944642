//! The Unix stream between the process that leaves and the one that takes over: records, some with
//! descriptors beside them.
//!
//! A record is its kind (1 byte), how many descriptors go with it (2) and its body's length (4),
//! then the body. The descriptors travel beside its first bytes, so they have all come when the
//! record is whole, in the order of the records.

use std::{
    collections::VecDeque,
    io,
    io::ErrorKind::{InvalidData, UnexpectedEof},
    os::fd::{BorrowedFd, OwnedFd},
};

use edgewake::{io::AsyncWriteExt, net::UnixStream};

/// As many as one message carries on Linux (unix(7)).
pub(crate) const FDS_MAX: usize = 253;

const HEADER: usize = 7;

/// No longer record is taken.
const BODY_MAX: usize = 1 << 30;

const PIECE: usize = 64 * 1024;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The new one asks for everything; its body names the protocol.
    Ask = 1,
    /// The listener, and the socket that the next successor will ask at.
    Listeners,
    /// Connections: a descriptor and a state each.
    Connections,
    /// There are no more; its body is their number.
    End,
    /// What came is in hand.
    Taken,
    /// The old one is out: from here on everything is the new one's.
    Go,
}

const KINDS: [Kind; 6] =
    [Kind::Ask, Kind::Listeners, Kind::Connections, Kind::End, Kind::Taken, Kind::Go];

/// A record with its descriptors.
#[derive(Debug)]
pub(crate) struct Record {
    kind: Kind,
    pub(crate) body: Vec<u8>,
    pub(crate) fds: Vec<OwnedFd>,
}

/// A stream of records.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: UnixStream,
    /// On the heap, or every future that waits for a record would be as large.
    piece: Box<[u8]>,
    bytes: Vec<u8>,
    fds: VecDeque<OwnedFd>,
}

impl Channel {
    pub(crate) fn new(stream: UnixStream) -> Channel {
        let piece = vec![0; PIECE].into_boxed_slice();
        Channel { stream, piece, bytes: Vec::new(), fds: VecDeque::new() }
    }

    pub(crate) async fn send(
        &mut self,
        kind: Kind,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let too_large = |_| io::Error::new(InvalidData, "a record of more than 4 GiB");
        let mut record = vec![kind as u8];
        record.extend_from_slice(&u16::try_from(fds.len()).map_err(too_large)?.to_be_bytes());
        record.extend_from_slice(&u32::try_from(body.len()).map_err(too_large)?.to_be_bytes());
        record.extend_from_slice(body);
        let sent = self.stream.send_with_fds(&record, fds).await?;
        self.stream.write_all(&record[sent..]).await
    }

    /// Waits for a record, which has to be of that kind.
    pub(crate) async fn expect(&mut self, kind: Kind) -> io::Result<Record> {
        let record = self.receive().await?;
        if record.kind == kind {
            return Ok(record);
        }
        let what = format!("{:?} came instead of {kind:?}", record.kind);
        Err(io::Error::new(InvalidData, what))
    }

    /// The same, or the end of the connections: then their number.
    pub(crate) async fn connections(&mut self) -> io::Result<Result<Record, u64>> {
        let record = self.receive().await?;
        match (record.kind, <[u8; 8]>::try_from(record.body.as_slice())) {
            (Kind::Connections, _) => Ok(Ok(record)),
            (Kind::End, Ok(count)) => Ok(Err(u64::from_be_bytes(count))),
            (kind, _) => Err(io::Error::new(InvalidData, format!("{kind:?} at the wrong time"))),
        }
    }

    async fn receive(&mut self) -> io::Result<Record> {
        loop {
            if let Some(record) = self.take_record()? {
                return Ok(record);
            }
            let mut fds = Vec::new();
            let received = self.stream.recv_with_fds(&mut self.piece, &mut fds).await?;
            if received.length == 0 {
                return Err(io::Error::new(UnexpectedEof, "the other process has gone"));
            }
            if received.control_truncated {
                let what = "not every descriptor fits into this process: raise its limit";
                return Err(io::Error::other(what));
            }
            self.bytes.extend_from_slice(&self.piece[..received.length]);
            self.fds.extend(fds);
        }
    }

    /// The record at the beginning of what has come, if it is whole.
    fn take_record(&mut self) -> io::Result<Option<Record>> {
        let Some((header, rest)) = self.bytes.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let [kind, fds @ .., b0, b1, b2, b3] = *header;
        let kind = KINDS.into_iter().find(|known| *known as u8 == kind);
        let (fds, length) = (u16::from_be_bytes(fds).into(), u32::from_be_bytes([b0, b1, b2, b3]));
        let (Some(kind), length @ 0..=BODY_MAX) = (kind, length as usize) else {
            return Err(io::Error::new(InvalidData, "the other process speaks something else"));
        };
        let Some(body) = rest.get(..length) else { return Ok(None) };
        if self.fds.len() < fds {
            return Err(io::Error::new(InvalidData, "descriptors are missing from a record"));
        }
        let record = Record { kind, body: body.to_vec(), fds: self.fds.drain(..fds).collect() };
        self.bytes.drain(..HEADER + length);
        Ok(Some(record))
    }
}
