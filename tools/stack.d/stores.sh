# shellcheck shell=bash disable=SC2034,SC2154
# The stores of a stack: a Redis and a PostgreSQL that belong to it alone. Passwords are random and travel in files and in the
# environment, never in a command line, where everybody on the machine can read them.

DATABASE=bizosaas
DATABASE_USER=datasync

random_hex() { od -An -vtx1 -N"$1" /dev/urandom | tr -d ' \n'; }

# Secrets stay the same for the life of the data; a JWT_SECRET of the caller's goes before ours.
load_secrets() {
    local given=${JWT_SECRET:-}
    if [ -z "$given" ] && [ -n "${JWT_SECRET_FILE:-}" ]; then
        given=$(cat "$JWT_SECRET_FILE") || die "cannot read JWT_SECRET_FILE"
    fi
    unset JWT_SECRET_FILE
    if [ ! -s "$STATE/secrets" ]; then
        (
            umask 077
            for name in JWT_SECRET REDIS_PASSWORD DATABASE_PASSWORD ADMIN_PASSWORD; do
                echo "$name=$(random_hex 24)"
            done >"$STATE/secrets"
        )
    fi
    # shellcheck source=/dev/null
    . "$STATE/secrets"
    export JWT_SECRET=${given:-$JWT_SECRET}
}

# The stores' directories are DIR/redis and DIR/postgres. Where DIR lies in somebody's home that the unprivileged user cannot
# enter, they are links into a directory that it can.
place_data() {
    local place=$DIR store
    if [ -s "$STATE/elsewhere" ]; then
        place=$(cat "$STATE/elsewhere")
        [ -d "$place" ] || die "the data of $DIR was in $place, which is gone; begin anew with: tools/stack down --wipe --dir $DIR"
    elif ! as_user test -x "$DIR"; then
        place=$(mktemp -d "${TMPDIR:-/tmp}/data-sync.XXXXXX") || die "cannot make a directory for the data"
        chmod 711 "$place"
        as_user test -x "$place" || die "user $RUN_USER can enter neither $DIR nor $place; choose another --dir"
        echo "$place" >"$STATE/elsewhere"
        say "stack: user $RUN_USER cannot enter $DIR, so the data is in $place"
    fi
    PLACE=$place
    for store in redis postgres; do
        [ -d "$place/$store" ] || mkdir -m 700 "$place/$store" || die "cannot create $place/$store"
        give_to_user "$place/$store"
        [ "$place" = "$DIR" ] || ln -sfn "$place/$store" "$DIR/$store"
    done
}

find_postgres() {
    local initdb
    if [ -z "${PG_BIN:-}" ]; then
        initdb=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
        [ -x "$initdb" ] || initdb=$(command -v initdb) || give_up "PostgreSQL's server is not installed; run: make deps"
        PG_BIN=$(dirname "$initdb")
    fi
    command -v redis-server >/dev/null || give_up "redis-server is not installed; run: make deps"
}

database_url() { echo "postgresql://$1:$2@127.0.0.1:$POSTGRES_PORT/$3"; } # USER PASSWORD NAME

# setting STORE NAME: what its configuration file says.
setting() {
    case $1 in
    redis) awk -v name="$2" '$1 == name { print $2 }' "$DIR/redis/redis.conf" ;;
    postgres) awk -v name="$2" '$1 == name { print $3 }' "$DIR/postgres/stack.conf" ;;
    esac
}

start_stores() {
    find_postgres
    take_port REDIS_PORT
    take_port POSTGRES_PORT
    configure_redis
    configure_postgres
    # Their environment is plain: LC_* and PG* variables of the caller change what they do.
    (
        # shellcheck disable=SC2046
        unset $(compgen -e | grep -vx PATH)
        export LC_ALL=C.UTF-8 TZ=UTC
        describe redis '' "$(command -v redis-server)" "$PLACE/redis/redis.conf"
        describe postgres '' "$PG_BIN/postgres" -D "$PLACE/postgres"
    )
    launch redis
    launch postgres
    wait_store redis || { tail_log redis; give_up "Redis does not start"; }
    wait_store postgres || { tail_log postgres; give_up "PostgreSQL does not start"; }
    REDIS_URL=redis://default:$REDIS_PASSWORD@127.0.0.1:$REDIS_PORT/0
    DATABASE_URL=$(database_url "$DATABASE_USER" "$DATABASE_PASSWORD" "$DATABASE")
    ADMIN_URL=$(database_url postgres "$ADMIN_PASSWORD" "$DATABASE")
    create_database
}

# write_private FILE: standard input becomes a file that only the user who runs the stores can read.
write_private() {
    (umask 077 && cat >"$1.new") && give_to_user "$1.new" && mv -f "$1.new" "$1"
}

configure_redis() {
    write_private "$PLACE/redis/redis.conf" <<TEXT
bind 127.0.0.1
port $REDIS_PORT
dir $PLACE/redis
requirepass $REDIS_PASSWORD
daemonize no
logfile ""
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
TEXT
}

configure_postgres() {
    local password sockets=$PLACE/postgres
    if [ ! -s "$PLACE/postgres/PG_VERSION" ]; then
        password=$(mktemp) && echo "$ADMIN_PASSWORD" >"$password" && give_to_user "$password"
        (
            unset LC_ALL LANG LANGUAGE
            cd / && as_user "$PG_BIN/initdb" -D "$PLACE/postgres" -U postgres --pwfile="$password" --auth=scram-sha-256 \
                --encoding=UTF8 --locale=C.UTF-8 --no-sync
        ) >"$DIR/log/initdb.log" 2>&1 </dev/null
        local failed=$?
        rm -f "$password"
        [ $failed = 0 ] || { tail_log initdb; give_up "initdb fails"; }
        echo "include 'stack.conf'" >>"$PLACE/postgres/postgresql.conf"
    fi
    # A socket's path has room for 107 characters.
    [ ${#sockets} -lt 85 ] || sockets=''
    write_private "$PLACE/postgres/stack.conf" <<TEXT
listen_addresses = '127.0.0.1'
port = $POSTGRES_PORT
unix_socket_directories = '$sockets'
max_connections = 200
shared_buffers = 128MB
max_wal_size = 1GB
synchronous_commit = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = off
TEXT
}

redis_answers() {
    [ "$(REDISCLI_AUTH=$1 redis-cli -h 127.0.0.1 -p "$2" ping 2>/dev/null)" = PONG ]
}

postgres_answers() { "$PG_BIN/pg_isready" -q -h 127.0.0.1 -p "$1" -t 1; }

# wait_store NAME: until it takes statements. After a kill, PostgreSQL refuses to start while an orphaned child still holds its
# memory, so that one is tried again for ten seconds.
wait_store() {
    local port deadline=$((SECONDS + 10))
    port=$(setting "$1" port)
    case $1 in
    redis) wait_for redis "$STACK_TIMEOUT" redis_answers "$(setting redis requirepass)" "$port" ;;
    postgres)
        find_postgres
        until wait_for postgres "$STACK_TIMEOUT" postgres_answers "$port"; do
            if running postgres || [ $SECONDS -ge $deadline ]; then return 1; fi
            sleep 0.2
            launch postgres
        done
        ;;
    esac
}

as_admin() {
    PGPASSWORD=$ADMIN_PASSWORD "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres -d postgres
}

# The programs' role is no superuser, as in production: it may make databases (tests have one each) and the service's own roles.
create_database() {
    as_admin >"$DIR/log/createdb.log" 2>&1 <<TEXT || { tail_log createdb; give_up "cannot create the database"; }
SET log_min_error_statement = panic;
SELECT 'CREATE ROLE $DATABASE_USER LOGIN CREATEDB CREATEROLE'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$DATABASE_USER') \\gexec
ALTER ROLE $DATABASE_USER PASSWORD '$DATABASE_PASSWORD';
SELECT 'CREATE DATABASE $DATABASE OWNER $DATABASE_USER'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$DATABASE') \\gexec
TEXT
}
