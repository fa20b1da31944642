#!/usr/bin/env bash
# What an echo, a connection and a program cost, against bench/budget.toml: instructions by
# callgrind, system calls by strace, bytes. `make budget` runs it with --write, which replaces the
# figures.
source "$(dirname "$0")/../lib.sh"
need_rust
apt_install valgrind strace binutils util-linux
export CARGO_TARGET_DIR=$CI_DIR/cost
release=$CARGO_TARGET_DIR/release

# Incremental code is other code; and what a user sets for his own builds must not be in it.
export CARGO_INCREMENTAL=0
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

# The same profile as the benches have, so that both share the library.
cargo build --release --manifest-path bench/Cargo.toml --bin cost --bin baseline --bin generate
cargo build --release --example echo --config 'profile.release.debug="line-tables-only"'

# The README's server as its reader would build it: a package of its own, cargo's own profile.
small=$CI_DIR/cost-small
mkdir -p "$small/src"
sed -n '/^```rust/,/^```$/p' README.md | sed '/^```$/,$d; 1d' >"$small/src/main.rs"
grep -q 'fn main' "$small/src/main.rs" || die "the README's first program is not there"
cat >"$small/Cargo.toml" <<END
[workspace]
[package]
name = "readme-server"
version = "0.0.0"
edition = "2024"
[dependencies]
edgewake = { path = "$ROOT" }
futures = { version = "0.3", default-features = false }
[profile.release]
strip = true
END
# A panic's place is in the program with its whole path: its length must not be this machine's.
RUSTFLAGS="--remap-path-prefix=$ROOT=/edgewake \
    --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/registry" \
    CARGO_TARGET_DIR=$small/target cargo build --release --manifest-path "$small/Cargo.toml"

# The library's tree without what only builds or tests need, and the names in its manifests.
tree=$(cargo tree --edges normal --prefix none --format '{p}')
crates=$(cut -d ' ' -f 1 <<<"$tree" | sort -u | wc -l)
direct=$(for package in edgewake edgewake-sys; do
    cargo tree -p "$package" --edges normal --depth 1 --prefix depth --format ' {p}'
done | sed -n 's/^1 \([^ ]*\) .*/\1/p' | grep -v '^edgewake' | sort -u | wc -l)

"$release/cost" budget --root "$ROOT" --echo "$release/examples/echo" \
    --small "$small/target/release/readme-server" --crates "$crates" --direct "$direct" "$@"
