# shellcheck shell=bash disable=SC2034,SC2154
# The fake Saleor shop of a stack (--saleor): coreldove's customers, products and orders go to its GraphQL API, and its webhooks come
# to the first gateway. Its token and the secret of its webhooks are made here unless the caller has them.

SALEOR_SOURCE=$REPO/tests/fake-saleor

random_word() { od -An -N 24 -tx1 /dev/urandom | tr -d ' \n'; }

env_line() { printf "%s='%s'\n" "$1" "${2//\'/\'\\\'\'}"; } # NAME VALUE

check_saleor() {
    [ "$SALEOR" = yes ] || return 0
    [ -z "${SALEOR_API_URL:-}" ] || die "--saleor starts a shop of its own, but SALEOR_API_URL names one already"
    command -v node >/dev/null || die "--saleor needs node (make deps installs nodejs)"
    node -e "require('$SALEOR_SOURCE/graphql.js')" || die "--saleor needs graphql-js (make deps installs node-graphql)"
}

# As with the programs: out of a checkout that the unprivileged user cannot read it gets a copy.
place_saleor() {
    SALEOR_MAIN=$SALEOR_SOURCE/main.js
    if as_user test -r "$SALEOR_MAIN"; then return 0; fi
    local copy=$PLACE/redis/saleor
    rm -rf "$copy"
    if ! { mkdir -p "$copy/tests" "$copy/docs" && cp -r "$SALEOR_SOURCE" "$copy/tests/" &&
        cp "$REPO/docs/saleor-webhooks.graphql" "$copy/docs/" && chmod -R a+rX "$copy"; }; then
        give_up "cannot copy the fake Saleor to $place"
    fi
    chmod 711 "$PLACE/redis"
    SALEOR_MAIN=$copy/tests/fake-saleor/main.js
}

# The gateway's port is chosen here already, because the shop has to know where its webhooks go.
start_fake_saleor() {
    SALEOR_LINES=''
    [ "$SALEOR" = yes ] || return 0
    local port
    take_port port
    [ -n "$GATEWAY_PORT" ] || take_port GATEWAY_PORT
    place_saleor
    export SALEOR_API_URL=http://127.0.0.1:$port/graphql/
    [ -n "${CORELDOVE_API_KEY:-}${CORELDOVE_API_KEY_FILE:-}" ] || CORELDOVE_API_KEY=$(random_word)
    [ -n "${CORELDOVE_INBOUND_SECRET:-}${CORELDOVE_INBOUND_SECRET_FILE:-}" ] || CORELDOVE_INBOUND_SECRET=$(random_word)
    export CORELDOVE_INBOUND_TENANT=${CORELDOVE_INBOUND_TENANT:-tenant123}
    local token=${CORELDOVE_API_KEY:-} secret=${CORELDOVE_INBOUND_SECRET:-}
    [ -n "$token" ] || token=$(cat "$CORELDOVE_API_KEY_FILE")
    [ -n "$secret" ] || secret=$(cat "$CORELDOVE_INBOUND_SECRET_FILE")
    export FAKE_SALEOR_TOKEN=$token FAKE_SALEOR_WEBHOOK_SECRET=$secret
    # shellcheck disable=SC2086
    describe fake-saleor "http://127.0.0.1:$port/health" "$(command -v node)" "$SALEOR_MAIN" --port "$port" \
        --webhook-url "http://127.0.0.1:$GATEWAY_PORT/sync/inbound/coreldove" ${FAKE_SALEOR_OPTIONS:-}
    launch fake-saleor
    unset FAKE_SALEOR_TOKEN FAKE_SALEOR_WEBHOOK_SECRET
    # An empty variable beside its *_FILE would be two values for one.
    [ -z "${CORELDOVE_API_KEY:-}" ] || export CORELDOVE_API_KEY
    [ -z "${CORELDOVE_INBOUND_SECRET:-}" ] || export CORELDOVE_INBOUND_SECRET
    SALEOR_LINES=$(
        env_line FAKE_SALEOR_URL "http://127.0.0.1:$port"
        env_line SALEOR_API_URL "$SALEOR_API_URL"
        env_line CORELDOVE_API_KEY "$token"
        env_line CORELDOVE_INBOUND_SECRET "$secret"
        env_line CORELDOVE_INBOUND_TENANT "$CORELDOVE_INBOUND_TENANT"
    )$'\n'
}
