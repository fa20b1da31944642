#!/usr/bin/env bash
# Mutation testing of the selectors, the reactor, the driver, the tasks and the wheel (mutants/):
# at least 95 in 100 of what can be broken there are noticed by a test, and what is not has a
# reason in mutants/survivors.tsv.
#
# `mutants.sh K/N` takes the Kth of N parts of the mutants of the epoll build, and asks of it that
# every survivor has a reason.
source "$(dirname "$0")/../lib.sh"
need_rust
shard=${1:-}
place=$CI_DIR/mutants
results=$place/results
rm -rf "$results"
mkdir -p "$results"
CARGO_TARGET_DIR=$place/tool cargo build --quiet --release --manifest-path mutants/Cargo.toml
tool=$place/tool/release/edgewake-mutants

# campaign CONFIGURATION ARGUMENTS...: adds a line a mutant to the results of that name. Many mutants
# do nothing until their time is out, so there are more jobs than cores.
campaign() {
    local name=$1
    shift
    "$tool" run --config "$name" --source "$ROOT" --place "$place/$name" \
        --results "$results/$name.tsv" --jobs 4 "$@"
}

if [ -n "$shard" ]; then
    campaign epoll --shard "$shard"
    "$tool" report --part --survivors mutants/survivors.tsv "$results"/*.tsv
else
    campaign epoll
    campaign kqueue
    # What only an interleaving shows.
    campaign loom --only "$results/epoll.tsv"
    "$tool" report --least 95 --survivors mutants/survivors.tsv "$results"/*.tsv
fi
