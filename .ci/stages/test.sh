#!/usr/bin/env bash
# The test command of the README, then the same with every feature on.
source "$(dirname "$0")/../lib.sh"
need_rust
cargo test --workspace
cargo test --workspace --all-features
