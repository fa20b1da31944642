#!/usr/bin/env bash
# The dependencies (deny.toml): what a user gets is on the list, and everything that is built here
# has a permissive licence and comes from the registry that cargo has by default.
#
# `deny.sh advisories` asks the RustSec database as well, which it clones: the workflow does, since
# a gate that anybody can run without that network must not depend on it.
source "$(dirname "$0")/../lib.sh"
need_rust
need_deny
"$DENY" --exclude-dev check bans
"$DENY" check licenses sources
for package in bench fuzz mutants; do
    "$DENY" --config deny.toml --manifest-path $package/Cargo.toml check licenses sources
done
if [ "${1:-}" = advisories ]; then
    retry "$DENY" check advisories
fi
