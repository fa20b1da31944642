#!/usr/bin/env bash
# rustfmt agrees with every file, those of the packages beside the workspace too.
source "$(dirname "$0")/../lib.sh"
need_rust
cargo fmt --all --check
for package in bench fuzz mutants; do
    cargo fmt --manifest-path $package/Cargo.toml --all --check
done
