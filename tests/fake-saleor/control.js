// control.js: the routes for tests and people: /control (how the fake fails), /inspect/* (what it holds and was asked), /edit/* (somebody
// changes the shop), /health.
'use strict';

const { Refused } = require('./errors');
const { globalId } = require('./ids');
const { KINDS, records, places } = require('./inspect');

const SETTINGS = {
    rules: 'object',
    webhook: 'object',
    token: 'string',
    permissions: 'object',
    storefront: 'boolean',
    legacy_updates: 'boolean',
    limits: 'object',
};
const LIMITS = ['mutations', 'aliases', 'cost', 'requests_per_minute'];

function showControl({ settings, faults, webhooks }) {
    const { legacyUpdates, token, ...rest } = settings;
    const { url = null, events = null } = webhooks.target || {};

    return {
        ...rest,
        token_set: Boolean(token),
        legacy_updates: legacyUpdates,
        rules: faults.show(),
        webhook: {
            url,
            events,
            secret_set: Boolean(webhooks.target?.secret),
            subscribed: [...webhooks.documents.keys()],
            unknown: webhooks.unknown,
        },
    };
}

function checkControl(wanted) {
    for (const [name, value] of Object.entries(wanted)) {
        if (!SETTINGS[name]) throw new Error(`control has no '${name}'; it has ${Object.keys(SETTINGS).join(', ')}`);
        if (value !== null && typeof value !== SETTINGS[name])
            throw new Error(`${name} must be of type ${SETTINGS[name]}`);
    }
    for (const [name, value] of Object.entries(wanted.limits || {}))
        if (!LIMITS.includes(name) || !Number.isInteger(value))
            throw new Error(`limits are whole numbers of ${LIMITS.join(', ')}`);
}

function setControl(server, wanted) {
    const { settings } = server;

    checkControl(wanted);
    if (wanted.rules !== undefined) server.faults.load(wanted.rules || []);
    if (wanted.webhook !== undefined) server.webhooks.configure(wanted.webhook);
    for (const name of ['token', 'permissions', 'storefront'])
        if (wanted[name] !== undefined) settings[name] = wanted[name];
    if (wanted.legacy_updates !== undefined) settings.legacyUpdates = wanted.legacy_updates;
    Object.assign(settings.limits, wanted.limits);
    return showControl(server);
}

const ROUTES = {
    'GET /health': () => ({ status: 'healthy', platform: 'saleor' }),
    'GET /control': showControl,
    'POST /control': setControl,
    'DELETE /control': (server) => {
        server.reset();
        return showControl(server);
    },
    'GET /inspect/places': ({ shop }) => places(shop),
    'GET /inspect/requests': ({ requests }, body, query) => ({
        counters: requests.counters,
        requests: requests.show({ after: Number(query.after || 0), limit: Number(query.limit || 1000) }),
    }),
    'GET /inspect/counters': ({ requests, webhooks, shop }) => ({
        ...requests.counters,
        webhooks: { ...webhooks.counters, waiting: webhooks.backlog },
        records: Object.fromEntries(
            Object.entries(KINDS).map(([kind, [table, , counts]]) => [kind, shop[table].all().filter(counts).length]),
        ),
    }),
    'GET /inspect/webhooks': ({ webhooks }, body, query) => ({
        counters: { ...webhooks.counters, waiting: webhooks.backlog },
        deliveries: webhooks.show({
            after: Number(query.after || 0),
            limit: Number(query.limit || 100),
            bodies: Boolean(query.bodies),
        }),
    }),
    'DELETE /inspect': (server) => {
        server.empty();
        return {};
    },
    'POST /edit/resend': ({ webhooks }, { n }) => {
        webhooks.resend(n);
        return {};
    },
};

for (const kind of Object.keys(KINDS))
    ROUTES[`GET /inspect/${kind}`] = ({ shop }, body, query) => records(shop, kind, query);
for (const [kind, type] of Object.entries({
    customer: 'User',
    product: 'Product',
    stock: 'ProductVariant',
    order: 'Order',
}))
    ROUTES[`POST /edit/${kind}`] = (server, body) => {
        const before = server.webhooks.number;
        const record = server.edits[kind](body, server.staffContext());

        return { id: globalId(type, record.key), webhooks: server.webhooks.number - before };
    };

// Records lost or altered behind everybody's back: no webhook tells of it.
const DRIFT = { customer: 'users', product: 'products', order: 'orders' };

function drift({ shop }, kind, { id, externalReference, lose, alter }) {
    const table = shop[DRIFT[kind]];
    const record = table
        .all()
        .find((each) => globalId(table.type, each.key) === id || (externalReference && each.externalReference === externalReference));

    if (!record) throw new Error(`no such ${kind}: name one by id or externalReference`);
    if (lose) {
        for (const variant of record.variants || []) shop.variants.remove(variant);
        table.remove(record);
    } else {
        table.put(Object.assign(record, alter));
    }
    return { id: globalId(table.type, record.key) };
}

for (const kind of Object.keys(DRIFT)) ROUTES[`POST /drift/${kind}`] = (server, body) => drift(server, kind, body);

function parse(request, body) {
    const parsed = request.method === 'POST' ? JSON.parse(body.toString('utf8') || '{}') : {};

    if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) throw new Error('an object is needed');
    return parsed;
}

// Whether the request was one of these.
function control(server, request, response, body) {
    const url = new URL(request.url, 'http://fake');
    const route = ROUTES[`${request.method} ${url.pathname}`];
    let [status, answer] = [200, null];

    if (!route) return false;
    try {
        answer = route(server, parse(request, body || Buffer.alloc(0)), Object.fromEntries(url.searchParams));
    } catch (error) {
        status = error instanceof SyntaxError ? 400 : 422;
        answer = error instanceof Refused ? { error: error.message, errors: error.list } : { error: error.message };
    }
    server.end(response, status, { 'Content-Type': 'application/json' }, JSON.stringify(answer));
    return true;
}

module.exports = { control };
