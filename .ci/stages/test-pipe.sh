#!/usr/bin/env bash
# The tests over the pipe notifier, which NetBSD and OpenBSD use and Linux otherwise would not.
source "$(dirname "$0")/../lib.sh"
need_peers
with_cfg pipe edgewake_force_pipe test --workspace --all-features --no-fail-fast
