#!/usr/bin/env bash
# The tests with the Nth system call made to fail, and those under random schedules: the unit tests,
# and each file of tests that speaks of faults. To the others nothing is different here.
# (sys/src/syscall.rs)
source "$(dirname "$0")/../lib.sh"
need_peers
mapfile -t files < <(grep -lE 'faults' tests/*.rs sys/tests/*.rs)
[ ${#files[@]} -ge 15 ] || die "only these files make calls fail: ${files[*]}"
tests=()
for file in "${files[@]}"; do tests+=(--test "$(basename "$file" .rs)"); done
with_cfg faults edgewake_faults test --workspace --all-features --no-fail-fast --lib "${tests[@]}"
