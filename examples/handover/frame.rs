//! What travels between clients and server: requests with a number and a checksum, and answers
//! that repeat them.
//!
//! A frame is its payload's length (4 bytes), a checksum (4), its number (8), and the payload, all
//! big-endian. The numbers of a connection go up by one from zero, in both directions, so that
//! what is lost or comes twice shows as a gap or a step back, and a byte that moved as a checksum.

/// Bytes before the payload.
pub(crate) const HEADER: usize = 16;

/// No longer payload is taken: who announces one does not speak this protocol.
pub(crate) const PAYLOAD_MAX: usize = 1 << 20;

/// A whole frame at the beginning of what has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) number: u64,
    pub(crate) payload: &'a [u8],
    /// The frame as it came, header included.
    pub(crate) whole: &'a [u8],
}

/// Finds the frame at the beginning of `bytes`: none yet, if its end has not come. An error if
/// what is there can be no frame.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if length > PAYLOAD_MAX {
        return Err("a frame of more than a mebibyte");
    }
    let Some((sum, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    let Some((number, rest)) = rest.split_first_chunk::<8>() else { return Ok(None) };
    let Some(payload) = rest.get(..length) else { return Ok(None) };
    let number = u64::from_be_bytes(*number);
    if checksum(number, payload) != u32::from_be_bytes(*sum) {
        return Err("a frame whose checksum is wrong");
    }
    Ok(Some(Frame { number, payload, whole: &bytes[..HEADER + length] }))
}

/// Appends a frame to `bytes`.
pub(crate) fn append(bytes: &mut Vec<u8>, number: u64, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("payloads are short");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&checksum(number, payload).to_be_bytes());
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(payload);
}

/// In the manner of FNV, eight bytes at a time: any byte that changes or moves changes it.
fn checksum(number: u64, payload: &[u8]) -> u32 {
    let mut sum = 0xcbf2_9ce4_8422_2325 ^ number.rotate_left(32) ^ payload.len() as u64;
    for piece in payload.chunks(8) {
        let mut word = [0; 8];
        word[..piece.len()].copy_from_slice(piece);
        sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3);
        sum = sum.rotate_left(23);
    }
    (sum ^ (sum >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::{Frame, HEADER, append, first};

    #[test]
    fn frames_are_found_once_they_are_whole() {
        let mut bytes = Vec::new();
        append(&mut bytes, 7, b"hello");
        append(&mut bytes, 8, b"");
        let whole = HEADER + 5;
        for end in 0..whole {
            assert_eq!(first(&bytes[..end]), Ok(None), "{end} bytes");
        }
        let frame = Frame { number: 7, payload: b"hello", whole: &bytes[..whole] };
        assert_eq!(first(&bytes), Ok(Some(frame)));
        assert_eq!(first(&bytes[whole..]).map(|frame| frame.expect("the next").number), Ok(8));
    }

    // Goal: no byte of a frame can change unnoticed.
    #[test]
    fn changed_bytes_are_found() {
        let mut bytes = Vec::new();
        append(&mut bytes, 1, b"some twenty bytes of payload");
        for at in 4..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            first(&changed).expect_err("a frame with a changed byte");
        }
        first(&[0xff; HEADER]).expect_err("a length out of bounds");
    }
}
