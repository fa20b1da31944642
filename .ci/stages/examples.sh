#!/usr/bin/env bash
# Starts the example programs as the README says and drives them with nc, socat, curl, iperf3 and
# `load`.
source "$(dirname "$0")/../lib.sh"
need_rust
apt_install netcat-openbsd socat curl iperf3
work=$(mktemp -d)
server=
iperf=

stop_all() {
    if [ -n "$server" ]; then kill -KILL -- "-$server" 2>/dev/null || true; fi
    if [ -n "$iperf" ]; then kill -KILL "$iperf" 2>/dev/null || true; fi
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

# fetch ARGUMENTS...: curl without a proxy of the machine's.
fetch() { timeout 60 curl -sS --noproxy '*' "$@"; }

# answers STATUS ARGUMENTS...: what the file server must say to curl.
answers() {
    local expected=$1 status
    shift
    status=$(fetch -o "$work/answer" -w '%{http_code}' "$@") || die "curl $*: exit code $?"
    [ "$status" = "$expected" ] || die "curl $*: status $status instead of $expected"
}

# serve_files METHOD: the file server, asked by curl.
serve_files() {
    local files=http://127.0.0.1 sum expected number fetches=()
    start_server --example static_files -- "$work/files" --listen 127.0.0.1:0 --method "$1" --quiet
    files=$files:$port
    expected=$(sha256sum <"$work/files/large")
    sum=$(fetch "$files/large" | sha256sum)
    [ "$sum" = "$expected" ] || die "static_files --method $1: 64 MiB came changed"
    for number in 1 2 3 4; do
        fetch -f -o "$work/part$number" "$files/large" &
        fetches+=($!)
    done
    for number in "${fetches[@]}"; do wait "$number" || die "curl in parallel: exit code $?"; done
    for number in 1 2 3 4; do
        cmp "$work/part$number" "$work/files/large" || die "static_files: changed in parallel"
        rm "$work/part$number"
    done
    say "static_files --method $1: 64 MiB came whole, also four times at once"
    # A part, and the rest of a file whose beginning is there.
    answers 206 -r 1000-1999 "$files/large"
    cmp "$work/answer" <(tail -c +1001 "$work/files/large" | head -c 1000)
    head -c 1000000 "$work/files/large" >"$work/resumed"
    fetch -C - -o "$work/resumed" "$files/large"
    cmp "$work/resumed" "$work/files/large" || die "static_files: what was resumed is not the file"
    answers 200 -I "$files/large"
    grep -qi '^Content-Length: 67108864' "$work/answer" || die "static_files: HEAD has no length"
    answers 416 -r 67108864- "$files/large"
    answers 304 -z "$work/files/large" "$files/large"
    answers 405 -X POST "$files/large"
    answers 431 -H "A: $(head -c 20000 /dev/zero | tr '\0' a)" "$files/large"
    answers 200 "$files/"
    grep -q '&lt;b&gt;' "$work/answer" || die "static_files: a name in the listing is not escaped"
    for path in /../secret /%2e%2e/secret /..%2fsecret /leak /none; do
        answers 404 --path-as-is "$files$path"
    done
    interrupt "static_files --method $1"
}

# proxies METHOD: what iperf3 sends itself goes through the proxy, in both directions.
proxies() {
    local way to
    # It cannot be told to take any free port.
    for to in $(shuf -i 20000-29999 -n 5) ''; do
        [ -n "$to" ] || die "iperf3 finds no port"
        iperf3 --server --bind 127.0.0.1 --port "$to" >"$work/iperf" 2>&1 </dev/null &
        iperf=$!
        for _ in $(seq 50); do
            if nc -z 127.0.0.1 "$to"; then break 2; fi
            kill -0 "$iperf" 2>/dev/null || break
            sleep 0.1
        done
    done
    start_server --example proxy -- --listen tcp:127.0.0.1:0 --connect "tcp:127.0.0.1:$to" \
        --method "$1"
    for way in --reverse --bidir --parallel=4; do
        timeout 60 iperf3 --client 127.0.0.1 --port "$port" --time 1 "$way" >"$work/report" \
            || { cat "$work/report"; die "proxy --method $1, iperf3 $way: exit code $?"; }
        grep -q 'receiver$' "$work/report" || die "proxy --method $1: iperf3 has no result"
        say "proxy --method $1, iperf3 $way:$(grep 'receiver$' "$work/report" | tail -n 1 \
            | cut -c 6-)"
    done
    interrupt "proxy --method $1"
    kill "$iperf"
    wait "$iperf" 2>/dev/null || true
    iperf=
}

seq -f 'line %g of the echo test' 1000 >"$work/lines"
head -c 1048576 /dev/urandom >"$work/random"
cargo build -q --release --example echo --example load --example udp_blast --example handover \
    --example proxy --example static_files
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

for method in auto buffer splice; do proxies "$method"; done

mkdir "$work/files"
head -c 67108864 /dev/urandom >"$work/files/large"
: >"$work/files/<b>"
echo secret >"$work/secret"
ln -s ../secret "$work/files/leak"
for method in sendfile copy; do serve_files "$method"; done

start_server -p edgewake-sys --example raw_echo -- 127.0.0.1:0
echoes 'raw_echo, socat' socat -t 10 - "TCP:127.0.0.1:$port"
echoes 'raw_echo, nc' nc -N 127.0.0.1 "$port"
kill -TERM "$server"
wait "$server" 2>/dev/null || true
server=
say "examples: all answered"
