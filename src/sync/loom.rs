//! A model of the models: what `ordered` tries, and loom alone does not.

use std::{collections::BTreeSet, sync::Arc, sync::Mutex};

use ::loom::thread;

use super::{
    atomic::{AtomicUsize, Ordering},
    model::{ordered, plain},
};

/// What two loads may see while another thread loads, and then stores.
fn loads_beside_a_store(
    explore: impl FnOnce(Box<dyn Fn() + Send + Sync>),
) -> BTreeSet<(usize, usize)> {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let seeing = Arc::clone(&seen);
    explore(Box::new(move || {
        let value = Arc::new(AtomicUsize::new(0));
        let other = Arc::clone(&value);
        let storing = thread::spawn(move || {
            // Relaxed, here and below: nothing else is looked at.
            let before = other.load(Ordering::Relaxed);
            other.store(before + 1, Ordering::Relaxed);
        });
        let loads = [(); 2].map(|()| value.load(Ordering::Relaxed));
        storing.join().expect("no panic");
        seeing.lock().expect("no panic").insert((loads[0], loads[1]));
    }));
    Arc::into_inner(seen).expect("it is explored").into_inner().expect("no panic")
}

// Goal: a store that its thread does after a load is tried before, between and after the loads of
// another thread. Should loom do so by itself, `ordered` can go: then the second half fails.
#[test]
fn a_load_hides_no_store() {
    let seen = loads_beside_a_store(|body| ordered(2, body));
    assert_eq!(seen, BTreeSet::from([(0, 0), (0, 1), (1, 1)]));
    let seen = loads_beside_a_store(|body| plain(body));
    assert_eq!(seen, BTreeSet::from([(0, 0)]));
}
