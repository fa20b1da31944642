#!/usr/bin/env bash
# Every interleaving of the lock-free parts, by loom, each model to the end of its bound
# (src/sync/model.rs). Each prints how many it went through; here they are added up. Then all again
# with one interruption, in the orders too that loom leaves out by itself (src/sync/accesses.rs).
# `cargo test loom` alone would also pass with no model in sight: their number is checked.
source "$(dirname "$0")/../lib.sh"
LOOM_TESTS=101
with_cfg loom edgewake_loom test --lib --release --all-features loom 2>&1 | tee "$CI_DIR/loom.log"
tests=$(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$CI_DIR/loom.log")
[ "${tests:-0}" -ge "$LOOM_TESTS" ] || die "${tests:-0} loom tests were run, not $LOOM_TESTS"
# Behind what the test harness has begun to print, perhaps, if there is one thread.
grep -ao 'loom: .* interleavings .*' "$CI_DIR/loom.log" | awk '
    { for (i = 2; i < NF; i++) if ($(i + 1) == "interleavings") { sum += $i; models++ } }
    /without a bound/ { whole++; every += $3 }
    END {
        printf "-- loom: %d interleavings of %d models; ", sum, models
        printf "%d of them whole, without a bound (%d interleavings)\n", whole, every
        if (models < '"$LOOM_TESTS"') exit 1
    }' || die "fewer models than tests have told what they did"
[ -n "${EDGEWAKE_LOOM_ORDERED:-}" ] || EDGEWAKE_LOOM_ORDERED=1 bash .ci/stages/loom.sh
