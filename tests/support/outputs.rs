//! Outputs for what prints: one that keeps what it is given, one that is gone, one that waits.

#![allow(dead_code, reason = "each test binary compiles its own copy and uses a part of it")]
#![allow(unreachable_pub, reason = "a module of each test binary, reached as `outputs::…`")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, mpsc},
};

/// Keeps what is written, for all its clones.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Its reader has gone.
pub struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Its reader does not read: nothing is taken until the gate has gone, and then all.
pub struct Gated {
    gate: mpsc::Receiver<()>,
    taken: Written,
}

impl Gated {
    /// The output, and its gate, to be dropped.
    pub fn new(taken: &Written) -> (Gated, mpsc::Sender<()>) {
        let (open, gate) = mpsc::channel();
        (Gated { gate, taken: taken.clone() }, open)
    }
}

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gate.recv().expect_err("nothing is sent through it");
        self.taken.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
