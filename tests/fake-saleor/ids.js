// ids.js: Saleor's global ids, base64 of "Type:key", where the key is a number or a UUID.
'use strict';

const { refuse } = require('./errors');

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const globalId = (type, key) => Buffer.from(`${type}:${key}`).toString('base64');

function split(id) {
    const text = Buffer.from(String(id), 'base64').toString('utf8');
    const colon = text.indexOf(':');
    const key = text.slice(colon + 1);

    if (colon < 1 || !(/^-?\d+$/.test(key) || UUID.test(key)) || globalId(text.slice(0, colon), key) !== String(id))
        return null;
    return { type: text.slice(0, colon), key: UUID.test(key) ? key.toLowerCase() : Number(key) };
}

// Why it is not an id of that type, or null.
function faultOf(id, type) {
    const parts = split(id);

    if (!parts) return `Invalid ID: ${id}. Expected: ${type}.`;
    return parts.type === type ? null : `Invalid ID: ${id}. Expected: ${type}, received: ${parts.type}.`;
}

// The record that an id of an input names; an error at that field when it is no such id or there is no such record.
function resolveId(table, id, field = 'id') {
    const fault = faultOf(id, table.type);
    const record = fault ? null : table.get(split(id).key);

    if (fault) refuse(field, fault, 'GRAPHQL_ERROR');
    return record || refuse(field, `Couldn't resolve to a node: ${id}`, 'NOT_FOUND');
}

// The records of a list of ids; Saleor says of one that is missing what it says of one that is no id.
function resolveIds(table, ids, field) {
    return ids.map((id) => {
        const fault = faultOf(id, table.type);

        return (
            (!fault && table.get(split(id).key)) ||
            refuse(
                field,
                fault || `Could not resolve to a node with the global id list of '${JSON.stringify(ids)}'.`,
                'GRAPHQL_ERROR',
            )
        );
    });
}

// One of two ways to name a record, and only one.
function exactlyOne(names, values) {
    const given = names.filter((name, index) => values[index]);

    if (given.length === 1) return;
    refuse(
        null,
        given.length
            ? `Argument '${given[0]}' cannot be combined with ${given
                  .slice(1)
                  .map((name) => `'${name}'`)
                  .join(', ')}`
            : `At least one of arguments is required: ${names.map((name) => `'${name}'`).join(', ')}.`,
        'GRAPHQL_ERROR',
    );
}

// A record by id, externalReference or (of: ['sku', …]) another unique name.
function resolveOne(table, args, of = []) {
    const names = ['id', 'externalReference', ...of];
    const name = names.find((wanted) => args[wanted]);

    exactlyOne(
        names.map((each) => each.replace('R', '_r')),
        names.map((each) => args[each]),
    );
    if (name === 'id') return resolveId(table, args.id);
    return table.find(name, args[name]) || refuse(name, `Couldn't resolve to a node: ${args[name]}`, 'NOT_FOUND');
}

module.exports = { globalId, split, faultOf, resolveId, resolveIds, exactlyOne, resolveOne };
