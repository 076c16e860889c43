// lists.js: Saleor's paginated lists. A cursor is the sort values of a record, so that a page goes on after what the last one
// ended with, whatever came or went before it.
'use strict';

const { GraphQLError } = require('./graphql');

const PAGE_MAX = 100;

function compare(a, b) {
    for (let i = 0; i < a.length; i++) {
        if (a[i] < b[i]) return -1;
        if (a[i] > b[i]) return 1;
    }
    return 0;
}

// Every record with its sort values, in order; kept at the table until it changes. (A record changed in place counts through put.)
function sorted(table, name, keysOf) {
    if (!table.sorted.has(name))
        table.sorted.set(
            name,
            table
                .all()
                .map((record) => ({ record, keys: keysOf(record) }))
                .sort((a, b) => compare(a.keys, b.keys)),
        );
    return table.sorted.get(name);
}

const encode = (keys) => Buffer.from(JSON.stringify(keys.map(String))).toString('base64');

function decode(cursor, example) {
    let values = null;

    try {
        values = JSON.parse(Buffer.from(cursor, 'base64').toString('utf8'));
    } catch {
        values = null;
    }
    if (!Array.isArray(values) || (example && values.length !== example.length))
        throw new GraphQLError('Received cursor is invalid.');
    return values.map((value, index) => (example && typeof example[index] === 'number' ? Number(value) : value));
}

function checkPage({ first, last, before, after }, field, edges) {
    const no = (message) => {
        throw new GraphQLError(message);
    };

    if (edges && !first && !last)
        no(`You must provide a \`first\` or \`last\` value to properly paginate the \`${field}\` connection.`);
    if (first > PAGE_MAX)
        no(
            `Requesting ${first} records on the \`${field}\` connection exceeds the \`first\` limit of ${PAGE_MAX} records.`,
        );
    if (last > PAGE_MAX)
        no(
            `Requesting ${last} records on the \`${field}\` connection exceeds the \`last\` limit of ${PAGE_MAX} records.`,
        );
    if (first < 0) no('Argument `first` must be a non-negative integer.');
    if (last < 0) no('Argument `last` must be a non-negative integer.');
    if (first && last) no('Argument `last` cannot be combined with `first`.');
    if (first && before) no('Argument `first` cannot be combined with `before`.');
    if (last && after) no('Argument `last` cannot be combined with `after`.');
}

const wantsEdges = (info) =>
    info.fieldNodes.some((node) =>
        node.selectionSet.selections.some(
            (selection) => selection.kind !== 'Field' || selection.name.value === 'edges',
        ),
    );

function page(entries, { first, last, before, after }, descending) {
    const cursor = after || before ? decode(after || before, entries[0]?.keys) : null;
    const backwards = Boolean(last) !== descending;
    let rest = backwards ? [...entries].reverse() : entries;

    if (cursor)
        rest = rest.filter((entry) => (backwards ? compare(entry.keys, cursor) < 0 : compare(entry.keys, cursor) > 0));
    const count = first || last || 0;
    const cut = rest.slice(0, count);

    if (last) cut.reverse();
    const edges = cut.map(({ record, keys }) => ({ node: record, cursor: encode(keys) }));

    return {
        edges,
        pageInfo: {
            hasNextPage: first ? rest.length > count : Boolean(last && cursor),
            hasPreviousPage: last ? rest.length > count : Boolean(first && cursor),
            startCursor: edges[0]?.cursor ?? null,
            endCursor: edges.at(-1)?.cursor ?? null,
        },
    };
}

// A connection over a table's records. sort: [name, function of a record to its sort values, descending].
function connection(table, args, info, [name, keysOf, descending = false], keep) {
    checkPage(args, info.fieldName, wantsEdges(info));
    const all = sorted(table, name, keysOf);
    const entries = keep ? all.filter((entry) => keep(entry.record)) : all;

    return { ...page(entries, args, descending), totalCount: entries.length };
}

module.exports = { connection };
