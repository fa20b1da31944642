//! What a connection has in flight, and the proof that it comes back.
//!
//! A ring of `depth` messages of one size, behind one another as they are sent, so that several go
//! in one call; what comes back is compared with the ring in place. Behind *queued* goes *sent*,
//! behind that *answered*, and a place is used again when its message is answered as a whole. Each
//! message is a fixed pattern under a number that changes each time, so that an answer to another
//! message, or to another connection's, is not taken for the right one.

use std::io;
use std::time::Instant;

/// The messages of one connection.
#[derive(Debug)]
pub(crate) struct Window {
    ring: Vec<u8>,
    /// When the message of each place was queued.
    queued_at: Vec<Instant>,
    size: usize,
    /// The number of the last message queued, and of the last answered.
    number: u64,
    answered: u64,
    /// The place of the next message to be queued.
    next: usize,
    /// The offset of the first byte that is not sent yet, and how many are not.
    send_at: usize,
    unsent: usize,
    /// The place whose answer is awaited, how much of it has come, and how many bytes are due.
    place: usize,
    into: usize,
    due: usize,
}

impl Window {
    /// `lane` tells connections apart.
    pub(crate) fn new(size: usize, depth: usize, lane: usize) -> Self {
        let pattern = (0..size).map(|at| (at * 31 + lane * 7) as u8);
        let number = (lane as u64) << 40;
        Self {
            ring: pattern.cycle().take(size * depth).collect(),
            queued_at: vec![Instant::now(); depth],
            size,
            number,
            answered: number,
            next: 0,
            send_at: 0,
            unsent: 0,
            place: 0,
            into: 0,
            due: 0,
        }
    }

    /// Whether one more message may be in flight.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.ring.len() - self.unsent - self.due >= self.size
    }

    /// Makes the next message; there has to be room. Messages under eight bytes carry as much of
    /// the number as fits.
    #[inline]
    pub(crate) fn queue(&mut self, now: Instant) {
        debug_assert!(self.has_room());
        self.number += 1;
        let start = self.next * self.size;
        let number = self.number.to_le_bytes();
        if self.size >= number.len() {
            // Of a fixed length, hence a store and no call.
            self.ring[start..start + number.len()].copy_from_slice(&number);
        } else {
            self.ring[start..start + self.size].copy_from_slice(&number[..self.size]);
        }
        self.queued_at[self.next] = now;
        self.next = self.after(self.next);
        self.unsent += self.size;
    }

    /// The place behind `place`, around the ring.
    #[inline]
    fn after(&self, place: usize) -> usize {
        if place + 1 == self.queued_at.len() { 0 } else { place + 1 }
    }

    /// What is to be sent next: all that is unsent, or what of it lies before the ring's end.
    #[inline]
    pub(crate) fn unsent(&self) -> &[u8] {
        let end = self.ring.len().min(self.send_at + self.unsent);
        &self.ring[self.send_at..end]
    }

    /// Notes that `count` bytes of [`unsent`](Self::unsent) were sent.
    #[inline]
    pub(crate) fn sent(&mut self, count: usize) {
        self.send_at += count;
        if self.send_at == self.ring.len() {
            self.send_at = 0;
        }
        self.unsent -= count;
        self.due += count;
    }

    /// Whether every message that was sent is answered.
    #[inline]
    pub(crate) fn is_answered(&self) -> bool {
        self.due == 0
    }

    /// Checks what came back; calls `each` with the time at which it was queued for each message
    /// whose answer is complete with it.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        mut piece: &[u8],
        mut each: impl FnMut(Instant),
    ) -> io::Result<()> {
        if piece.len() > self.due {
            return Err(io::Error::other("more bytes came back than were sent"));
        }
        self.due -= piece.len();
        while !piece.is_empty() {
            let count = piece.len().min(self.size - self.into);
            let start = self.place * self.size + self.into;
            if self.ring[start..start + count] != piece[..count] {
                return Err(io::Error::other(format!(
                    "wrong bytes in the answer to message {:#x}, at {}..{}",
                    self.answered + 1,
                    self.into,
                    self.into + count
                )));
            }
            piece = &piece[count..];
            self.into += count;
            if self.into == self.size {
                each(self.queued_at[self.place]);
                self.answered += 1;
                self.into = 0;
                self.place = self.after(self.place);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends all that is unsent and returns it, as a server would send it back.
    fn transmit(window: &mut Window) -> Vec<u8> {
        let mut wire = Vec::new();
        while !window.unsent().is_empty() {
            let count = window.unsent().len();
            wire.extend_from_slice(window.unsent());
            window.sent(count);
        }
        wire
    }

    #[test]
    fn answers_in_any_pieces_are_counted_as_messages() {
        let mut window = Window::new(11, 3, 5);
        let (mut wire, mut queued, mut counted) = (Vec::new(), 0, 0);
        for round in 0..20 {
            while window.has_room() {
                window.queue(Instant::now());
                queued += 1;
            }
            wire.extend(transmit(&mut window));
            // Something is left behind most times, so that the next goes across the ring's end.
            let behind = [5, 16, 11, 0][round % 4];
            for piece in wire[..wire.len() - behind].chunks(round % 7 + 1) {
                window.receive(piece, |_| counted += 1).unwrap();
            }
            wire.drain(..wire.len() - behind);
            assert_eq!(window.is_answered(), behind == 0);
        }
        assert_eq!(counted, queued);
    }

    #[test]
    fn places_are_used_again_only_when_they_are_answered() {
        let mut window = Window::new(8, 2, 0);
        window.queue(Instant::now());
        window.queue(Instant::now());
        assert!(!window.has_room());
        let wire = transmit(&mut window);
        window.receive(&wire[..7], |_| panic!("not whole yet")).unwrap();
        assert!(!window.has_room());
        let mut whole = 0;
        window.receive(&wire[7..8], |_| whole += 1).unwrap();
        assert!(window.has_room() && whole == 1);
        window.queue(Instant::now());
        let next = transmit(&mut window);
        window.receive(&wire[8..], |_| whole += 1).unwrap();
        window.receive(&next, |_| whole += 1).unwrap();
        assert!(window.is_answered() && whole == 3);
    }

    #[test]
    fn wrong_answers_are_noticed() {
        let sent = |window: &mut Window| {
            window.queue(Instant::now());
            transmit(window)
        };
        let mut window = Window::new(64, 4, 1);
        let (first, second) = (sent(&mut window), sent(&mut window));
        // The answers changed places.
        assert!(window.receive(&second, |_| ()).is_err());

        let mut window = Window::new(64, 4, 1);
        let mut bent = sent(&mut window);
        bent[63] ^= 1;
        assert!(window.receive(&bent, |_| ()).is_err());

        // An answer too many, and one of another connection.
        let mut window = Window::new(64, 4, 1);
        sent(&mut window);
        window.receive(&first, |_| ()).unwrap();
        assert!(window.receive(&first, |_| ()).is_err());
        let mut other = Window::new(64, 4, 2);
        sent(&mut other);
        assert!(other.receive(&first, |_| ()).is_err());
    }
}
