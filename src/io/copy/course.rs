//! Which way a flow takes: through a buffer, or by splice.
//!
//! # The rule
//!
//! Measured on Linux 6.18 (ARCHITECTURE.md has the table): moving pages instead of bytes saves a
//! third to two thirds of the processor's time once a transfer moves 32 KiB or more, from TCP to
//! anything and between Unix sockets; below that the two are equal within a tenth. From a Unix
//! socket to TCP splice won by a third at some sizes and lost as much at others, so there it is
//! left to who asks for it. A flow starts with the buffer, changes to splice after so many large
//! reads in a row, and back after as many small transfers.
//!
//! Pure data.

use super::{options::CopyMethod, recognise::LinkKind};

/// From how many bytes on a transfer is large.
const LARGE: usize = 32 * 1024;

/// How many in a row change the way.
const ROW: u8 = 4;

#[derive(Debug)]
pub(super) struct Course {
    method: CopyMethod,
    /// Splice is the way, as far as the sizes say.
    splices: bool,
    /// It is none for these ends, or on this system.
    refused: bool,
    /// Large transfers in a row by the buffer; by splice what is left of the row that led there.
    row: u8,
}

impl Course {
    #[inline]
    pub(super) fn new(method: CopyMethod) -> Course {
        let refused = !cfg!(edgewake_has = "splice") || method == CopyMethod::Buffer;
        Course { method, splices: method == CopyMethod::Splice, refused, row: 0 }
    }

    /// Whether the next bytes go by splice, if the ends are fit for it.
    #[inline]
    pub(super) fn splices(&self) -> bool {
        cfg!(edgewake_has = "splice") && self.splices && !self.refused
    }

    /// Whether these kinds of ends are worth it.
    #[inline]
    pub(super) fn fits(&self, from: LinkKind, to: LinkKind) -> bool {
        use LinkKind::{Tcp, Unix, Vsock};

        match (self.method, from, to) {
            (CopyMethod::Splice, ..) => true,
            (_, Unix, Tcp) | (_, Vsock, _) | (_, _, Vsock) => false,
            _ => true,
        }
    }

    /// Learns from a read of `count` bytes into a buffer of `room`.
    #[inline]
    pub(super) fn note_read(&mut self, count: usize, room: usize) {
        let large = count >= LARGE.min(room) || self.method == CopyMethod::Splice;
        self.row = if large { (self.row + 1).min(ROW) } else { 0 };
        self.splices |= self.row == ROW;
    }

    /// Learns from a splice of `count` bytes.
    #[inline]
    pub(super) fn note_splice(&mut self, count: usize) {
        if self.method == CopyMethod::Splice {
            return;
        }
        self.row = if count >= LARGE { ROW } else { self.row.saturating_sub(1) };
        self.splices = self.row > 0;
    }

    /// There is no pipe to be had. It is asked for again only after some reads.
    #[cold]
    pub(super) fn note_no_pipe(&mut self) {
        self.splices = false;
        self.row = 0;
    }

    /// The kernel, or what the ends are, has refused.
    #[cold]
    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }

    #[inline]
    pub(super) fn is_refused(&self) -> bool {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::{CopyMethod, Course, LARGE, LinkKind};

    const SPLICE: bool = cfg!(edgewake_has = "splice");

    // Goal: large reads in a row lead to splice, one small read among them does not, and small
    // splices in a row lead back.
    #[test]
    fn sizes_lead() {
        let mut course = Course::new(CopyMethod::Auto);
        for count in [LARGE, LARGE, LARGE, 10, LARGE, LARGE, LARGE] {
            course.note_read(count, 2 * LARGE);
            assert!(!course.splices());
        }
        course.note_read(2 * LARGE, 2 * LARGE);
        assert_eq!(course.splices(), SPLICE);
        for count in [1, 1, 1, LARGE, 1, 1, 1] {
            course.note_splice(count);
            assert_eq!(course.splices(), SPLICE);
        }
        course.note_splice(LARGE - 1);
        assert!(!course.splices());
        course.note_read(LARGE, 2 * LARGE);
        assert!(!course.splices());
    }

    // Goal: a small buffer that is full counts as much as a large one.
    #[test]
    fn full_buffers_are_large() {
        let mut course = Course::new(CopyMethod::Auto);
        for _ in 0..4 {
            course.note_read(100, 100);
        }
        assert_eq!(course.splices(), SPLICE);
    }

    // Goal: what was asked for is done, whatever the sizes and kinds, until it is refused.
    #[test]
    fn methods_are_kept() {
        let mut buffer = Course::new(CopyMethod::Buffer);
        let mut splice = Course::new(CopyMethod::Splice);
        for _ in 0..10 {
            buffer.note_read(LARGE, LARGE);
            splice.note_splice(1);
            splice.note_read(1, LARGE);
        }
        assert!(!buffer.splices());
        assert_eq!(splice.splices(), SPLICE);
        assert!(splice.fits(LinkKind::Unix, LinkKind::Tcp));
        splice.note_no_pipe();
        for _ in 0..4 {
            assert!(!splice.splices());
            splice.note_read(1, LARGE);
        }
        assert_eq!(splice.splices(), SPLICE);
        splice.refuse();
        assert!(!splice.splices());
        let auto = Course::new(CopyMethod::Auto);
        assert!(!auto.fits(LinkKind::Unix, LinkKind::Tcp));
        assert!(auto.fits(LinkKind::Tcp, LinkKind::Unix));
    }
}
