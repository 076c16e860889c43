# shellcheck shell=bash disable=SC2154
# What the processes of a stack cost, read from /proc. Sourced by tests/bench/run; $DIR is the stack's directory.

TICK_US=$((1000000 / $(getconf CLK_TCK)))

# field JSON NAME: the number beside the first NAME in one line of JSON.
field() {
    [[ $1 =~ \"$2\":(-?[0-9.]+) ]] && echo "${BASH_REMATCH[1]}"
}

# The names of our own processes, without the stores and the fake platforms.
our_names() {
    local path name
    for path in "$DIR"/pids/*; do
        name=${path##*/}
        case $name in redis | postgres | fake-platform*) ;; *) echo "$name" ;; esac
    done
}

# ticks PID [with-reaped]: user and system time; with-reaped adds that of children that have ended.
ticks() {
    local line fields sum
    line=$(cat "/proc/$1/stat" 2>/dev/null) || { echo 0; return; }
    read -ra fields <<<"${line##*) }"
    sum=$((fields[11] + fields[12]))
    [ -z "${2:-}" ] || sum=$((sum + fields[13] + fields[14]))
    echo "$sum"
}

postgres_ticks() {
    local master child children sum
    master=$(cat "$DIR/pids/postgres")
    sum=$(ticks "$master" with-reaped)
    read -ra children <"/proc/$master/task/$master/children"
    for child in "${children[@]}"; do
        sum=$((sum + $(ticks "$child")))
    done
    echo "$sum"
}

# cpu_now: one "NAME TICKS" a line, of every process that takes part.
cpu_now() {
    local name
    for name in $(our_names); do
        echo "$name $(ticks "$(cat "$DIR/pids/$name")")"
    done
    echo "postgres $(postgres_ticks)"
    echo "redis $(ticks "$(cat "$DIR/pids/redis")")"
    echo "sinks $(($(ticks "$SINK_A_PID") + $(ticks "$SINK_B_PID")))"
}

# cpu_between BEFORE AFTER: "NAME MICROSECONDS" of each.
cpu_between() {
    awk -v tick="$TICK_US" 'NR == FNR { before[$1] = $2; next } { print $1, ($2 - before[$1]) * tick }' "$1" "$2"
}

# sample_memory FILE: appends "NAME KB" of our processes every second until it is ended.
sample_memory() {
    local name
    while :; do
        for name in $(our_names); do
            awk -v name="$name" '$1 == "Pss:" { print name, $2 }' "/proc/$(cat "$DIR/pids/$name")/smaps_rollup" 2>/dev/null
        done
        echo round 0
        sleep 1
    done >>"$1"
}

# The highest of each process and of all together, from such samples.
memory_peaks() {
    awk '$1 == "round" { if (sum > total) total = sum; sum = 0; next }
         { sum += $2; if ($2 > peak[$1]) peak[$1] = $2 }
         END { for (name in peak) print name, peak[name] | "sort"; close("sort"); print "together", total }' "$1"
}
