//! Static probe points: places that a tracer finds by name in the running program, at the cost of
//! one no-op instruction each.
//!
//! With the feature `probes`, on Linux and Android on x86-64 and aarch64, every call leaves a `nop`
//! and a note in the section `.note.stapsdt` that says where it stands, what it is called and
//! which registers hold its arguments: the format of SystemTap's `sys/sdt.h`, which perf, bpftrace,
//! SystemTap and gdb read. They put a breakpoint there when asked to; nothing else happens.
//! Elsewhere, or without the feature, the functions are empty.
//!
//! A note goes where its code goes: it is linked to the section of its `nop`, so that what the
//! linker drops leaves no note that points nowhere, on which tools stumble. That needs a label of
//! its own for each copy that the compiler makes, and nothing in the text of `asm!` tells copies
//! apart; hence the assembler's own counter and its macro language.
//!
//! The provider is `edgewake`. `readelf -n PROGRAM` lists the points of a program.
//!
//! Called by the layers above, where each thing happens. Arguments are what is at hand, or a
//! cast, a comparison or a field away from it: no system call, no lock and no loop is for a probe.
//! An optimised build without the feature has nothing of these, either.
//!
//! # References
//!
//! [the format](https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation)

/// Writes the functions. An argument is a 64-bit unsigned number.
macro_rules! probes {
    ($($(#[$doc:meta])* $name:ident($($argument:ident),*);)*) => {
        $(
            $(#[$doc])*
            #[inline(always)]
            pub fn $name($($argument: u64),*) {
                #[cfg(edgewake_has = "usdt")]
                note!($name($($argument),*));
                #[cfg(not(edgewake_has = "usdt"))]
                {
                    $(let _ = $argument;)*
                }
            }
        )*

        /// The names of all probe points, for tests and tools.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

/// Leaves a `nop` here, and a note that names it.
#[cfg(edgewake_has = "usdt")]
macro_rules! note {
    ($name:ident()) => { note!(@ $name, "") };
    ($name:ident($a:ident)) => { note!(@ $name, operand!("0"), $a) };
    ($name:ident($a:ident, $b:ident)) => {
        note!(@ $name, concat!(operand!("0"), " ", operand!("1")), $a, $b)
    };
    (@ $name:ident, $operands:expr $(, $argument:ident)*) => {
        // SAFETY: the code is one `nop`: it touches no register, no flag, no memory and no stack.
        // The rest fills sections that are not loaded, but for one byte of padding.
        unsafe {
            std::arch::asm!(
                ".ifndef edgewake_point",
                ".set edgewake_point, 0",
                ".endif",
                ".altmacro",
                ".macro edgewake_probe n",
                ".Ledgewake_point_\\n: nop",
                ".pushsection .note.stapsdt,\"o\",\"note\",.Ledgewake_point_\\n",
                ".balign 4",
                ".4byte 992f-991f, 994f-993f, 3",
                "991: .asciz \"stapsdt\"",
                "992: .balign 4",
                "993: .8byte .Ledgewake_point_\\n",
                // By its distance from this section a tool finds the place after prelinking.
                ".8byte _.stapsdt.base",
                // No semaphore.
                ".8byte 0",
                ".asciz \"edgewake\"",
                concat!(".asciz \"", stringify!($name), "\""),
                concat!(".asciz \"", $operands, "\""),
                "994: .balign 4",
                ".popsection",
                ".endm",
                "edgewake_probe %edgewake_point",
                ".purgem edgewake_probe",
                ".noaltmacro",
                ".set edgewake_point, edgewake_point + 1",
                ".ifndef _.stapsdt.base",
                // Executable, as no other's is: perf takes the distance of this section's address
                // from its place in the file for that of the code, and linkers that lay segments
                // out like lld (rustc's own) have another one for constants.
                ".pushsection .stapsdt.base,\"axGR\",\"progbits\",.stapsdt.base,comdat",
                ".weak _.stapsdt.base",
                ".hidden _.stapsdt.base",
                "_.stapsdt.base: .space 1",
                ".size _.stapsdt.base, 1",
                ".popsection",
                ".endif",
                $(in(reg) $argument,)*
                options(nomem, nostack, preserves_flags),
            );
        }
    };
}

/// An argument in the note: its size and its register, as the system's own assembler spells it.
#[cfg(all(edgewake_has = "usdt", target_arch = "x86_64"))]
macro_rules! operand {
    ($index:literal) => {
        concat!("8@%{", $index, "}")
    };
}

#[cfg(all(edgewake_has = "usdt", target_arch = "aarch64"))]
macro_rules! operand {
    ($index:literal) => {
        concat!("8@{", $index, "}")
    };
}

probes! {
    /// A turn of the loop begins: it is about to ask the kernel.
    turn_begin();
    /// The kernel has answered, with this many events; nothing is woken yet.
    turn_end(events);
    /// A task is about to be polled: its address, which stays its own while it lives.
    task_poll_begin(task);
    /// The poll has returned: the task, and 1 if it is finished.
    task_poll_end(task, finished);
    /// A task is woken that was not queued: its address.
    wake(task);
    /// The kernel is about to be asked to register a descriptor with the selector, or to add a
    /// direction, which may fail: which descriptor, and for what: 1 reading, 2 writing, 4 urgent
    /// data, 8 connections, 16 exclusively.
    register(fd, interest);
    /// Timers have reached their deadlines: how many.
    timer_fire(count);
    /// A connection was accepted: the descriptor of the listener.
    accept(listener);
}
