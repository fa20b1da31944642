#!/usr/bin/env bash
# Starts the example programs as the README says and drives them with nc, socat and `load`.
source "$(dirname "$0")/../lib.sh"
need_rust
apt_install netcat-openbsd socat
work=$(mktemp -d)
server=

stop_all() {
    if [ -n "$server" ]; then kill -KILL -- "-$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap stop_all EXIT

# start_server CARGO-ARGUMENTS...: runs an example and waits for its `listening on …:PORT` line.
# Sets `server` (its process) and `port`.
start_server() {
    : >"$work/log"
    # Job control gives the server a process group of its own, and the default action on SIGINT:
    # a shell without it starts its background jobs with SIGINT ignored.
    set -m
    cargo run -q --release "$@" >"$work/log" 2>&1 </dev/null &
    server=$!
    set +m
    port=
    for _ in $(seq 100); do
        port=$(sed -n 's/^listening on [^ ]*:\([0-9][0-9]*\).*/\1/p' "$work/log" | head -n 1)
        [ -z "$port" ] || break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    if [ -z "$port" ]; then
        cat "$work/log"
        die "no line 'listening on …:PORT' from: cargo run --release $*"
    fi
    say "$*: port $port"
}

# echoes NAME COMMAND...: what goes into COMMAND must come out of it, byte for byte.
echoes() { echoes_files "lines random" "$@"; }

# echoes_files FILES NAME COMMAND...: the same with some files.
echoes_files() {
    local files=$1 name=$2 file
    shift 2
    for file in $files; do
        timeout 30 "$@" <"$work/$file" >"$work/answer" \
            || die "$name: exit code $? with $file"
        cmp "$work/$file" "$work/answer" || die "$name: $file came back changed"
        say "$name: $file came back whole ($(wc -c <"$work/answer") bytes)"
    done
}

# interrupt: SIGINT must end the server within five seconds with exit code 0.
interrupt() {
    local status=0
    kill -INT "$server"
    for _ in $(seq 50); do
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    if kill -0 "$server" 2>/dev/null; then die "$1: still running 5 s after SIGINT"; fi
    wait "$server" || status=$?
    server=
    [ "$status" -eq 0 ] || { cat "$work/log"; die "$1: exit code $status after SIGINT"; }
    say "$1: SIGINT ended it with exit code 0"
}

# loads TARGET ADDRESS: the load generator must report no error.
loads() {
    timeout 60 cargo run -q --release --example load -- "$@" \
        --connections 100 --size 64 --seconds 2 2>&1 | tee "$work/load" \
        || die "load $1: it failed or ran longer than 60 s"
    grep -Eiq '(^|[^0-9])0 errors|errors[:=]? *0([^0-9]|$)' "$work/load" \
        || die "load $1: its report does not say that there were 0 errors"
}

seq -f 'line %g of the echo test' 1000 >"$work/lines"
head -c 1048576 /dev/urandom >"$work/random"
cargo build -q --release --example echo --example load --example udp_blast --example handover
cargo build -q --release -p edgewake-sys --example raw_echo

abstract=edgewake-ci-$$
start_server --example echo -- --tcp 127.0.0.1:0 --udp 127.0.0.1:0 \
    --unix "$work/echo.socket" --unix "@$abstract"
udp_port=$(sed -n 's/^listening on [^ ]*:\([0-9][0-9]*\) (udp)$/\1/p' "$work/log")
[ -n "$udp_port" ] || die "no line 'listening on …:PORT (udp)'"
echoes 'echo, nc' nc -N 127.0.0.1 "$port"
echoes 'echo, socat' socat -t 10 - "TCP:127.0.0.1:$port"
echoes 'echo, nc on a Unix socket' nc -N -U "$work/echo.socket"
echoes 'echo, socat on a Unix socket' socat -t 10 - "UNIX-CONNECT:$work/echo.socket"
echoes 'echo, socat on an abstract name' socat -t 10 - "ABSTRACT-CONNECT:$abstract"
# Few enough to fit into any buffer; that no more comes can only be waited for.
echoes_files lines 'echo, socat on UDP' socat -t 1 - "UDP:127.0.0.1:$udp_port"
loads tcp "127.0.0.1:$port"
loads udp "127.0.0.1:$udp_port"
loads unix "$work/echo.socket"
interrupt echo
[ ! -e "$work/echo.socket" ] || die "echo: it left its socket's file behind"

timeout 60 cargo run -q --release --example udp_blast -- --seconds 0.5 | tee "$work/blast" \
    || die "udp_blast: it failed or ran longer than 60 s"
[ "$(grep -Ec '^ +(single|batches|segments) +[0-9]' "$work/blast")" -eq 3 ] \
    || die "udp_blast: its table has no line for each way"

timeout 120 cargo run -q --release --example handover -- demo | tee "$work/handover" \
    || die "handover demo: it failed or ran longer than 120 s"
grep -q ': 0 failed requests, 0 lost, 0 repeated$' "$work/handover" \
    || die "handover demo: its report does not say that nothing failed or was lost or repeated"
[ "$(grep -c '^handover [1-5]: took over ' "$work/handover")" -eq 5 ] \
    || die "handover demo: there were not five handovers"

start_server -p edgewake-sys --example raw_echo -- 127.0.0.1:0
echoes 'raw_echo, socat' socat -t 10 - "TCP:127.0.0.1:$port"
echoes 'raw_echo, nc' nc -N 127.0.0.1 "$port"
kill -TERM "$server"
wait "$server" 2>/dev/null || true
server=
say "examples: all answered"
