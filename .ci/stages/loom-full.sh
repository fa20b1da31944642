#!/usr/bin/env bash
# The loom models again, their threads interrupted once more than the gate has time for; and, with
# one interruption, in the orders too that loom leaves out by itself (src/sync/accesses.rs).
set -euo pipefail
EDGEWAKE_LOOM_MORE=1 bash "$(dirname "$0")/loom.sh"
EDGEWAKE_LOOM_ORDERED=1 exec bash "$(dirname "$0")/loom.sh"
