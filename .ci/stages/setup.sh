#!/usr/bin/env bash
# Installs at once what the stages would otherwise install one by one, and fetches the crates.
source "$(dirname "$0")/../lib.sh"
apt_install ca-certificates make python3 python3-venv netcat-openbsd socat curl iperf3 \
    valgrind strace binutils util-linux \
    rustc-web cargo-web rust-web-src rust-web-clippy gcc g++ libc6-dev
need_rust
need_zig
need_deny
retry cargo fetch
for package in bench fuzz mutants; do retry cargo fetch --manifest-path $package/Cargo.toml; done
cargo --version
rustc --version
/usr/bin/rustc --version
