#!/usr/bin/env bash
# The fuzz targets (fuzz/), guided by coverage, two at a time, FUZZ_SECONDS each: long enough to
# see that they run and that what they found before is right. `make fuzz SECONDS=600` looks for more.
#
#   FUZZ_SECONDS=60 bash .ci/stages/fuzz.sh        every target, a minute each
#   FUZZ_TARGET=wheel bash .ci/stages/fuzz.sh      one of them
#   FUZZ_TARGET=wheel FUZZ_REPLAY=FILE bash .ci/stages/fuzz.sh    one input again
#   FUZZ_SEEDS=1 bash .ci/stages/fuzz.sh           has fuzz/seeds reach what was found to be reached
source "$(dirname "$0")/../lib.sh"
need_rust
# libFuzzer is C++.
command -v c++ >/dev/null || apt_install g++
FUZZ_SECONDS=${FUZZ_SECONDS:-7}
FUZZ_TARGET=${FUZZ_TARGET:-}
HOST=$(rustc -vV | sed -n 's/^host: //p')
WORK=$CI_DIR/fuzz
ARTIFACTS=$ROOT/fuzz/artifacts
mkdir -p "$WORK/logs" "$ARTIFACTS"

# Each with the edges that it must reach at the least: fewer, and it has lost its way to the code.
# Its seeds alone reach a quarter more, and twice as many with AddressSanitizer, which adds edges.
# `events-kqueue` is `events` over the kqueue selector, on the fake kevent.
TARGETS=(
    buffers:130 cmsg:500 events:850 events-kqueue:850 names:150 slots:380 sockaddr:300 times:60
    values:270 wheel:440
)
# So many executions at the least, whatever the time: fewer say nothing.
LEAST=300

# What rustc adds for libFuzzer. AddressSanitizer comes along where the toolchain ships its
# runtime: rustup's do, Debian's does not. (The flag is not stable, hence the bootstrap variable.)
FLAGS="--cfg edgewake_fuzz -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
FLAGS+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
FLAGS+=" -Cllvm-args=-sanitizer-coverage-pc-table"
FLAGS+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
if compgen -G "$(rustc --print target-libdir)/librustc*_rt.asan.a" >/dev/null; then
    export RUSTC_BOOTSTRAP=1
    FLAGS+=" -Zsanitizer=address"
    # Not libFuzzer itself, which the crate `cc` would instrument too: nobody tests that here, and
    # it costs time to build and to run.
    export CXXFLAGS="${CXXFLAGS:-} -fno-sanitize=address"
else
    say "without AddressSanitizer, which this toolchain does not ship"
fi

# build DIRECTORY CFG CARGO-ARGUMENTS...
build() {
    local directory=$1 cfg=$2
    shift 2
    RUSTFLAGS="$FLAGS $cfg" CARGO_TARGET_DIR=$WORK/$directory \
        cargo build --quiet --release --target "$HOST" --manifest-path fuzz/Cargo.toml "$@"
}

build_all() {
    local library
    build epoll '' --bins
    # What takes the longest, libFuzzer itself, is the same for both.
    library=${CUSTOM_LIBFUZZER_PATH:-}
    if [ -z "$library" ]; then
        # The newest: with other flags, cargo keeps what it built before as well.
        library=$(find "$WORK/epoll/$HOST/release/build" -name libfuzzer.a -printf '%T@ %p\n' \
            | sort -rn | sed -n '1s/^[^ ]* //p')
    fi
    [ -n "$library" ] || die "no libfuzzer.a was built"
    CUSTOM_LIBFUZZER_PATH=$library build kqueue '--cfg edgewake_kqueue="fake"' --bin events
}

# binary TARGET: where its program is.
binary() {
    case $1 in
    events-kqueue) echo "$WORK/kqueue/$HOST/release/events" ;;
    *) echo "$WORK/epoll/$HOST/release/$1" ;;
    esac
}

# seeds TARGET: its checked-in inputs.
seeds() { echo "$ROOT/fuzz/seeds/$1"; }

# fuzz TARGET: runs it; its output goes to its log. What it finds stays in target/ci for the next.
fuzz() {
    local target=$1
    mkdir -p "$WORK/corpus/$target"
    "$(binary "$target")" -max_total_time="$FUZZ_SECONDS" -max_len=1024 -len_control=0 \
        -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="$ARTIFACTS/$target-" "$WORK/corpus/$target" "$(seeds "$target")" \
        >"$WORK/logs/$target.log" 2>&1
}

# report TARGET EDGES STATUS: one line of figures, or what went wrong and how to see it again.
report() {
    local target=$1 least=$2 status=$3 log=$WORK/logs/$1.log runs edges all features input
    if [ "$status" -ne 0 ]; then
        grep -v '^#' "$log" | tail -n 60
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        die "$target: exit code $status. To see it again:
    make fuzz TARGET=$target REPLAY=${input#"$ROOT"/}"
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    read -r edges features < <(
        sed -n 's/.* cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 \2/p' "$log" | tail -n 1) || true
    all=$(sed -n 's/.*(\([0-9]*\) inline 8-bit counters).*/\1/p' "$log" | head -n 1)
    say "fuzz $target: ${runs:-0} executions, ${edges:-0} of ${all:-0} edges," \
        "${features:-0} features, $(find "$WORK/corpus/$target" -type f | wc -l) inputs kept"
    [ "${runs:-0}" -ge "$LEAST" ] || die "$target: fewer than $LEAST executions"
    [ "${edges:-0}" -ge "$least" ] || die "$target: fewer than $least edges"
    total=$((total + runs))
}

# grow_seeds TARGET: replaces its seeds by a few inputs that together reach every edge that the
# seeds and what was found reach.
grow_seeds() {
    local target=$1 cover=$WORK/cover
    rm -rf "$cover"
    mkdir -p "$cover" "$WORK/corpus/$target" "$(seeds "$target")"
    "$(binary "$target")" -use_counters=0 -set_cover_merge=1 "$cover" "$(seeds "$target")" \
        "$WORK/corpus/$target" >"$WORK/logs/$target.merge" 2>&1
    rm -rf "$(seeds "$target")"
    cp -r "$cover" "$(seeds "$target")"
    say "$target: $(find "$cover" -type f | wc -l) seeds, $(du -sb "$cover" | cut -f 1) bytes"
}

build_all
total=0
chosen=()
for entry in "${TARGETS[@]}"; do
    if [ -z "$FUZZ_TARGET" ] || [ "${entry%:*}" = "$FUZZ_TARGET" ]; then chosen+=("$entry"); fi
done
[ ${#chosen[@]} -gt 0 ] || die "no target $FUZZ_TARGET: ${TARGETS[*]%:*}"
if [ -n "${FUZZ_REPLAY:-}" ]; then
    [ ${#chosen[@]} -eq 1 ] || die "an input is replayed by one target: TARGET=NAME"
    exec "$(binary "$FUZZ_TARGET")" "$FUZZ_REPLAY"
fi
if [ -n "${FUZZ_SEEDS:-}" ]; then
    for entry in "${chosen[@]}"; do grow_seeds "${entry%:*}"; done
    exit 0
fi
for entry in "${chosen[@]}"; do [ -d "$(seeds "${entry%:*}")" ] || die "${entry%:*}: no seeds"; done

# Two at a time: as many as the gate's machine has processors.
for ((at = 0; at < ${#chosen[@]}; at += 2)); do
    pair=("${chosen[@]:at:2}")
    jobs=() codes=()
    for entry in "${pair[@]}"; do
        fuzz "${entry%:*}" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do
        code=0
        wait "$job" || code=$?
        codes+=("$code")
    done
    for nth in "${!pair[@]}"; do
        report "${pair[nth]%:*}" "${pair[nth]#*:}" "${codes[nth]}"
    done
done
say "fuzz: ${#chosen[@]} targets, $FUZZ_SECONDS s each, $total executions"
