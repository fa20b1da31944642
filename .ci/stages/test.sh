#!/usr/bin/env bash
# The test command of the README, then what only the features beside the default ones add to it:
# their documentation's examples here, their tests in the stage `asan`, which has every feature on.
source "$(dirname "$0")/../lib.sh"
need_rust
need_peers
need_readelf
need_namespaces
cargo test --workspace --no-fail-fast
cargo test --workspace --all-features --no-fail-fast --doc
