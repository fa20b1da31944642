//! What is sent: bytes that depend on the connection and on their place, so that none can be lost,
//! repeated or taken for another's without being noticed.

/// A prime, so that places repeat late, whatever lengths the messages have.
const PERIOD: usize = 65_521;
/// What a slice has at most.
const LONGEST: usize = 16 * 1024;

/// The bytes of all connections: theirs begin at different places.
#[derive(Debug)]
pub(crate) struct Pattern(Vec<u8>);

impl Pattern {
    pub(crate) fn new() -> Self {
        // xorshift64 (Marsaglia): cheap, and good enough to tell places apart.
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut bytes: Vec<u8> = (0..PERIOD)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect();
        bytes.extend_from_within(..LONGEST);
        Self(bytes)
    }

    /// At most `length` bytes of connection `id` from its place `offset` on.
    pub(crate) fn at(&self, id: u64, offset: u64, length: u64) -> &[u8] {
        let start = (id.wrapping_mul(7919).wrapping_add(offset) % PERIOD as u64) as usize;
        &self.0[start..start + length.min(LONGEST as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_join_and_connections_differ() {
        let pattern = Pattern::new();
        let whole = pattern.at(3, PERIOD as u64 - 50, 100).to_vec();
        assert_eq!(whole[..60], *pattern.at(3, PERIOD as u64 - 50, 60));
        assert_eq!(whole[60..], *pattern.at(3, PERIOD as u64 + 10, 40));
        assert_ne!(whole, pattern.at(4, PERIOD as u64 - 50, 100));
        assert_eq!(pattern.at(0, 0, u64::MAX).len(), LONGEST);
    }
}
