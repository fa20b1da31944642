#!/usr/bin/env bash
# A server at its limit of descriptors, interrupted a thousand times a second, under peers that
# misbehave in every way that bench/src/bin/soak knows, once: `make soak` goes on for longer, and
# without a bound on the connections.
source "$(dirname "$0")/../lib.sh"
need_rust
# The library as the stage `cost` has built it.
export CARGO_TARGET_DIR=$CI_DIR/cost CARGO_INCREMENTAL=0
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
cargo build --release --manifest-path bench/Cargo.toml --bin soak
"$CARGO_TARGET_DIR/release/soak" --minutes 0 --connections 20000 | tee "$CI_DIR/abuse.txt"
# Every line that says what was done, or the stage has not done it.
for line in 'held at once by a server: [1-9]' 'at its limit .* held and served [1-9]' \
    'rounds of abuse.*: [1-9]' 'connections held, nothing to do' 'all peers gone' \
    'soak: all held'; do
    grep -Eq "$line" "$CI_DIR/abuse.txt" || die "soak does not say: $line"
done
