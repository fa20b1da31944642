#!/usr/bin/env bash
# The test command of the README, then the same with every feature on.
source "$(dirname "$0")/../lib.sh"
need_rust
need_peers
need_readelf
need_namespaces
cargo test --workspace --no-fail-fast
cargo test --workspace --all-features --no-fail-fast
