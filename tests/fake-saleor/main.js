#!/usr/bin/env node
// main.js: a fake of Saleor's GraphQL API. help.txt says how it is used. Whoever starts it waits for "listening on 127.0.0.1:N".
'use strict';

const fs = require('fs');
const path = require('path');
const { parseArgs } = require('util');
const { Server } = require('./server');

const OPTIONS = {
    port: { type: 'string', default: '0' },
    currency: { type: 'string', default: 'INR' },
    'mutation-limit': { type: 'string', default: '4' },
    'webhook-url': { type: 'string' },
    subscriptions: { type: 'string' },
    'retry-ms': { type: 'string', default: '1000' },
    records: { type: 'string', default: '200000' },
    keep: { type: 'string', default: '1000' },
    help: { type: 'boolean', default: false },
};

function fail(message) {
    process.stderr.write(`fake-saleor: ${message}; --help says more\n`);
    process.exit(2);
}

function number(values, name, least, most) {
    const value = Number(values[name]);

    if (!/^\d+$/.test(values[name]) || value < least || value > most)
        fail(`--${name} takes a number from ${least} to ${most}, not '${values[name]}'`);
    return value;
}

function subscriptions(file) {
    const shipped = path.join(__dirname, '..', '..', 'docs', 'saleor-webhooks.graphql');

    try {
        return fs.readFileSync(
            file || (fs.existsSync(shipped) ? shipped : path.join(__dirname, 'subscriptions.graphql')),
            'utf8',
        );
    } catch (error) {
        return fail(`cannot read the subscriptions: ${error.message}`);
    }
}

function readOptions() {
    let values = null;

    try {
        ({ values } = parseArgs({ options: OPTIONS }));
    } catch (error) {
        fail(error.message);
    }
    if (values.help) {
        process.stdout.write(fs.readFileSync(path.join(__dirname, 'help.txt')));
        process.exit(0);
    }
    return {
        port: number(values, 'port', 0, 65535),
        currency: values.currency,
        mutationLimit: number(values, 'mutation-limit', 1, 1000),
        retryMs: number(values, 'retry-ms', 1, 3600000),
        records: number(values, 'records', 1, 10000000),
        keep: number(values, 'keep', 1, 100000),
        subscriptions: subscriptions(values.subscriptions),
        token: process.env.FAKE_SALEOR_TOKEN || null,
        webhook: values['webhook-url']
            ? { url: values['webhook-url'], secret: process.env.FAKE_SALEOR_WEBHOOK_SECRET || null }
            : null,
    };
}

async function main() {
    const options = readOptions();
    let server = null;

    try {
        server = new Server(options);
        process.stdout.write(`listening on 127.0.0.1:${await server.listen(options.port)}\n`);
    } catch (error) {
        fail(error.message);
    }
    for (const signal of ['SIGTERM', 'SIGINT'])
        process.on(signal, () => {
            server.close();
            process.exit(0);
        });
}

main();
