//! Where a connection stands, and how that is written for the process that takes it over.
//!
//! The socket itself, with what the kernel holds of both directions, goes beside it as a
//! descriptor. Pure data.

use std::io::{self, ErrorKind::InvalidData};

use bytes::{Buf, BufMut};

/// What a connection is beside its socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Requests that have been answered, which is the number of the next.
    pub(crate) answered: u64,
    /// Whether the client has sent its last byte.
    pub(crate) ended: bool,
    /// Bytes that have come and are not an answered request yet.
    pub(crate) unprocessed: Vec<u8>,
    /// Bytes of answers that the socket had no room for.
    pub(crate) unsent: Vec<u8>,
}

impl State {
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.put_u64(self.answered);
        bytes.put_u8(u8::from(self.ended));
        for part in [&self.unprocessed, &self.unsent] {
            bytes.put_u32(u32::try_from(part.len()).expect("both are bounded"));
            bytes.put_slice(part);
        }
    }

    /// Takes one from the beginning of `bytes`.
    pub(crate) fn read(bytes: &mut &[u8]) -> io::Result<State> {
        let short = |_| io::Error::new(InvalidData, "a connection's state is cut short");
        let answered = bytes.try_get_u64().map_err(short)?;
        let ended = bytes.try_get_u8().map_err(short)? != 0;
        let mut part = || {
            let length = bytes.try_get_u32().map_err(short)? as usize;
            let mut part = vec![0; length.min(bytes.len())];
            bytes.try_copy_to_slice(&mut part).map_err(short)?;
            if part.len() < length {
                return Err(io::Error::new(InvalidData, "a connection's bytes are cut short"));
            }
            Ok(part)
        };
        Ok(State { answered, ended, unprocessed: part()?, unsent: part()? })
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn states_are_read_as_they_were_written() {
        let first = State { answered: 3, ended: true, unprocessed: vec![1; 9], unsent: vec![2; 4] };
        let mut bytes = Vec::new();
        for state in [&first, &State::default()] {
            state.write(&mut bytes);
        }
        let mut rest = bytes.as_slice();
        assert_eq!(State::read(&mut rest).expect("the first"), first);
        assert_eq!(State::read(&mut rest).expect("the second"), State::default());
        State::read(&mut rest).expect_err("there is no third");
        let mut first_bytes = Vec::new();
        first.write(&mut first_bytes);
        for end in 0..first_bytes.len() {
            State::read(&mut &first_bytes[..end]).expect_err("one that is cut short");
        }
    }
}
