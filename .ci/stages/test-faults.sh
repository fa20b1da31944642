#!/usr/bin/env bash
# The tests with the Nth system call made to fail (sys/src/syscall.rs), and the random schedules.
source "$(dirname "$0")/../lib.sh"
need_peers
with_cfg faults edgewake_faults test --workspace --all-features --no-fail-fast
