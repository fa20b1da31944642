#!/usr/bin/env bash
# The loom models with one preemption more than the gate allows them.
LOOM_MAX_PREEMPTIONS=4 exec bash "$(dirname "$0")/loom.sh"
