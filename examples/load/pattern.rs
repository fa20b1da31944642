//! What the messages say: one endless stream of bytes, the same in each run, of which every
//! connection sends its own stretch. A byte that is lost, doubled or moved shifts all that follow,
//! so comparing each with its neighbourhood finds it.

/// Bytes until the stream repeats. A prime, so that it does not repeat from message to message.
const PERIOD: usize = 65_521;

/// The longest stretch that [`Pattern::at`] gives at once.
const STRETCH: usize = 64 * 1024;

/// How far apart the stretches of neighbouring connections begin.
const STRIDE: u64 = 4_099;

/// The stream, with so much repeated that a stretch can begin anywhere.
#[derive(Debug)]
pub(crate) struct Pattern {
    bytes: Box<[u8]>,
}

impl Pattern {
    pub(crate) fn new() -> Pattern {
        // xorshift64: the same bytes each time, and no two places alike.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let period: Vec<u8> = (0..PERIOD)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 56) as u8
            })
            .collect();
        let bytes = period.iter().copied().cycle().take(PERIOD + STRETCH).collect();
        Pattern { bytes }
    }

    /// Where the stream of a connection begins.
    pub(crate) fn start_of(connection: u64) -> u64 {
        connection * STRIDE
    }

    /// The bytes from `position` on: `length` of them, or as many as it gives at once.
    pub(crate) fn at(&self, position: u64, length: u64) -> &[u8] {
        let from = (position % PERIOD as u64) as usize;
        let length = length.min(STRETCH as u64) as usize;
        &self.bytes[from..from + length]
    }
}

#[cfg(test)]
mod tests {
    use super::{PERIOD, Pattern, STRETCH};

    // Goal: a message may begin anywhere, and the same position always gives the same byte.
    #[test]
    fn stretches_agree_where_they_overlap() {
        let pattern = Pattern::new();
        for position in [0, 1, PERIOD as u64 - 1, PERIOD as u64, 123_456_789] {
            let long = pattern.at(position, 1_000);
            assert_eq!(long.len(), 1_000);
            assert_eq!(&long[1..], pattern.at(position + 1, 999));
            assert_eq!(long, pattern.at(position + PERIOD as u64, 1_000));
        }
        assert_eq!(pattern.at(5, u64::MAX).len(), STRETCH);
    }

    // Goal: a byte lost, and a message of another connection, are noticed within a message.
    #[test]
    fn neighbouring_stretches_differ() {
        let pattern = Pattern::new();
        for position in 0..PERIOD as u64 {
            assert_ne!(pattern.at(position, 64), pattern.at(position + 1, 64), "at {position}");
        }
        let messages: Vec<_> = (0..1_000).map(|n| pattern.at(Pattern::start_of(n), 64)).collect();
        for (index, message) in messages.iter().enumerate() {
            assert!(!messages[..index].contains(message), "connection {index}");
        }
    }
}
