//! What a datagram says, and the check of what arrives.
//!
//! A datagram begins with its number. They must come in order, whole, and none twice; gaps are
//! losses. The end is marked by a datagram with a number that no other has.

use std::io;

/// The bytes that the number takes.
pub(crate) const NUMBER: usize = 8;

/// The datagram that ends a run.
pub(crate) const END: [u8; NUMBER] = u64::MAX.to_le_bytes();

/// The datagrams that have arrived.
#[derive(Debug)]
pub(crate) struct Arrivals {
    size: usize,
    /// The number that comes next if none is lost.
    next: u64,
    pub(crate) received: u64,
    /// Receives that brought them.
    pub(crate) calls: u64,
    pub(crate) over: bool,
}

impl Arrivals {
    pub(crate) fn new(size: usize) -> Arrivals {
        Arrivals { size, next: 0, received: 0, calls: 0, over: false }
    }

    /// Checks and counts a datagram.
    pub(crate) fn take(&mut self, datagram: &[u8]) -> io::Result<()> {
        if datagram == END {
            self.over = true;
            return Ok(());
        }
        let number = datagram.first_chunk().map(|number| u64::from_le_bytes(*number));
        match number {
            Some(number) if datagram.len() == self.size && number >= self.next => {
                self.next = number + 1;
                self.received += 1;
                Ok(())
            }
            number => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "{} bytes with the number {number:?} have arrived, where {} bytes with the \
                     number {} or a later one are due",
                    datagram.len(),
                    self.size,
                    self.next
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrivals, END};

    // Goal: a loss is no error; a datagram that comes twice, late, cut or joined is one.
    #[test]
    fn oddities_are_noticed() {
        let datagram = |number: u64| [number.to_le_bytes(), [0; 8]].concat();
        let mut arrivals = Arrivals::new(16);
        for number in [0, 1, 5] {
            arrivals.take(&datagram(number)).expect("in order");
        }
        arrivals.take(&datagram(5)).expect_err("twice");
        arrivals.take(&datagram(4)).expect_err("late");
        arrivals.take(&datagram(6)[..15]).expect_err("cut");
        arrivals.take(&[datagram(6), datagram(7)].concat()).expect_err("joined");
        assert!(!arrivals.over);
        arrivals.take(&END).expect("the end");
        assert!(arrivals.over);
        assert_eq!(arrivals.received, 3);
    }
}
