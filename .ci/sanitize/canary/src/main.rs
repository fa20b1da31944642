//! Makes the mistake that it is asked for, so that a stage can see its tool report it.
//!
//! Without an argument it makes none: it hands data between threads in the ways that std has, of
//! which a race detector that does not see into std would complain.

use std::{
    hint::black_box,
    ptr::{read_volatile, write_volatile},
    sync::{Arc, Mutex, mpsc},
    thread,
};

fn main() {
    match std::env::args().nth(1).as_deref() {
        None => no_mistake(),
        Some("use-after-free") => use_after_free(),
        Some("leak") => std::mem::forget(black_box(vec![7_u8; 100])),
        Some("race") => race(),
        Some(other) => panic!("no such mistake: {other}"),
    }
}

/// A lock with contention, a channel, a counted pointer whose last owner is any thread.
fn no_mistake() {
    let sum = Arc::new(Mutex::new(0));
    let (numbers, received) = mpsc::channel::<Box<u64>>();
    for number in 0..8 {
        let (sum, numbers) = (Arc::clone(&sum), numbers.clone());
        thread::spawn(move || {
            for _ in 0..1000 {
                *sum.lock().expect("nobody panics") += number;
            }
            numbers.send(Box::new(number)).expect("it is received");
        });
    }
    drop(numbers);
    let sent: u64 = received.iter().map(|number| *number).sum();
    assert_eq!((sent, *sum.lock().expect("nobody panics")), (28, 28_000));
}

fn use_after_free() {
    let place = Box::into_raw(black_box(Box::new(7_u64)));
    // SAFETY: none for the read: that is the mistake.
    unsafe {
        drop(Box::from_raw(place));
        black_box(read_volatile(place));
    }
}

fn race() {
    static mut PLACE: u64 = 0;
    let threads = [1, 2].map(|number| {
        thread::spawn(move || {
            for _ in 0..1000 {
                // SAFETY: none: two threads write what is not atomic, which is the mistake.
                unsafe { write_volatile(&raw mut PLACE, number) };
            }
        })
    });
    for thread in threads {
        thread.join().expect("no panic");
    }
}
