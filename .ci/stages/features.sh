#!/usr/bin/env bash
# Each feature alone, and none, builds without a warning, tests and examples included.
# The names are read from Cargo.toml, so that a new feature cannot be forgotten here.
source "$(dirname "$0")/../lib.sh"
need_rust
mapfile -t features < <(
    sed -n '/^\[features\]/,/^\[/s/^\([a-z][a-z0-9_-]*\) *=.*/\1/p' Cargo.toml | grep -vx default
)
[ ${#features[@]} -ge 6 ] || die "found only ${#features[@]} features in Cargo.toml"
for feature in '' "${features[@]}"; do
    say "features: ${feature:-none}"
    cargo clippy -q -p edgewake --all-targets --no-default-features --features "$feature" \
        -- -D warnings
done
# All of them together: the stage clippy.
