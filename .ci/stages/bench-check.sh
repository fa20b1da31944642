#!/usr/bin/env bash
# The benchmark package, which is no member of the workspace: no warning, and its own tests pass.
# Nothing is measured here; the numbers of a shared machine would say nothing.
source "$(dirname "$0")/../lib.sh"
need_rust
[ -f bench/Cargo.toml ] || die "bench/Cargo.toml is not there"
export CARGO_TARGET_DIR=$CI_DIR/bench
cargo clippy --manifest-path bench/Cargo.toml --all-targets --all-features -- -D warnings
cargo test --manifest-path bench/Cargo.toml --all-features
