#!/usr/bin/env bash
# rustc and clippy without a warning for every system that edgewake names, tests included, but for
# NetBSD and OpenBSD: the stage cross-link compiles all of these, and has no warning of rustc either.
# `cross-check.sh TARGET...` does some. What the table of sys/build.rs accepts belongs in here or
# there.
source "$(dirname "$0")/../lib.sh"
need_cross_rust
# Lints that the other clippy does not know yet, so that the sources cannot answer them:
# manual_noop_waker takes a waker for a no-op whose identity or drop is what a test looks at.
NEWER=(-A clippy::manual_noop_waker)
targets=("$@")
[ $# -gt 0 ] || targets=(
    aarch64-apple-darwin aarch64-apple-ios x86_64-unknown-freebsd x86_64-unknown-dragonfly
    aarch64-linux-android x86_64-unknown-linux-musl
)
for target in "${targets[@]}"; do
    say "$target"
    start=$SECONDS
    # clippy reports all that check would, and both would build std once more.
    cross_clippy -q "${CROSS_STD[@]}" --target "$target" --workspace --all-targets --all-features \
        -- -D warnings "${NEWER[@]}"
    say "$target: no warning ($((SECONDS - start)) s)"
done
