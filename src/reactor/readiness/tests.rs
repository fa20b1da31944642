//! Every combination of the bits, against what their comments say.

use edgewake_sys::Interest;

use super::{Readiness, bits};

const ALL: [Readiness; 6] = [
    Readiness::READABLE,
    Readiness::WRITABLE,
    Readiness::READ_CLOSED,
    Readiness::WRITE_CLOSED,
    Readiness::PRIORITY,
    Readiness::ERROR,
];

fn every() -> impl Iterator<Item = Readiness> {
    (0..1 << ALL.len()).map(Readiness)
}

/// Those of `conditions` that hold in `readiness`, one by one.
fn any_of(readiness: Readiness, conditions: &[Readiness]) -> bool {
    conditions.iter().any(|condition| readiness.contains(*condition))
}

// Goal: no two conditions are the same bit.
#[test]
fn the_conditions_are_apart() {
    assert_eq!(ALL.iter().map(|condition| u32::from(condition.0)).sum::<u32>(), 63);
    assert_eq!(ALL.iter().fold(Readiness::EMPTY, |all, one| all | *one), Readiness(63));
    let nothing = every().filter(|readiness| readiness.is_empty()).collect::<Vec<_>>();
    assert_eq!(nothing, [Readiness::EMPTY]);
    assert!(!(Readiness::READABLE | Readiness::ERROR).contains(Readiness(3)));
}

// Goal: what can be asked of a readiness is told by the bits that it is about, and by no other.
#[test]
fn questions_are_about_their_own_bits() {
    for readiness in every() {
        let holds = |conditions: &[Readiness]| any_of(readiness, conditions);
        let (data, room) = (Readiness::READABLE, Readiness::WRITABLE);
        let (read_closed, write_closed) = (Readiness::READ_CLOSED, Readiness::WRITE_CLOSED);
        let (urgent, error) = (Readiness::PRIORITY, Readiness::ERROR);
        assert_eq!(readiness.is_readable(), holds(&[data, read_closed, error]), "{readiness:?}");
        assert_eq!(readiness.is_writable(), holds(&[room, write_closed, error]), "{readiness:?}");
        assert_eq!(readiness.is_read_closed(), holds(&[read_closed]), "{readiness:?}");
        assert_eq!(readiness.is_write_closed(), holds(&[write_closed]), "{readiness:?}");
        assert_eq!(readiness.is_priority(), holds(&[urgent]), "{readiness:?}");
        assert_eq!(readiness.is_error(), holds(&[error]), "{readiness:?}");
    }
}

// Goal: a readiness names what holds in it.
#[test]
fn a_readiness_prints_its_names() {
    let some = Readiness::READABLE | Readiness::WRITE_CLOSED | Readiness::ERROR;
    assert_eq!(format!("{some:?}"), "READABLE | WRITE_CLOSED | ERROR");
    assert_eq!(format!("{:?}", Readiness::EMPTY), "(empty)");
}

// T11. Goal: what was not asked for is not told, but for errors, which are told to whoever asked
// for anything; those of the writing side alone, to writers.
#[test]
fn t11_what_was_asked_for_is_told() {
    let kinds = [Interest::READABLE, Interest::WRITABLE, Interest::PRIORITY];
    let sides = [bits::DATA, bits::CLOSED, bits::ERROR, bits::PRIORITY];
    let words = || (0..16_usize).map(|set| sum(&sides, set, 0, |word, bit| word | bit));
    for asked in 0..8_usize {
        let interest = sum(&kinds, asked, Interest::empty(), |all, one| all | one);
        let (reads, writes, urgent) =
            (interest.is_readable(), interest.is_writable(), interest.is_priority());
        for (read, write) in words().flat_map(|read| words().map(move |write| (read, write))) {
            let has = |word: u64, bit: u64| word & bit == bit;
            let expected = [
                reads && has(read, bits::DATA),
                writes && has(write, bits::DATA),
                (reads || urgent) && has(read, bits::CLOSED),
                writes && has(write, bits::CLOSED),
                urgent && has(read, bits::PRIORITY),
                asked != 0 && has(read, bits::ERROR) || writes && has(write, bits::ERROR),
            ];
            let told = Readiness::of(read, write, interest);
            let found = ALL.map(|condition| told.contains(condition));
            assert_eq!(found, expected, "{read:b} {write:b} {interest:?}");
        }
    }
}

/// Those of `parts` whose bit is set in `chosen`, put together.
fn sum<T: Copy, const N: usize>(
    parts: &[T; N],
    chosen: usize,
    none: T,
    add: impl Fn(T, T) -> T,
) -> T {
    let chosen = parts.iter().enumerate().filter(|(index, _)| chosen >> index & 1 == 1);
    chosen.fold(none, |all, (_, part)| add(all, *part))
}

// Goal: the bits of a word are apart, below the generation, and what is made of them is what it
// says.
#[test]
fn the_bits_of_a_word_are_apart() {
    let single = [
        bits::DATA,
        bits::CLOSED,
        bits::ERROR,
        bits::REGISTERED,
        bits::ASSUMED,
        bits::SHUT,
        bits::LOCKED,
        bits::WAITER,
        bits::LISTED,
        bits::DRAINS,
        bits::PRIORITY,
    ];
    assert!(single.iter().all(|bit| bit.is_power_of_two()));
    assert_eq!(single.iter().sum::<u64>(), (1 << single.len()) - 1);
    // Two bits of looks above them: three times the lower.
    assert_eq!((bits::LOOK, bits::LOOKS), (1 << single.len(), 0b11 << single.len()));
    assert_eq!(bits::GENERATION, 1 << 16);
    let tries = bits::DATA + bits::CLOSED + bits::ERROR + bits::ASSUMED + bits::SHUT;
    assert_eq!(bits::TRY, tries);
    assert_eq!(bits::DECIDES, tries + bits::REGISTERED + bits::LOCKED);
    assert_eq!(bits::EVENT, bits::DATA + bits::CLOSED + bits::ERROR);
}
