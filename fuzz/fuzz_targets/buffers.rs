//! The pool of copies' buffers against a list: the newest of the size that is asked for, the oldest
//! make room, and what is kept has a bound and is counted right.
#![no_main]

use arbitrary::Arbitrary;
use edgewake::fuzz::Pool;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Take(Size),
    Put(Size),
    /// One that was taken before.
    GiveBack(u8),
}

#[derive(Arbitrary, Debug)]
enum Size {
    None,
    Small(u8),
    Usual(u8),
    /// The most that is kept, halves and quarters of it, a byte beside.
    Share {
        nth: u8,
        beside: u8,
    },
}

impl Size {
    fn bytes(&self) -> usize {
        match self {
            Size::None => 0,
            Size::Small(bytes) => (*bytes).into(),
            Size::Usual(power) => 4096 << (power % 6),
            Size::Share { nth, beside } => {
                Pool::KEPT_MAX / (1 + usize::from(nth % 4)) + usize::from(beside % 3) - 1
            }
        }
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut pool = Pool::default();
    // Oldest first: what is kept, by where it lies, and how long it is.
    let mut model: Vec<(usize, usize)> = Vec::new();
    let mut taken: Vec<Box<[u8]>> = Vec::new();
    for step in &steps {
        let put = match step {
            Step::Take(size) => {
                let size = size.bytes();
                let at = model.iter().rposition(|(_, length)| *length == size);
                let expected = at.map(|at| model.remove(at));
                let buffer = pool.take(size);
                let got = buffer.as_ref().map(|buffer| (buffer.as_ptr().addr(), buffer.len()));
                assert_eq!(got, expected);
                taken.extend(buffer);
                None
            }
            Step::Put(size) => Some(vec![0; size.bytes()].into_boxed_slice()),
            Step::GiveBack(nth) if taken.is_empty() => {
                let _of_none = nth;
                None
            }
            Step::GiveBack(nth) => Some(taken.swap_remove(usize::from(*nth) % taken.len())),
        };
        if let Some(buffer) = put {
            if buffer.len() <= Pool::KEPT_MAX {
                let kept = |model: &[(usize, usize)]| -> usize {
                    model.iter().map(|(_, length)| *length).sum()
                };
                while kept(&model) + buffer.len() > Pool::KEPT_MAX {
                    model.remove(0);
                }
                model.push((buffer.as_ptr().addr(), buffer.len()));
            }
            pool.put(buffer);
        }
        let kept: usize = model.iter().map(|(_, length)| *length).sum();
        assert_eq!(pool.kept(), kept);
        assert!(kept <= Pool::KEPT_MAX);
    }
});
