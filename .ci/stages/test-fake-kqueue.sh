#!/usr/bin/env bash
# The tests over the kqueue selector, on the fake `kevent` of the sources, on Linux.
source "$(dirname "$0")/../lib.sh"
need_peers
with_cfg kqueue 'edgewake_kqueue="fake"' test --workspace --all-features --no-fail-fast
