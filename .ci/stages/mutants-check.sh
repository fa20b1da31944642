#!/usr/bin/env bash
# The tool that breaks the library (mutants/): no warning, and its lists fit the sources as they are
# now. The runs themselves are the stages mutants-sample and mutants.
source "$(dirname "$0")/../lib.sh"
need_rust
export CARGO_TARGET_DIR=$CI_DIR/mutants/tool
cargo clippy --manifest-path mutants/Cargo.toml --all-targets -- -D warnings
cargo run --quiet --release --manifest-path mutants/Cargo.toml -- \
    check --source "$ROOT" --survivors mutants/survivors.tsv
