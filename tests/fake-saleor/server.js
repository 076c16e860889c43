// server.js: the HTTP end: Saleor's own paths (/graphql/, /.well-known/jwks.json) and those for tests (control.js). A request passes
// token, rate limit, faults, document, and its answer goes out as the fault wants it.
'use strict';

const http = require('http');
const { Shop } = require('./shop');
const { Executor } = require('./execute');
const { Faults } = require('./faults');
const { Requests } = require('./requests');
const { Webhooks } = require('./webhooks');
const { Keys } = require('./signature');
const { Edits } = require('./edits');
const { control } = require('./control');

const BODY_MAX = 2621440; // Django's own limit
const CONNECTIONS_MAX = 2048;
const NOT_FOUND =
    '<!doctype html><html lang="en"><head><title>Not Found</title></head><body><h1>Not Found</h1></body></html>';
const JSON_TYPE = { 'Content-Type': 'application/json' };
const HTML_TYPE = { 'Content-Type': 'text/html; charset=utf-8' };

const errorBody = (message, extensions = { exception: { code: 'GraphQLError' } }) =>
    JSON.stringify({ errors: [{ message, extensions }] });

class Server {
    constructor(options) {
        this.options = options;
        this.shop = new Shop({ records: options.records, currency: options.currency });
        this.executor = new Executor();
        this.keys = new Keys();
        this.requests = new Requests(options.keep);
        this.webhooks = new Webhooks({
            executor: this.executor,
            keys: this.keys,
            text: options.subscriptions,
            retryMs: options.retryMs,
            target: options.webhook,
        });
        this.edits = new Edits(this.executor, this.shop);
        this.app = {
            isApp: true,
            key: 1,
            identifier: null,
            name: 'data-sync',
            isActive: true,
            version: null,
            metadata: {},
            privateMetadata: {},
        };
        this.staff = this.hireStaff();
        this.reset();
        this.http = http.createServer((request, response) => this.answer(request, response));
        this.http.maxConnections = CONNECTIONS_MAX;
        this.http.keepAliveTimeout = 75000;
        this.http.headersTimeout = 30000;
    }

    // What POST /control changes, as it was at the start.
    reset() {
        this.faults = new Faults();
        this.settings = {
            token: this.options.token,
            permissions: null,
            storefront: true,
            legacyUpdates: false,
            limits: { mutations: this.options.mutationLimit, aliases: 100, cost: 50000, requests_per_minute: 0 },
        };
        this.window = { minute: 0, count: 0 };
        this.webhooks.reset();
    }

    hireStaff() {
        return this.shop.users.put({
            key: this.shop.users.nextKey(),
            email: 'admin@example.com',
            firstName: 'Shop',
            lastName: 'Admin',
            isStaff: true,
            isActive: true,
            isConfirmed: true,
            note: null,
            languageCode: 'EN',
            externalReference: null,
            defaultBillingAddress: null,
            defaultShippingAddress: null,
            addresses: [],
            lastLogin: null,
            metadata: {},
            privateMetadata: {},
            dateJoined: new Date(),
            updatedAt: new Date(),
        });
    }

    empty() {
        this.shop.open();
        this.staff = this.hireStaff();
        this.requests.clear();
        this.webhooks.clear();
    }

    get domain() {
        return `127.0.0.1:${this.http.address().port}`;
    }

    listen(port) {
        return new Promise((resolve, reject) => {
            this.http.once('error', reject);
            this.http.listen(port, '127.0.0.1', () => resolve(this.http.address().port));
        });
    }

    close() {
        this.webhooks.close();
        this.http.close();
        this.http.closeAllConnections();
    }

    // ── requests ──

    answer(request, response) {
        const chunks = [];
        let size = 0;

        request.on('error', () => {});
        response.on('error', () => {});
        request.on('data', (chunk) => {
            size += chunk.length;
            if (size <= BODY_MAX) chunks.push(chunk);
        });
        request.on('end', () => this.route(request, response, size > BODY_MAX ? null : Buffer.concat(chunks)));
    }

    route(request, response, body) {
        const path = request.url.split('?')[0];

        if (path === '/graphql/') this.graphql(request, response, body);
        else if (path === '/graphql') this.end(response, 301, { ...HTML_TYPE, Location: '/graphql/' }, '');
        else if (path === '/.well-known/jwks.json')
            this.end(response, 200, JSON_TYPE, JSON.stringify(this.keys.jwks()));
        else if (!control(this, request, response, body)) this.end(response, 404, HTML_TYPE, NOT_FOUND);
    }

    end(response, status, headers, body) {
        const bytes = Buffer.from(body);

        response.writeHead(status, { ...headers, 'Content-Length': bytes.length });
        response.end(bytes);
    }

    graphql(request, response, body) {
        const entry = this.requests.begin(request);

        if (request.method === 'GET')
            this.finish(
                entry,
                response,
                200,
                HTML_TYPE,
                '<!DOCTYPE html><html><head><title>Playground</title></head></html>',
            );
        else if (request.method !== 'POST') this.finish(entry, response, 405, { Allow: 'GET, OPTIONS, POST' }, '');
        else if (this.overRate())
            this.finish(entry, response, 429, { 'Content-Type': 'text/plain' }, 'Too Many Requests');
        else if (body === null)
            this.finish(entry, response, 413, JSON_TYPE, errorBody('Request body exceeds maximum size.'));
        else this.run(entry, request, response, body);
    }

    finish(entry, response, status, headers, body) {
        this.requests.end(entry, status);
        this.end(response, status, headers, body);
    }

    // A fixed window of a minute for the whole shop, as Saleor Cloud has it.
    overRate() {
        const minute = Math.floor(Date.now() / 60000);
        const most = this.settings.limits.requests_per_minute;

        if (this.window.minute !== minute) this.window = { minute, count: 0 };
        return most > 0 && ++this.window.count > most;
    }

    run(entry, request, response, body) {
        const type = (request.headers['content-type'] || '').split(';')[0].trim().toLowerCase();
        let parsed = {};

        entry.bytes = body.length;
        try {
            if (type === 'application/json') parsed = JSON.parse(body.toString('utf8'));
            else if (type === 'application/graphql') parsed = { query: body.toString('utf8') };
        } catch {
            parsed = null;
        }
        if (parsed === null || typeof parsed !== 'object')
            this.finish(entry, response, 400, JSON_TYPE, errorBody('Unable to parse query.'));
        else if (Array.isArray(parsed) && parsed.length > 1)
            this.finish(entry, response, 400, JSON_TYPE, errorBody('Number of batch queries exceeded.'));
        else if (!this.mayEnter(request))
            this.finish(
                entry,
                response,
                401,
                JSON_TYPE,
                errorBody('Storefront traffic is not allowed.', { code: 'STOREFRONT_TRAFFIC_NOT_ALLOWED' }),
            );
        else this.runDocument(entry, request, response, parsed, body);
    }

    tokenIsRight(request) {
        const [scheme, token] = (request.headers.authorization || '').split(/\s+(.*)/s);
        const given = request.headers['authorization-bearer'] || (/^(bearer|jwt)$/i.test(scheme) ? token : '');

        return Boolean(given) && (!this.settings.token || given === this.settings.token);
    }

    mayEnter(request) {
        return this.settings.storefront || this.tokenIsRight(request);
    }

    runDocument(entry, request, response, parsed, body) {
        const one = Array.isArray(parsed) ? parsed[0] || {} : parsed;
        const known = this.executor.documents.get(String(one.query || ''));
        const fault = this.faults.forRequest({
            fields: known.roots.map((root) => root.field),
            names: known.roots.map((root) => root.name),
            aliases: known.roots.map((root) => root.alias),
            text: () => body.toString('utf8'),
        });
        let answer = { status: 200, body: { data: null } };

        this.requests.describe(entry, known, null);
        entry.fault = fault?.name || null;
        if (!fault || fault.apply) answer = this.executor.run(one, this.contextOf(request, entry));
        const ready = fault?.answer || {
            status: answer.status,
            headers: JSON_TYPE,
            body: JSON.stringify(Array.isArray(parsed) ? [answer.body] : answer.body),
        };

        if (fault?.delayMs) setTimeout(() => this.send(entry, response, ready, fault.ending), fault.delayMs).unref();
        else this.send(entry, response, ready, fault?.ending);
    }

    send(entry, response, { status, headers, body }, ending) {
        const { socket } = response;

        if (!ending) {
            this.finish(entry, response, status, headers, body);
            return;
        }
        this.requests.end(entry, ending);
        if (ending === 'hang' || !socket) return;
        if (ending === 'reset') socket.resetAndDestroy();
        else if (ending === 'close') socket.end();
        else {
            response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) + 100 });
            response.write(body.slice(0, Math.ceil(body.length / 2)), () =>
                ending === 'truncate' ? socket.end() : socket.resetAndDestroy(),
            );
        }
    }

    // ── contexts of resolvers ──

    contextOf(request, entry) {
        const right = this.tokenIsRight(request);
        const { permissions, limits } = this.settings;
        const may = (permission) =>
            right && (!permissions || permission.startsWith('AUTHENTICATED') || permissions.includes(permission));

        return this.context(right ? this.app : null, {
            may,
            limits,
            visible: may('MANAGE_PRODUCTS') ? inChannel : published,
            seen: (known, cost) => {
                entry.cost = cost;
            },
            count: (name, outcome) => this.requests.operation(name, outcome),
            failed: (error) => this.noteError(error),
            aliasFault: (alias, field, args) => this.faults.forAlias(alias, field, args),
        });
    }

    context(principal, more) {
        const context = {
            shop: this.shop,
            app: this.app,
            principal,
            domain: this.domain,
            storefront: this.settings.storefront,
            count: () => {},
            requestTime: new Date(),
            legacyUpdates: this.settings.legacyUpdates,
            ...more,
        };

        context.emit = (event, subject) => this.webhooks.emit(event, subject, context);
        return context;
    }

    // An edit by the shop's staff.
    staffContext() {
        return this.context(this.staff, { may: () => true, visible: inChannel });
    }

    noteError(error) {
        const cause = error.originalError || error;
        const name = cause.exception || cause.name;

        this.requests.counters.errors[name] = (this.requests.counters.errors[name] || 0) + 1;
        if (!cause.exception && cause.name !== 'GraphQLError') process.stderr.write(`${cause.stack}\n`);
    }
}

// Who may manage products sees all of them, those of a channel where one is named; everybody else what is published there.
function inChannel(product, slug) {
    return !slug || [...product.listings.values()].some((listing) => listing.channel.slug === slug);
}

function published(product, slug) {
    return [...product.listings.values()].some((listing) => listing.isPublished && listing.channel.slug === slug);
}

module.exports = { Server };
