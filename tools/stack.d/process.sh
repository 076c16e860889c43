# shellcheck shell=bash disable=SC2034,SC2154
# Processes of a stack: how one is described, started, recognised and ended. A process is known by its id together with its
# start time from /proc, so that an id which the kernel gave to somebody else meanwhile is never signalled.
#
#   state/NAME.start   environment and command, read again by `start NAME`; mode 600, it holds secrets
#   state/NAME.birth   start time of the process in pids/NAME
#   state/NAME.ready   URL that answers once it is ready (programs only)

STACK_TIMEOUT=${STACK_TIMEOUT:-60}

# RUN_AS: words put in front of each command. Root hands over to an unprivileged user, because initdb refuses root and
# because nothing here needs it.
find_runner() {
    RUN_AS=()
    RUN_USER=''
    [ "$(id -u)" = 0 ] || return 0
    RUN_USER=${STACK_USER:-postgres}
    id "$RUN_USER" >/dev/null 2>&1 || die "there is no user $RUN_USER to run as (make deps installs PostgreSQL, which brings it)"
    RUN_AS=(setpriv "--reuid=$RUN_USER" "--regid=$(id -gn "$RUN_USER")" --init-groups --inh-caps=-all --no-new-privs --)
}

# as_user COMMAND...: by the unprivileged user where root started the stack.
as_user() { "${RUN_AS[@]}" "$@"; }
give_to_user() { [ -z "$RUN_USER" ] || chown -h "$RUN_USER:" "$@"; }

# describe NAME READY_URL COMMAND...: the environment is the one of this moment, so call it where that is complete.
describe() {
    local name=$1 ready=$2 variable
    shift 2
    (
        umask 077
        {
            for variable in $(compgen -e); do
                case $variable in BASHOPTS | SHELLOPTS | SHLVL | PWD | OLDPWD | _ | MAKEFLAGS | MAKELEVEL | MFLAGS) continue ;; esac
                printf 'export %s=%q\n' "$variable" "${!variable}"
            done
            printf 'command=('
            printf ' %q' "$@"
            printf ' )\n'
        } >"$STATE/$name.start"
        [ -z "$ready" ] || printf '%s\n' "$ready" >"$STATE/$name.ready"
    )
    printf '%s\n' "$name" >>"$STATE/names"
}

# Nothing of the caller may stay open in a process that outlives it: a pipe held open hangs whoever reads its other end.
close_descriptors() {
    local fd
    for fd in "/proc/$BASHPID/fd"/*; do
        fd=${fd##*/}
        if [ "$fd" -gt 2 ] && [ "$fd" != 255 ]; then eval "exec $fd>&-"; fi
    done
}

launch() {
    local name=$1 pid
    (
        trap - INT QUIT TERM
        close_descriptors
        ulimit -c 0
        ulimit -n "$(open_files)"
        cd / || exit 1
        # shellcheck disable=SC2046
        unset $(compgen -e)
        # shellcheck source=/dev/null
        . "$STATE/$name.start"
        exec setsid "${RUN_AS[@]}" "${command[@]}"
    ) </dev/null >>"$DIR/log/$name.log" 2>&1 &
    pid=$!
    disown
    birth_of "$pid" >"$STATE/$name.birth"
    printf '%s\n' "$pid" >"$DIR/pids/$name"
}

open_files() {
    local most
    most=$(ulimit -Hn)
    if [ "$most" = unlimited ] || [ "$most" -gt 65536 ]; then most=65536; fi
    echo "$most"
}

# The state and start time of a process (fields 3 and 22 of /proc/PID/stat; the name before them may hold blanks).
birth_of() {
    local text
    text=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    text=${text##*) }
    # shellcheck disable=SC2086
    set -- $text
    case $1 in Z | X) return 1 ;; esac
    echo "${20}"
}

running() {
    local pid birth
    pid=$(cat "$DIR/pids/$1" 2>/dev/null) && [ -n "$pid" ] || return 1
    birth=$(birth_of "$pid") || return 1
    [ "$birth" = "$(cat "$STATE/$1.birth" 2>/dev/null)" ]
}

any_running() {
    local name
    while read -r name; do
        running "$name" && return 0
    done <"$STATE/names"
    return 1
}

signal() { # NAME SIGNAL
    running "$1" && kill -s "$2" "$(cat "$DIR/pids/$1")" 2>/dev/null
}

# PostgreSQL waits for its clients on TERM and ends in order at once on INT. A stopped process hears only after CONT.
ask_to_end() {
    local signal=TERM
    [ "$1" = postgres ] && signal=INT
    signal "$1" $signal
    signal "$1" CONT
}

wait_ended() { # NAME SECONDS
    local deadline=$((SECONDS + $2))
    while running "$1"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.05
    done
}

stop_one() {
    running "$1" || { say "stack: $1 is not running"; return 0; }
    ask_to_end "$1"
    wait_ended "$1" 10 && return 0
    say "stack: $1 did not end within 10 s of being asked, killing it"
    kill_one "$1"
    return 1
}

kill_one() {
    signal "$1" KILL
    wait_ended "$1" 10
}

# Programs first, all at the same time; the stores when nobody uses them any more.
end_all() {
    local names name failed=0
    [ -f "$STATE/names" ] || return 0
    mapfile -t names < <(tac "$STATE/names")
    for name in "${names[@]}"; do
        case $name in redis | postgres) ;; *) ask_to_end "$name" ;; esac
    done
    for name in "${names[@]}"; do
        if running "$name"; then stop_one "$name" || failed=1; fi
        rm -f "$DIR/pids/$name"
    done
    return $failed
}

tail_log() {
    say "--- the end of $DIR/log/$1.log"
    tail -n 25 "$DIR/log/$1.log" >&2
    say "---"
}

answers() { curl -q -fsS --noproxy '*' -m 2 -o /dev/null "$1" >/dev/null 2>&1; }

# wait_for NAME SECONDS COMMAND...: until the command succeeds; fails at once when the process ends.
wait_for() {
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@"; do
        running "$name" || return 1
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.05
    done
}

# After `start`: a store answers, a program listens. Ready it need not be, its peers may be away on purpose.
wait_started() {
    local url
    case $1 in
    redis | postgres) wait_store "$1" ;;
    *)
        url=$(cat "$STATE/$1.ready")
        url=${url#http://}
        url=${url%%/*}
        wait_for "$1" "$STACK_TIMEOUT" port_open "${url##*:}"
        ;;
    esac
}

# Programs of a sanitizer build write what they found when they end.
sanitizer_reports() {
    local found
    found=$(grep -lE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$DIR"/log/*.log 2>/dev/null) || return 1
    for found in $found; do
        say "stack: the sanitizer found something, see $found"
        grep -m 1 -A 25 -E 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$found" >&2
    done
}
