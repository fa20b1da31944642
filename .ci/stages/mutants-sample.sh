#!/usr/bin/env bash
# A part of the mutants (mutants.sh), another one with each commit. All of them are in `make ci-full`.
# Which one it is follows from the commit, so that a run can be repeated: MUTANTS_PART=3 takes the
# fourth.
parts=64
part=${MUTANTS_PART:-$((16#$(git rev-parse --short=7 HEAD 2>/dev/null || echo 0) % parts))}
exec bash "$(dirname "$0")/mutants.sh" "$part/$parts"
