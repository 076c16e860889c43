# shellcheck shell=bash disable=SC2154
# What the parts reach alone, on the same machine in the same minutes: without it a figure from a noisy machine says little.
# Sourced by tests/bench/run. Each prints how many a second, or nothing when it could not be measured.

# redis_tool PROGRAM ARGUMENT...: redis-cli or redis-benchmark on the stack's Redis.
redis_tool() {
    local tool=$1 password='' server=${REDIS_URL#*://}
    shift
    [[ $server == *@* ]] && password=${server%@*} && password=${password#*:}
    server=${server##*@}
    server=${server%%/*}
    REDISCLI_AUTH=$password "$tool" -h "${server%:*}" -p "${server##*:}" ${password:+-a "$password"} "$@" 2>/dev/null
}

# References appended to a stream, pipelined, with the stack's own persistence settings.
ceiling_xadd() {
    local reference
    reference=$(printf '%0100d' 7)
    redis_tool redis-cli del bench:ceiling >/dev/null
    redis_tool redis-benchmark -P 50 -c 4 -n "$1" --csv xadd bench:ceiling maxlen '~' 10000 '*' r "$reference" |
        tail -n 1 | sed -n 's/^"[^"]*","\([0-9.]*\)".*/\1/p'
    redis_tool redis-cli del bench:ceiling >/dev/null
}

# Rows like those of accepted events, 100 to a commit, ids in order of time.
ceiling_insert() {
    local url script=$WORK/insert.sql
    url=$("$REPO/tools/stack" database bench_ceiling --dir "$DIR") || return 1
    psql -qX "$url" -c "CREATE TABLE rows (id uuid PRIMARY KEY, tenant_id text, seq bigserial, event_type text, data bytea,
                        accepted_at timestamptz DEFAULT now())" || return 1
    cat >"$script" <<'SQL'
INSERT INTO rows (id, tenant_id, event_type, data)
SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7000'
        || substr(md5(random()::text), 1, 16))::uuid, 'bench', 'user_created', convert_to(repeat('x', 250), 'UTF8')
  FROM generate_series(1, 100);
SQL
    pgbench -n -f "$script" -c 2 -T "$1" "$url" 2>/dev/null | sed -n 's/^tps = \([0-9.]*\).*/\1/p' | head -n 1 |
        awk '{ printf "%.0f\n", $1 * 100 }'
}

# Posts that a server of one process on evhttp reads and answers.
ceiling_evhttp() {
    local pid address result
    rm -f "$WORK/evhttp.out"
    "$BENCH/bare-evhttp" >"$WORK/evhttp.out" &
    pid=$!
    wait_line "$WORK/evhttp.out"
    address=$(sed -n 's/^listening on //p' "$WORK/evhttp.out")
    result=$("$BENCH/load" --url "http://$address/sync/events" --count 1000000 --seconds "$1" --connections 64)
    kill "$pid"
    wait "$pid" 2>/dev/null
    [ "$(field "$result" failed)" != 0 ] || field "$result" rate
}

# Posts that one process on a curl multi handle gets answered by the sink.
ceiling_curl() {
    local result
    result=$("$BENCH/bare-curl" "$SINK_A_URL/api/sync/user/create" "$1" 64) || return 1
    [ "$(field "$result" failed)" != 0 ] || field "$result" rate
}

# wait_line FILE: until it has a line.
wait_line() {
    local i
    for ((i = 0; i < 100; i++)); do
        [ -s "$1" ] && return 0
        sleep 0.05
    done
    return 1
}
