// webhooks.js: tells somebody of what happened in the shop, as Saleor does: the payload is made by running a subscription document,
// one operation for each event, named like it. 3xx and 4xx are final, everything else is sent again, longer apart each time. No order
// is kept between deliveries, as in Saleor.
'use strict';

const http = require('http');
const https = require('https');
const { Kind, parse, separateOperations, validate } = require('./graphql');

const QUEUE_MAX = 10000;
const LOG_MAX = 1000;
const BYTES_MAX = 64 << 20; // of bodies in each of the two
const RETRIES = 5;
const TIMEOUT_MS = 10000;
const AT_ONCE = 4;

const pascal = (name) => name.replace(/(^|_)([a-z])/g, (all, gap, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/(?!^)([A-Z])/g, '_$1').toLowerCase();

class Webhooks {
    // retryMs: wait before the first repetition (Saleor: 10,000), doubled each time.
    constructor({ executor, keys, text, retryMs, target }) {
        Object.assign(this, {
            executor,
            keys,
            waiting: [],
            timers: new Set(),
            inFlight: 0,
            options: { text, retryMs, target },
        });
        this.agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) };
        this.clear();
        this.reset();
    }

    // As they were at the start.
    reset() {
        Object.assign(this, { retryMs: this.options.retryMs, retries: RETRIES });
        this.subscribe(this.options.text);
        this.configure(this.options.target);
    }

    clear() {
        this.log = [];
        this.bytes = 0;
        this.counters = { sent: 0, delivered: 0, refused: 0, given_up: 0, retried: 0, dropped: 0 };
        this.number = 0;
    }

    // One operation that the subset of the schema does not know does not end the others.
    subscribe(text) {
        const all = parse(text).definitions;
        const fragments = all.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION);
        const documents = new Map();
        const unknown = [];

        for (const operation of all.filter((each) => each.operation === 'subscription' && each.name)) {
            const document = separateOperations({ kind: Kind.DOCUMENT, definitions: [operation, ...fragments] })[
                operation.name.value
            ];
            const [error] = validate(this.executor.schema, document);

            if (error) unknown.push(`${operation.name.value}: ${error.message}`);
            else documents.set(snake(operation.name.value), document);
        }
        if (!documents.size) throw new Error(`no subscription fits the schema; ${unknown.join('; ')}`);
        Object.assign(this, { documents, unknown });
    }

    // target: {url, secret, events, headers}, null for none.
    configure(target) {
        if (target && !/^https?:\/\//.test(target.url || ''))
            throw new Error('a webhook needs a url that begins with http:// or https://');
        if (target?.subscriptions) this.subscribe(target.subscriptions);
        if (target?.retry_ms !== undefined) this.retryMs = target.retry_ms;
        if (target?.retries !== undefined) this.retries = target.retries;
        this.target = target && { secret: null, events: null, headers: {}, ...target };
    }

    wants(event) {
        return (
            Boolean(this.target) &&
            this.documents.has(event) &&
            (!this.target.events || this.target.events.includes(event))
        );
    }

    payload(event, subject, context) {
        const eventType = pascal(event);
        const source = { ...subject, eventType, issuedAt: context.requestTime, principal: context.principal };
        const field = eventType[0].toLowerCase() + eventType.slice(1);
        const rootValue = { event: source, [field]: (args) => this.inChannels(source, args.channels) };
        const { body } = this.executor.execute(
            this.documents.get(event),
            {},
            eventType,
            { ...context, may: () => true, visible: () => true, rootValue },
            {},
        );
        const { data } = body;

        if (!data) return null;
        return 'event' in data ? data.event : { data };
    }

    inChannels(source, channels) {
        const of = source.order || source.orders?.[0];

        return !channels || (of && channels.includes(of.channel.slug)) ? source : null;
    }

    emit(event, subject, context) {
        if (!this.wants(event)) return;
        const payload = this.payload(event, subject, context);

        if (payload) this.queue(event, Buffer.from(JSON.stringify(payload)), context.domain);
    }

    queue(event, body, domain) {
        if (
            this.waiting.length >= QUEUE_MAX ||
            this.waiting.reduce((total, each) => total + each.body.length, 0) > BYTES_MAX
        ) {
            this.counters.dropped++;
            return;
        }
        const delivery = {
            n: ++this.number,
            event,
            at: new Date().toISOString(),
            status: 'waiting',
            attempts: 0,
            http_status: null,
            body,
            domain,
        };

        this.log.push(delivery);
        for (this.bytes += body.length; this.log.length > LOG_MAX || this.bytes > BYTES_MAX;)
            this.bytes -= this.log.shift().body.length;
        this.waiting.push(delivery);
        this.next();
    }

    // The same body and signature once more.
    resend(n) {
        const old = this.log.find((delivery) => delivery.n === n);

        if (!old) throw new Error(`no delivery ${n} is kept`);
        this.queue(old.event, old.body, old.domain);
    }

    next() {
        while (this.target && this.inFlight < AT_ONCE && this.waiting.length) this.send(this.waiting.shift());
    }

    headers({ event, body, domain }) {
        const signature = this.keys.sign(body, this.target.secret);

        return {
            'Content-Type': 'application/json',
            'Content-Length': body.length,
            'X-Saleor-Event': event,
            'X-Saleor-Domain': domain,
            'X-Saleor-Signature': signature,
            'Saleor-Event': event,
            'Saleor-Domain': domain,
            'Saleor-Signature': signature,
            'Saleor-Api-Url': `http://${domain}/graphql/`,
            ...this.target.headers,
        };
    }

    send(delivery) {
        const url = new URL(this.target.url);
        const headers = delivery.headers || (delivery.headers = this.headers(delivery));
        const request = (url.protocol === 'https:' ? https : http).request(url, {
            method: 'POST',
            headers,
            agent: this.agents[url.protocol],
            timeout: TIMEOUT_MS,
        });
        let ended = false;
        const end = (status, error) => {
            if (ended) return;
            ended = true;
            this.inFlight--;
            this.settle(delivery, status, error);
            this.next();
        };

        this.inFlight++;
        this.counters.sent++;
        delivery.attempts++;
        request.on('timeout', () => request.destroy(new Error('timed out')));
        request.on('error', (error) => end(null, error.message));
        request.on('response', (response) => {
            response.resume();
            response.on('end', () => end(response.statusCode));
            response.on('error', (error) => end(null, error.message));
        });
        request.end(delivery.body);
    }

    settle(delivery, status, error) {
        delivery.http_status = status;
        delivery.error = error;
        if (status >= 200 && status < 300) {
            delivery.status = 'delivered';
            this.counters.delivered++;
        } else if (status >= 300 && status < 500) {
            delivery.status = 'refused';
            this.counters.refused++;
        } else if (delivery.attempts > this.retries) {
            delivery.status = 'given_up';
            this.counters.given_up++;
        } else {
            this.again(delivery);
        }
    }

    again(delivery) {
        const timer = setTimeout(
            () => {
                this.timers.delete(timer);
                this.waiting.push(delivery);
                this.next();
            },
            this.retryMs * 2 ** (delivery.attempts - 1),
        );

        delivery.status = 'waiting';
        this.counters.retried++;
        this.timers.add(timer);
    }

    get backlog() {
        return this.waiting.length + this.inFlight + this.timers.size;
    }

    show({ after = 0, limit = 100, bodies = false }) {
        return this.log
            .filter((delivery) => delivery.n > after)
            .slice(0, limit)
            .map(({ body, domain, headers, ...rest }) => ({
                ...rest,
                ...(bodies && { headers, body: body.toString() }),
            }));
    }

    close() {
        for (const timer of this.timers) clearTimeout(timer);
        for (const agent of Object.values(this.agents)) agent.destroy();
    }
}

module.exports = { Webhooks };
