//! Files for the tests: nameless, gone when they are closed.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `files::…`")]

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A file with this in it, open for reading and writing, its position at the end.
pub fn file_with(bytes: &[u8]) -> File {
    let mut file = empty();
    file.write_all(bytes).expect("room on the disk");
    file
}

/// A file of so many zeros that take no room.
pub fn sparse(length: u64) -> File {
    let file = empty();
    file.set_len(length).expect("a file of that length");
    file
}

fn empty() -> File {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    let name = format!("edgewake-{}-{count}.file", std::process::id());
    let path = std::env::temp_dir().join(name);
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
    let file = file.expect("a new file");
    fs::remove_file(&path).expect("its name can be removed");
    file
}
