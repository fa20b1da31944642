//! What is sent, and the proof that it came back.

use std::io;

/// A connection's message: a fixed pattern under a number that changes each time, so that an
/// answer to the last one, or to another connection, is not taken for the right one.
#[derive(Debug)]
pub(crate) struct Message {
    bytes: Vec<u8>,
    number: u64,
}

impl Message {
    /// `lane` tells connections apart.
    pub(crate) fn new(size: usize, lane: usize) -> Self {
        let bytes = (0..size).map(|at| (at * 31 + lane * 7) as u8).collect();
        Self { bytes, number: (lane as u64) << 40 }
    }

    /// The bytes of the message in flight.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes the next message. Messages under eight bytes carry as much of the number as fits.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.number += 1;
        let len = self.bytes.len().min(8);
        self.bytes[..len].copy_from_slice(&self.number.to_le_bytes()[..len]);
    }

    /// Checks a piece of the answer that starts at `offset`.
    #[inline]
    pub(crate) fn verify(&self, offset: usize, piece: &[u8]) -> io::Result<()> {
        match self.bytes.get(offset..offset + piece.len()) {
            Some(expected) if expected == piece => Ok(()),
            Some(_) => Err(io::Error::other(format!(
                "wrong bytes in the answer to message {:#x}, at {offset}..{}",
                self.number,
                offset + piece.len()
            ))),
            None => Err(io::Error::other("more bytes came back than were sent")),
        }
    }
}
