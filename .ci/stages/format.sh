#!/usr/bin/env bash
# rustfmt agrees with every file, those of the benchmark package too.
source "$(dirname "$0")/../lib.sh"
need_rust
cargo fmt --all --check
if [ -f bench/Cargo.toml ]; then cargo fmt --manifest-path bench/Cargo.toml --all --check; fi
cargo fmt --manifest-path mutants/Cargo.toml --all --check
