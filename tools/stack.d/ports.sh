# shellcheck shell=bash disable=SC2034,SC2154
# Ports of a stack: one block of 64 neighbours that nobody listens on, below the range from which the kernel takes the ports of
# outgoing connections. While a stack starts, its block is also marked in a directory, so that two stacks starting at the same
# moment do not choose the same; afterwards their listeners are the mark. A directory keeps its block for the next start.

BLOCK_SIZE=64
FIRST_BLOCK_PORT=20032
BLOCKS=190

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

listening_ports() { ss -Hltn 2>/dev/null | awk '{ sub(/.*:/, "", $4); print $4 }'; }

block_free() { # BASE
    local port
    for port in $(listening_ports); do
        if [ "$port" -ge "$1" ] && [ "$port" -lt $(($1 + BLOCK_SIZE)) ]; then return 1; fi
    done
}

# The mark says which process holds it: one left behind by a process that died counts for nothing.
mark_block() { # BASE
    local marks=/tmp/data-sync-ports.$UID holder
    [ -d "$marks" ] || mkdir -m 700 "$marks" 2>/dev/null
    holder=$(cat "$marks/$1" 2>/dev/null) && [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null && rm -f "$marks/$1"
    (set -C && echo $$ >"$marks/$1") 2>/dev/null || return 1
    PORT_MARK=$marks/$1
}

release_ports() {
    [ -n "${PORT_MARK:-}" ] && rm -f "$PORT_MARK"
    PORT_MARK=''
}

choose_ports() { # GATEWAY_PORT or nothing
    local base attempt
    GATEWAY_PORT=$1
    if [ -n "$GATEWAY_PORT" ] && port_open "$GATEWAY_PORT"; then
        give_up "port $GATEWAY_PORT is in use; choose another with --port, or none for a free one"
    fi
    base=$(cat "$STATE/ports" 2>/dev/null)
    for ((attempt = 0; attempt < 200; attempt++)); do
        if [ -n "$base" ] && mark_block "$base"; then
            block_free "$base" && break
            release_ports
        fi
        base=$((FIRST_BLOCK_PORT + BLOCK_SIZE * (RANDOM % BLOCKS)))
    done
    [ -n "${PORT_MARK:-}" ] || give_up "found no $BLOCK_SIZE neighbouring ports that are free"
    trap release_ports EXIT
    echo "$base" >"$STATE/ports"
    NEXT_PORT=$base
    END_PORT=$((base + BLOCK_SIZE))
}

# unused_port VARIABLE: the next port of a running stack's block that no process of it was given.
unused_port() {
    take_port "$1"
    while port_open "${!1}" || grep -qE "127\.0\.0\.1:${!1}([^0-9]|\$)" "$STATE"/*.start "$STATE"/*.ready; do
        take_port "$1"
    done
}

# take_port VARIABLE: the next port of the block.
take_port() {
    [ "$NEXT_PORT" -lt "$END_PORT" ] || ${TOO_MANY_PORTS:-give_up} "more than $BLOCK_SIZE ports needed: ask for fewer replicas"
    printf -v "$1" '%s' "$NEXT_PORT"
    NEXT_PORT=$((NEXT_PORT + 1))
}
