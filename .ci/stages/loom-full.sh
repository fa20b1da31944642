#!/usr/bin/env bash
# The loom models again, their threads interrupted once more than the gate has time for.
EDGEWAKE_LOOM_MORE=1 exec bash "$(dirname "$0")/loom.sh"
