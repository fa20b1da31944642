#!/usr/bin/env bash
# The documentation builds without a warning, with the private items too: no link is broken.
source "$(dirname "$0")/../lib.sh"
need_rust
export RUSTDOCFLAGS="${RUSTDOCFLAGS:-} -D warnings"
cargo doc --workspace --no-deps --all-features
CARGO_TARGET_DIR=$CI_DIR/doc-private \
    cargo doc --workspace --no-deps --all-features --document-private-items
