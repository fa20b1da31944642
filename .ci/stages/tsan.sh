#!/usr/bin/env bash
# The tests with several threads under ThreadSanitizer, std built for it too.
#
# Which ones is a rule: the unit tests of both crates, and each file of tests that starts a thread
# or has the pool start one (a look-up of a name does). `tests/support` does not count: its deadline
# moves a whole test into another thread. Nor do the files that take an example program in: its
# clients and its servers have threads to be apart, and take minutes in code that is not optimised.
source "$(dirname "$0")/../lib.sh"
source "$ROOT/.ci/sanitize/lib.sh"
need_sanitizers thread
need_peers
need_namespaces
sanitized /usr/bin/cargo build -q "${STD[@]}" --manifest-path "$SANITIZE/canary/Cargo.toml"
canary
canary race 'data race'

mapfile -t files < <(
    grep -lE 'thread::(spawn|scope|Builder)|spawn_blocking|lookup_host|localhost' tests/*.rs sys/tests/*.rs \
        | xargs grep -L '"\.\./examples/'
)
[ ${#files[@]} -ge 30 ] || die "only these files have several threads: ${files[*]}"
tests=()
for file in "${files[@]}"; do tests+=(--test "$(basename "$file" .rs)"); done
run_suite 380 --lib "${tests[@]}"
