// faults.js: rules that make the fake fail on purpose. A rule that strikes too often or too seldom makes a test mean something else
// than it says. Rules about a whole request strike at most once each request, the first that matches; those about an alias are asked
// for each field of the mutation.
'use strict';

const RULES_MAX = 256;
const HTML = '<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>';
const THROTTLED = {
    errors: [{ message: 'Too many requests.', extensions: { code: 'THROTTLED', exception: { code: 'Throttled' } } }],
    data: null,
};
const REFUSED = {
    errors: [{ message: 'The document was told to fail.', extensions: { exception: { code: 'GraphQLError' } } }],
};

// apply: whether the document runs all the same. ending: how the connection ends instead of with a whole answer.
const ACTIONS = {
    status: {
        status: 500,
        body: { errors: [{ message: 'Internal Server Error', extensions: { exception: { code: 'Exception' } } }] },
    },
    delay: { apply: true },
    hang: { ending: 'hang' },
    reset: { ending: 'reset' },
    close: { ending: 'close' },
    reset_mid_answer: { apply: true, ending: 'reset_mid_answer' },
    truncate: { apply: true, ending: 'truncate' },
    empty: { apply: true, status: 200, body: '' },
    huge: { apply: true, status: 200, body: null, huge: true },
    html: { status: 200, body: HTML, type: 'text/html; charset=utf-8' },
    redirect: { status: 302, body: '', headers: { Location: '/elsewhere/' } },
    throttled: { status: 429, body: 'Too Many Requests', type: 'text/plain' },
    throttled_document: { status: 200, body: THROTTLED },
    document_error: { status: 400, body: REFUSED },
    alias_error: { alias: true },
    alias_refused: { alias: true },
};
const MEMBERS = [
    'match',
    'times',
    'action',
    'status',
    'body',
    'headers',
    'retry_after',
    'delay_ms',
    'apply',
    'code',
    'field',
    'message',
];
const MATCHES = ['operation', 'name', 'alias', 'text', 'every'];

function readRule(source) {
    if (source === null || typeof source !== 'object') throw new Error('each rule is an object');
    const unknown =
        Object.keys(source).find((name) => !MEMBERS.includes(name)) ||
        Object.keys(source.match || {}).find((name) => !MATCHES.includes(name));
    const name =
        source.action ||
        (source.status || source.body !== undefined ? 'status' : source.code ? 'alias_refused' : 'delay');

    if (unknown)
        throw new Error(
            `a rule has no member '${unknown}'; it has ${MEMBERS.join(', ')} and match has ${MATCHES.join(', ')}`,
        );
    if (!ACTIONS[name]) throw new Error(`unknown action '${name}': one of ${Object.keys(ACTIONS).join(', ')}`);
    for (const number of ['times', 'status', 'delay_ms'])
        if (source[number] !== undefined && !(Number.isInteger(source[number]) && source[number] >= 0))
            throw new Error(`${number} is a whole number`);
    return {
        source,
        name,
        action: ACTIONS[name],
        match: source.match || {},
        left: source.times ?? Infinity,
        seen: 0,
        hits: 0,
    };
}

class Faults {
    constructor() {
        this.rules = [];
    }

    load(rules) {
        if (!Array.isArray(rules) || rules.length > RULES_MAX)
            throw new Error(`rules are a list of at most ${RULES_MAX}`);
        this.rules = rules.map(readRule);
    }

    show() {
        return this.rules.map((rule) => ({
            hits: rule.hits,
            times_left: rule.left === Infinity ? null : rule.left,
            rule: rule.source,
        }));
    }

    // subject: {fields, names, aliases, text()}; the rule that strikes, or null.
    strike(subject, alias) {
        for (const rule of this.rules) {
            const { operation, name, alias: wanted, text, every = 1 } = rule.match;

            if (Boolean(rule.action.alias) !== alias || rule.left <= 0) continue;
            if (operation && !subject.fields.includes(operation)) continue;
            if (name && !subject.names.includes(name)) continue;
            if (wanted && !subject.aliases.includes(wanted)) continue;
            if (text && !subject.text().includes(text)) continue;
            if (++rule.seen % every !== 0) continue;
            rule.hits++;
            rule.left--;
            return rule;
        }
        return null;
    }

    get haveAlias() {
        return this.rules.some((rule) => rule.action.alias && rule.left > 0);
    }

    // What to do about a whole request: null, or {name, apply, delayMs, ending, answer: {status, body, headers}}.
    forRequest(subject) {
        const rule = this.strike(subject, false);
        const { source, action } = rule || {};

        if (!rule) return null;
        const replaces = action.status !== undefined || source.status !== undefined || source.body !== undefined;
        const body = source.body !== undefined ? source.body : action.huge ? 'x'.repeat(10 << 20) : action.body;

        return {
            name: rule.name,
            apply: source.apply ?? action.apply ?? false,
            delayMs: source.delay_ms || 0,
            ending: action.ending || null,
            answer: replaces
                ? {
                      status: source.status || action.status || 500,
                      body: typeof body === 'string' ? body : JSON.stringify(body ?? ''),
                      headers: {
                          'Content-Type': action.type || 'application/json',
                          ...action.headers,
                          ...(source.retry_after !== undefined && { 'Retry-After': String(source.retry_after) }),
                          ...source.headers,
                      },
                  }
                : null,
        };
    }

    // What to do about one field of a mutation: null, {document: message} or {errors: […]}.
    forAlias(alias, field, args) {
        const rule =
            this.haveAlias &&
            this.strike(
                { fields: [field], names: [], aliases: [String(alias)], text: () => JSON.stringify(args) },
                true,
            );
        const { source } = rule || {};

        if (!rule) return null;
        if (rule.name === 'alias_error') return { document: source.message || 'This field was told to fail.' };
        return {
            errors: [
                {
                    field: source.field ?? null,
                    path: source.field ?? null,
                    message: source.message || 'Told to fail.',
                    code: source.code || 'INVALID',
                },
            ],
        };
    }
}

module.exports = { Faults, ACTIONS };
