//! The numbers of a seed, and its habits: what is drawn from them, and how often.

/// The calls that move bytes, messages or connections, on the descriptor that is their first
/// argument, or that they are said to be on besides: an event of it tells when to try again.
pub(super) const BLOCKING: &[&str] = &[
    "recv", "recvfrom", "recvmsg", "recvmmsg", "send", "sendto", "sendmsg", "sendmmsg", "read",
    "readv", "writev", "pwritev2", "splice", "sendfile", "accept", "accept4",
];

/// Those whose count says how many messages, each of them whole.
pub(super) const MESSAGES: &[&str] = &["recvmmsg", "sendmmsg"];

/// Those whose count, however short, says of neither descriptor that it would have to wait: it
/// owes no event.
pub(super) const BETWEEN: &[&str] = &["splice", "sendfile"];

/// A kind of choice.
#[derive(Clone, Copy, Debug)]
pub(super) enum Habit {
    /// Another than the first of several that are equal.
    Order,
    /// A smaller limit of the library's.
    Limits,
    /// Something that can be done now is done later.
    Postpone,
    /// Another thread does something, at a moment of a turn.
    Intrude,
    /// A transfer comes short.
    Cut,
    /// A transfer would have to wait.
    Block,
    /// A call is interrupted.
    Interrupt,
    /// An event is late.
    Hold,
    /// Events come in another order.
    Shuffle,
    /// An event comes twice.
    Repeat,
    /// An event comes for nothing.
    Invent,
    /// A wait ends before its time.
    Early,
    /// A wait ends after its time.
    Late,
}

const HABITS: usize = Habit::Late as usize + 1;

/// One in how many times, for each [`Habit`]; never where it is 0.
#[derive(Debug)]
pub(super) struct Habits([u64; HABITS]);

impl Habits {
    /// One seed in eight has all habits, the others about half of them.
    pub(super) fn draw(random: &mut Random) -> Habits {
        let all = random.below(8) == 0;
        let mut odds = [0; HABITS];
        for one in &mut odds {
            let often = [2, 3, 6, 20][random.below(4) as usize];
            let has = random.below(2) == 0;
            *one = if has || all { often } else { 0 };
        }
        Habits(odds)
    }

    pub(super) fn chance(&self, habit: Habit, random: &mut Random) -> bool {
        match self.0[habit as usize] {
            0 => false,
            odds => random.below(odds) == 0,
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): a counter, mixed. Every seed is a good one.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `options`; 0 if there is no other. Uneven by less than anybody could see.
    pub(super) fn below(&mut self, options: u64) -> u64 {
        self.next() % options.max(1)
    }
}
