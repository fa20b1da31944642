#!/usr/bin/env bash
# No warning from rustc or clippy: everything on, then what a user gets by default.
source "$(dirname "$0")/../lib.sh"
need_rust
cargo clippy --workspace --all-targets --all-features -- -D warnings
cargo clippy --workspace --all-targets -- -D warnings
# The fuzz targets, and the faces that they have in the library. Nothing is linked, so that
# libFuzzer need not be built.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg edgewake_fuzz" CARGO_TARGET_DIR=$CI_DIR/fuzz/clippy
cargo clippy --workspace --all-features -- -D warnings
CUSTOM_LIBFUZZER_PATH=$CI_DIR/libfuzzer.a \
    cargo clippy --manifest-path fuzz/Cargo.toml --bins -- -D warnings
