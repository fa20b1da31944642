#!/usr/bin/env bash
# Links the test binaries for other systems: Rust never compares `extern "C"` names with the
# system's before that. zig's stubs carry each system's symbols, and their versions.
# `cross-link.sh TARGET...` does some. The binaries' paths are printed, to be run where they can.
source "$(dirname "$0")/../lib.sh"
need_cross_rust
need_zig
targets=("$@")
[ $# -gt 0 ] || targets=(
    aarch64-apple-darwin x86_64-unknown-freebsd x86_64-unknown-netbsd x86_64-unknown-openbsd
)

# Rust's name of a system, in zig's words.
zig_target() {
    case $1 in
    *-apple-darwin) echo "${1%%-*}-macos" ;;
    *-unknown-*) echo "${1%%-*}-${1##*-}" ;;
    *) die "no zig target known for $1" ;;
    esac
}

for target in "${targets[@]}"; do
    say "$target"
    start=$SECONDS
    variable=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_LINKER
    ZIG_TARGET=$(zig_target "$target")
    export ZIG_TARGET "$variable=$ROOT/.ci/zig-cc"
    cross_cargo test --no-run --lib --tests "${CROSS_STD[@]}" --target "$target" \
        --workspace --all-features 2>&1 | tee "$CI_DIR/cross-link.log"
    # A warning about code says where. cargo shows none of the dependencies' and of std's; rustc has
    # one about the machine, on which it finds no SDK of Apple's.
    if grep -q '^ *--> ' "$CI_DIR/cross-link.log"; then die "warnings for $target"; fi
    say "$target: linked ($((SECONDS - start)) s)"
done
