# shellcheck shell=bash disable=SC2034,SC2154
# The fault proxy of a stack (--faults): between the programs and Redis, PostgreSQL and each platform, so that tests can cut, stall
# and delay what they say to each other. Routes: redis, postgres, and the platforms by name; commands: tests/fault-proxy/proxy.h. The
# platforms' URLs in DIR/env lead past it, as tests want to talk to the fake ones.

check_faults() {
    [ "$FAULTS" = no ] || [ "$command" != up ] || [ -x "$PROGRAMS/fault-proxy" ] ||
        die "there is no program $PROGRAMS/fault-proxy; run: make${SAN:+ SAN=1}"
}

# start_fault_proxy: after the stores and the platforms stand, before the programs are told where these are.
start_fault_proxy() {
    FAULT_LINES=''
    [ "$FAULTS" = yes ] || return 0
    local control platform variable routes=()
    take_port control
    FAULT_LINES+="REDIS_DIRECT_URL='$REDIS_URL'"$'\n'
    add_fault_route redis "$REDIS_PORT"
    REDIS_URL=${REDIS_URL/:$REDIS_PORT\//:$ROUTE_PORT/}
    add_fault_route postgres "$POSTGRES_PORT"
    DATABASE_URL=${DATABASE_URL/:$POSTGRES_PORT\//:$ROUTE_PORT/}
    for platform in $PLATFORMS; do
        variable=$(url_variable "$platform")
        [[ ${!variable} =~ ^http://127\.[0-9.]+:[0-9]+$ ]] || continue # somewhere else: as it is
        add_fault_route "$platform" "${!variable##*:}"
        export "$variable=http://127.0.0.1:$ROUTE_PORT"
    done
    FAULT_LINES+="FAULT_PROXY='127.0.0.1:$control'"$'\n'
    describe fault-proxy '' "$PROGRAMS/fault-proxy" --control "127.0.0.1:$control" "${routes[@]}"
    launch fault-proxy
    wait_for fault-proxy "$STACK_TIMEOUT" port_open "$control" || { tail_log fault-proxy; give_up "the fault proxy does not start"; }
}

add_fault_route() { # NAME TARGET_PORT: its own port goes to ROUTE_PORT
    take_port ROUTE_PORT
    routes+=(--route "$1=127.0.0.1:$ROUTE_PORT:127.0.0.1:$2")
}
