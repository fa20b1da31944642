#!/usr/bin/env bash
# Tests of tasks under memcheck: no wrong access of a task's cell, and not one block that is left
# at the end, reachable or not. The unit tests of src/task, which need no runtime, and those of its
# public side.
source "$(dirname "$0")/../lib.sh"
source "$ROOT/.ci/sanitize/lib.sh"
need_rust
apt_install valgrind
# The printing of a backtrace leaves its tables behind.
export RUST_BACKTRACE=0
log=$CI_DIR/valgrind.log
TESTS=(task_cancel task_join task_panic waker_drop)

memcheck() {
    valgrind --quiet --error-exitcode=99 --fair-sched=yes --num-callers=25 --leak-check=full \
        --show-leak-kinds=all --errors-for-leak-kinds=all \
        --suppressions="$SANITIZE/memcheck.supp" "$@"
}

# caught MISTAKE WORDS: memcheck ends the canary with its own code, and says these words.
caught() {
    local status=0
    memcheck "$canary" "$1" >"$log" 2>&1 || status=$?
    [ $status -eq 99 ] || { cat "$log"; die "the canary's $1 was not caught"; }
    grep -m 1 "$2" "$log" || die "the canary's $1 was not reported as: $2"
}

cargo build -q --manifest-path "$SANITIZE/canary/Cargo.toml" --target-dir "$CI_DIR/canary"
canary=$CI_DIR/canary/debug/canary
caught use-after-free 'Invalid read of size 8'
caught leak 'definitely lost'

# Binaries as the stage `test` has them; each name of the list must be found.
cargo test --workspace --all-features --lib "${TESTS[@]/#/--test=}" --no-run \
    --message-format=json-render-diagnostics >"$CI_DIR/valgrind.json"
: >"$log"
for name in edgewake "${TESTS[@]}"; do
    binary=$(sed -n 's/.*"name":"'"$name"'",.*"executable":"\([^"]*\)".*/\1/p' \
        "$CI_DIR/valgrind.json")
    [ -x "$binary" ] || die "cargo named no test binary of $name: $binary"
    filter=()
    if [ "$name" = edgewake ]; then filter=(task::); fi
    memcheck "$binary" "${filter[@]}" --test-threads=1 2>&1 | tee -a "$log"
done
passed=$(sum passed "$log")
[ "$passed" -ge 30 ] || die "only $passed tests were run"
say "valgrind: $passed tests passed without an error and without a block left"
