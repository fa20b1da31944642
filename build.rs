//! Re-emits the verdict of `sys/build.rs` on the target as cfgs for src, tests and examples.
//!
//! It decides nothing: a target that `sys` refuses is refused here with sys's sentence.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(sentence) = verdict("REFUSED") {
        println!("cargo::error={sentence}");
        return;
    }
    for (key, cfg) in [("SELECTOR", "edgewake_selector"), ("NOTIFIER", "edgewake_notifier")] {
        if let Some(value) = verdict(key) {
            println!("cargo::rustc-cfg={cfg}=\"{value}\"");
        }
    }
    for name in verdict("CAPABILITIES").unwrap_or_default().split(',') {
        println!("cargo::rustc-cfg=edgewake_has=\"{name}\"");
    }
}

fn verdict(key: &str) -> Option<String> {
    env::var(format!("DEP_EDGEWAKE_SYS_{key}")).ok()
}
