#!/usr/bin/env bash
# The oldest promised compiler builds everything: library, tests and examples.
#
# The compiler is Debian 12's rustc-web 1.85, unpacked under target/ci beside the newer one that
# is installed. Where that package is gone, clippy's incompatible_msrv lint stands in, which knows
# the library's history but not the language's; the workflow then is the only real check.
source "$(dirname "$0")/../lib.sh"
need_rust
version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
tree=$CI_DIR/rust-$version

unpack_old_rust() {
    [ ! -x "$tree/usr/bin/rustc" ] || return 0
    command -v apt-get >/dev/null || return 1
    apt_lists
    local debian
    debian=$(apt-cache madison rustc-web | sed -n "s/^ *rustc-web | *\($version[.][^ ]*\) .*/\1/p" \
        | head -n 1)
    [ -n "$debian" ] || return 1
    apt_install libllvm19 libpcre3 cargo-web
    say "unpacking rustc-web $debian"
    rm -rf "$tree.part"
    mkdir -p "$tree.part"
    (
        cd "$tree.part"
        retry apt-get download -q "rustc-web=$debian" "cargo-web=$debian" \
            "libstd-rust-web-dev=$debian" "libstd-rust-web-$version=$debian" >/dev/null 2>&1
        for package in *.deb; do dpkg -x "$package" .; done
        rm -f ./*.deb
    )
    mv "$tree.part" "$tree"
}

if unpack_old_rust; then
    export LD_LIBRARY_PATH=$tree/usr/lib/x86_64-linux-gnu RUSTC=$tree/usr/bin/rustc
    export CARGO_TARGET_DIR=$CI_DIR/msrv
    "$RUSTC" --version
    "$tree/usr/bin/cargo" check --workspace --all-targets --all-features
else
    say "Debian has no rustc-web $version any more: linting with incompatible_msrv instead"
    cargo clippy --workspace --all-features -- -D warnings -D clippy::incompatible_msrv
fi
