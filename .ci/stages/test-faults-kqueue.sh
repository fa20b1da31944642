#!/usr/bin/env bash
# The Nth system call fails over the kqueue selector and the pipe notifier, as NetBSD and OpenBSD
# have them: the sweeps of tests/faults.rs, and the selector's own tests with a fault plan. Then the
# random schedules, fewer of each than over epoll. On the fake `kevent` of the sources, on Linux.
source "$(dirname "$0")/../lib.sh"
cfg='edgewake_faults --cfg edgewake_kqueue="fake" --cfg edgewake_force_pipe'
{
    with_cfg faults-kqueue "$cfg" test --all-features --test faults
    with_cfg faults-kqueue "$cfg" test -p edgewake-sys --all-features --lib kqueue
} 2>&1 | tee "$CI_DIR/faults-kqueue.log"
swept=$(grep -c ': survived [1-9][0-9]* faults of ' "$CI_DIR/faults-kqueue.log") || true
[ "$swept" -ge 26 ] || die "$swept sweeps were made, not 26"
sed -n 's/.*: survived \([0-9]*\) faults of .* dropped at \([0-9]*\) awaits.*/\1 \2/p' \
    "$CI_DIR/faults-kqueue.log" | awk '
    { faults += $1; awaits += $2 }
    END { printf "-- fault sweep over kqueue: %d faults, %d awaits dropped\n", faults, awaits }'
grep -q '^test every_call_is_reached ... ok' "$CI_DIR/faults-kqueue.log" \
    || die "nobody looked whether every call was reached"
grep -q '^test .*kqueue::tests::faults::the_errors_of_kevent ... ok' "$CI_DIR/faults-kqueue.log" \
    || die "the selector's own tests were not run"

seeds=100
EDGEWAKE_SEEDS=$seeds with_cfg faults-kqueue "$cfg" test --all-features --test schedules 2>&1 \
    | tee "$CI_DIR/schedules-kqueue.log"
workloads=$(grep -c '^#\[test\]$' tests/schedules.rs)
[ "$workloads" -ge 12 ] || die "tests/schedules.rs has $workloads workloads, not 12"
ran=$(grep -c "[a-z]: $seeds seeds, [1-9][0-9]* steps, " "$CI_DIR/schedules-kqueue.log") || true
[ "$ran" -eq "$workloads" ] || die "$ran workloads of $workloads ran $seeds seeds"
say "schedules over kqueue: $seeds seeds of $ran workloads"
