# shellcheck shell=bash disable=SC2034,SC2154
# The programs of a stack: which there are, what they are told, and when they count as ready. They read everything from the
# environment; only what a process is (its platform) stands in its command line.

PLATFORMS='bizoholic coreldove bizosaas'
STAGES='api-gateway router worker resolver monitor'

url_variable() {
    case $1 in
    bizoholic) echo BIZOHOLIC_FRONTEND_URL ;;
    coreldove) echo CORELDOVE_FRONTEND_URL ;;
    bizosaas) echo BIZOSAAS_BRAIN_URL ;;
    esac
}

check_replicas() {
    local entry name known
    known=" $STAGES worker-${PLATFORMS// / worker-} "
    for entry in ${REPLICAS//,/ }; do
        name=${entry%%=*}
        [[ $entry =~ ^[a-z-]+=[0-9]+$ && $known == *" $name "* ]] ||
            die "--replicas takes NAME=NUMBER,... with the names$known, not '$entry'"
    done
}

# replicas NAME: how many of it; worker-coreldove falls back on worker, everything on one.
replicas() {
    local entry wide=1 narrow=''
    for entry in ${REPLICAS//,/ }; do
        [ "${entry%%=*}" = "$1" ] && narrow=${entry#*=}
        [ "${entry%%=*}" = "${1%%-*}" ] && wide=${entry#*=}
    done
    echo "${narrow:-$wide}"
}

find_programs() {
    PROGRAMS=${BIN_DIR:-$REPO/build${SAN:+-san}/bin}
    case $PROGRAMS in /*) ;; *) PROGRAMS=$PWD/$PROGRAMS ;; esac
}

check_programs() {
    local stage platform wanted=''
    [ "$command" = up ] || return 0
    find_programs
    for stage in api-gateway router resolver monitor; do
        [ "$(replicas $stage)" = 0 ] || wanted+=" $stage"
    done
    for platform in $PLATFORMS; do
        local variable
        variable=$(url_variable "$platform")
        [ "$(replicas "worker-$platform")" = 0 ] || wanted+=" worker"
        [ -n "${!variable:-}" ] || wanted+=" fake-platform"
    done
    for stage in $wanted; do
        [ -x "$PROGRAMS/$stage" ] || die "there is no program $PROGRAMS/$stage; run: make${SAN:+ SAN=1}"
    done
}

# A checkout in somebody's home is out of reach for the unprivileged user: it gets copies of what it has to read.
bring_within_reach() {
    local first
    PLATFORM_FILES=${PLATFORM_DIR:-$REPO/config/platforms}
    case $PLATFORM_FILES in /*) ;; *) PLATFORM_FILES=$PWD/$PLATFORM_FILES ;; esac
    [ -d "$PLATFORM_FILES" ] || give_up "there is no directory $PLATFORM_FILES with a file for each platform (PLATFORM_DIR)"
    first=$(printf '%s\n' "$PROGRAMS"/* | head -n 1)
    if as_user test -x "$first" && as_user test -r "$PLATFORM_FILES"; then return 0; fi
    rm -rf "$PLACE/redis/programs"
    if ! { mkdir "$PLACE/redis/programs" && cp -r "$PROGRAMS" "$PLACE/redis/programs/bin" &&
        cp -r "$PLATFORM_FILES" "$PLACE/redis/programs/platforms" && chmod -R a+rX "$PLACE/redis/programs"; }; then
        give_up "cannot copy the programs to $PLACE"
    fi
    chmod 711 "$PLACE/redis"
    PROGRAMS=$PLACE/redis/programs/bin
    PLATFORM_FILES=$PLACE/redis/programs/platforms
}

start_programs() {
    local platform stage
    FIRST_API_URL=''
    API_URLS=''
    METRICS_URLS=''
    METRICS_LINES=''
    PLATFORM_LINES=''
    bring_within_reach
    unset DATABASE_WRITER_URL DATABASE_READER_URL DATABASE_URL_FILE DATABASE_WRITER_URL_FILE DATABASE_READER_URL_FILE REDIS_URL_FILE
    export ENVIRONMENT=${ENVIRONMENT:-development} PLATFORM_DIR=$PLATFORM_FILES DATABASE_URL REDIS_URL
    for platform in $PLATFORMS; do
        start_fake_platform "$platform"
    done
    start_fault_proxy
    start_fake_saleor
    start_replicas api-gateway
    start_replicas router
    for platform in $PLATFORMS; do
        start_replicas "worker-$platform" worker --platform "$platform"
    done
    start_replicas resolver
    start_replicas monitor
    await_programs
}

start_fake_platform() {
    local variable port
    variable=$(url_variable "$1")
    if [ -z "${!variable:-}" ]; then
        take_port port
        export "$variable=http://127.0.0.1:$port"
        # shellcheck disable=SC2086
        describe "fake-platform-$1" "http://127.0.0.1:$port/received" "$PROGRAMS/fake-platform" --name "$1" \
            --listen "127.0.0.1:$port" ${FAKE_PLATFORM_OPTIONS:-}
        launch "fake-platform-$1"
    fi
    PLATFORM_LINES+="$variable='${!variable}'"$'\n'
}

# start_replicas NAME [PROGRAM ARGUMENT...]: as many as were asked for.
start_replicas() {
    local name=$1 count i
    shift
    [ $# -gt 0 ] || set -- "$name"
    count=$(replicas "$name")
    for ((i = 1; i <= count; i++)); do
        if [ "$i" = 1 ]; then start_program "$name" "$@"; else start_program "$name-$i" "$@"; fi
    done
}

start_program() {
    local name=$1 program=$2 port metrics_port ready
    shift 2
    take_port metrics_port
    export METRICS_ADDR=127.0.0.1:$metrics_port
    ready=http://127.0.0.1:$metrics_port/readyz
    unset LISTEN_ADDR
    if [ "$program" = api-gateway ]; then
        if [ "$name" = api-gateway ] && [ -n "$GATEWAY_PORT" ]; then port=$GATEWAY_PORT; else take_port port; fi
        export LISTEN_ADDR=127.0.0.1:$port
        ready=http://127.0.0.1:$port/readyz
        FIRST_API_URL=${FIRST_API_URL:-http://127.0.0.1:$port}
        API_URLS+="${API_URLS:+ }http://127.0.0.1:$port"
    fi
    METRICS_URLS+="${METRICS_URLS:+ }http://127.0.0.1:$metrics_port/metrics"
    METRICS_LINES+="METRICS_URL_${name//-/_}='http://127.0.0.1:$metrics_port/metrics'"$'\n'
    describe "$name" "$ready" "$PROGRAMS/$program" "$@"
    launch "$name"
}

# add_replica NAME-N: described as NAME is, with ports of its own; nothing when there is no such NAME. DIR/env tells them.
add_replica() {
    local name=$1 first=${1%-*} port metrics_port TOO_MANY_PORTS=die # nothing that runs ends for it
    [[ $name =~ ^[a-z-]+-[2-9][0-9]*$ || $name =~ ^[a-z-]+-1[0-9]+$ ]] || return 0
    case $first in api-gateway | router | resolver | monitor | worker-*) ;; *) return 0 ;; esac
    grep -qxF -- "$first" "$STATE/names" || return 0
    NEXT_PORT=$(cat "$STATE/ports")
    END_PORT=$((NEXT_PORT + BLOCK_SIZE))
    unused_port metrics_port
    (
        umask 077
        sed "s|^export METRICS_ADDR=.*|export METRICS_ADDR=127.0.0.1:$metrics_port|" "$STATE/$first.start" >"$STATE/$name.start"
        echo "http://127.0.0.1:$metrics_port/readyz" >"$STATE/$name.ready"
    )
    if [ "$first" = api-gateway ]; then
        unused_port port
        sed -i "s|^export LISTEN_ADDR=.*|export LISTEN_ADDR=127.0.0.1:$port|" "$STATE/$name.start"
        echo "http://127.0.0.1:$port/readyz" >"$STATE/$name.ready"
        sed -i "s|^\(API_URLS='.*\)'\$|\1 http://127.0.0.1:$port'|" "$DIR/env"
    fi
    sed -i "s|^\(METRICS_URLS='.*\)'\$|\1 http://127.0.0.1:$metrics_port/metrics'|" "$DIR/env"
    echo "METRICS_URL_${name//-/_}='http://127.0.0.1:$metrics_port/metrics'" >>"$DIR/env"
    echo "$name" >>"$STATE/names"
}

await_programs() {
    local name names
    mapfile -t names <"$STATE/names"
    for name in "${names[@]}"; do
        [ -s "$STATE/$name.ready" ] || continue
        wait_for "$name" "$STACK_TIMEOUT" answers "$(cat "$STATE/$name.ready")" && continue
        tail_log "$name"
        running "$name" || give_up "$name has ended; its log is above"
        give_up "$name is not ready after $STACK_TIMEOUT s ($(cat "$STATE/$name.ready")); its log is above"
    done
}

write_env() {
    (
        umask 077
        {
            [ -z "${FIRST_API_URL:-}" ] || echo "API_URL='$FIRST_API_URL'"
            [ -z "${API_URLS:-}" ] || echo "API_URLS='$API_URLS'"
            echo "DATABASE_URL='$DATABASE_URL'"
            echo "DATABASE_ADMIN_URL='$ADMIN_URL'"
            echo "REDIS_URL='$REDIS_URL'"
            printf "JWT_SECRET='%s'\n" "${JWT_SECRET//\'/\'\\\'\'}"
            printf '%s' "${PLATFORM_LINES:-}"
            printf '%s' "${SALEOR_LINES:-}"
            printf '%s' "${FAULT_LINES:-}"
            [ -z "${METRICS_URLS:-}" ] || echo "METRICS_URLS='$METRICS_URLS'"
            printf '%s' "${METRICS_LINES:-}"
        } >"$DIR/env.new"
    )
    mv -f "$DIR/env.new" "$DIR/env"
}

from_env() { sed -n "s/^$1='\(.*\)'\$/\1/p" "$DIR/env"; }
