# What the stages asan, tsan and valgrind share. Sourced after lib.sh, never run.
#
# The sanitizers are those of Debian's rustc (RUSTC_BOOTSTRAP lets a stable compiler take -Z), with
# GCC's runtimes: they come with the gcc that links anyway, and print lines of source without
# another program. Reports go to files, not to the screen, because a test may have started a
# process whose output and status it drops: a report of any process fails the stage.
#
# - canary/      mistakes that each tool must catch first, or the stage proves nothing
# - *.skip       tests that a stage leaves out, with the reason
# - *.supp       reports that are not the library's fault, with the reason
# - memory.c     functions that rustc's code calls and GCC 12's runtime has not
# shellcheck shell=bash
SANITIZE=$ROOT/.ci/sanitize

# need_sanitizers KIND: the compiler, and where reports go. KIND is `address` or `thread`.
need_sanitizers() {
    need_cross_rust
    KIND=$1
    SANITIZED=$CI_DIR/$KIND
    REPORTS=$SANITIZED/reports
    HOST=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')
    rm -rf "$REPORTS"
    mkdir -p "$REPORTS"
    # Before anything else that is linked, as it must be the first to be loaded.
    local library flags
    case $KIND in
    address) library=asan flags='' STD=() ;;
    thread)
        # The locks and channels of a std that is not instrumented would look like races.
        STD=("${CROSS_STD[@]}")
        library=tsan flags=-Clink-arg=$SANITIZED/memory.o
        cc -O1 -fPIC -fno-builtin -c "$SANITIZE/memory.c" -o "$SANITIZED/memory.o"
        ;;
    *) die "no sanitizer $KIND" ;;
    esac
    FLAGS="-Zsanitizer=$KIND -Zexternal-clangrt"
    FLAGS+=" -Zpre-link-args=-Wl,--push-state,--no-as-needed,-l$library,--pop-state $flags"
}

# sanitized COMMAND...: with the toolchain and the flags. A target is named so that build scripts
# and macros are built without them.
sanitized() {
    # With more randomness in its addresses than such a runtime knows of, it gives up.
    local fixed=()
    if setarch -R true 2>/dev/null; then fixed=(setarch -R); fi
    cross_env env CARGO_TARGET_DIR="$SANITIZED" CARGO_BUILD_TARGET="$HOST" \
        CARGO_PROFILE_DEV_DEBUG=line-tables-only RUSTFLAGS="${RUSTFLAGS:-} $FLAGS" \
        ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:log_path=$REPORTS/asan" \
        LSAN_OPTIONS="suppressions=$SANITIZE/leaks.supp:print_suppressions=0" \
        TSAN_OPTIONS="suppressions=$SANITIZE/races.supp:log_path=$REPORTS/tsan" \
        "${fixed[@]}" "$@"
}

# canary MISTAKE WORDS: the sanitizer must report it in these words; with no mistake, nothing.
canary() {
    local mistake=${1:-} words=${2:-}
    if [ -z "$mistake" ]; then
        sanitized "$SANITIZED/$HOST/debug/canary" || die "the canary without a mistake failed"
        no_reports
        say "canary: nothing reported where nothing is wrong"
        return 0
    fi
    if sanitized "$SANITIZED/$HOST/debug/canary" "$mistake"; then
        die "the canary's $mistake was not caught"
    fi
    grep -rhm 1 "$words" "$REPORTS" || die "the canary's $mistake was not reported as: $words"
    rm -rf "${REPORTS:?}"/*
}

# no_reports: fails with the reports, if there are any.
no_reports() {
    local reports
    reports=$(find "$REPORTS" -type f | wc -l)
    [ "$reports" -eq 0 ] && return 0
    find "$REPORTS" -type f -exec head -n 60 {} + | tail -n 400
    die "$reports processes reported something; all of it is in $REPORTS"
}

# run_suite AT-LEAST CARGO-ARGUMENTS...: the tests that these select, but for those that
# KIND.skip names. Each of those must exist, and AT-LEAST tests must have passed.
run_suite() {
    local least=$1 log=$SANITIZED/suite.log name skip=() skipped passed
    shift
    while read -r name; do skip+=(--skip "$name"); done < <(
        sed '/^#/d; /^$/d' "$SANITIZE/$KIND.skip"
    )
    sanitized /usr/bin/cargo test --workspace --all-features --no-fail-fast "${STD[@]}" "$@" \
        -- --exact "${skip[@]}" 2>&1 | tee "$log" || { no_reports; die "tests failed"; }
    no_reports
    skipped=$(sum 'filtered out' "$log")
    passed=$(sum passed "$log")
    say "$KIND: $passed tests passed without a report, $skipped left out ($KIND.skip says why)"
    [ "$skipped" -eq $((${#skip[@]} / 2)) ] || die "$KIND.skip names tests that are not there"
    [ "$passed" -ge "$least" ] || die "$least tests should have been run"
}

# sum WORDS LOG: adds up what stands before WORDS in libtest's summaries.
sum() {
    sed -n "s/^test result: .* \([0-9]*\) $1.*/\1/p" "$2" | awk '{ sum += $1 } END { print sum + 0 }'
}
