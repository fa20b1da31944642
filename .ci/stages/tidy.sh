#!/usr/bin/env bash
# The layering and the limits on size, early: they are part of `cargo test` too.
source "$(dirname "$0")/../lib.sh"
need_rust
cargo test --test tidy
