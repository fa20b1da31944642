#!/usr/bin/env bash
# Every interleaving, up to a bound, of the lock-free parts, by loom.
# `cargo test loom` alone would also pass with no model in sight: the count is checked.
source "$(dirname "$0")/../lib.sh"
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-3}
with_cfg loom edgewake_loom test --lib --release --all-features loom 2>&1 | tee "$CI_DIR/loom.log"
grep -Eq '^test result: ok\. [1-9]' "$CI_DIR/loom.log" || die "no loom model was run"
