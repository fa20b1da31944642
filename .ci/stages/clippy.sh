#!/usr/bin/env bash
# No warning from rustc or clippy: everything on, then what a user gets by default.
source "$(dirname "$0")/../lib.sh"
need_rust
cargo clippy --workspace --all-targets --all-features -- -D warnings
cargo clippy --workspace --all-targets -- -D warnings
