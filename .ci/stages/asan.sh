#!/usr/bin/env bash
# The whole suite under AddressSanitizer and LeakSanitizer: no use of freed or foreign memory, and
# nothing left allocated at the end of any test program. Documentation tests are not run: each
# would be a program of its own, and what they show the suite does.
source "$(dirname "$0")/../lib.sh"
source "$ROOT/.ci/sanitize/lib.sh"
need_sanitizers address
need_peers
need_readelf
need_namespaces
sanitized /usr/bin/cargo build -q --manifest-path "$SANITIZE/canary/Cargo.toml"
canary
canary use-after-free heap-use-after-free
canary leak 'detected memory leaks'
run_suite 1000 --lib --tests
