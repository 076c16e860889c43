// scalars.js: Saleor's own scalars. Decimals keep their digits as text: what a price says must not depend on doubles.
'use strict';

const { Kind, GraphQLError } = require('./graphql');

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i;

function positiveDecimal(value) {
    const text = String(value).trim();

    if (typeof value === 'boolean' || typeof value === 'object' || !DECIMAL.test(text) || !(Number(text) >= 0))
        throw new GraphQLError(`Expected type "PositiveDecimal", found ${JSON.stringify(value)}.`);
    return text;
}

function dateTime(value) {
    const moment = typeof value === 'string' && TIME.test(value) ? new Date(value.replace(' ', 'T')) : null;

    if (!moment || Number.isNaN(moment.getTime()))
        throw new GraphQLError(`Expected type "DateTime", found ${JSON.stringify(value)}.`);
    if (!/(Z|[+-]\d\d:?\d\d)$/i.test(value)) moment.naive = true;
    return moment;
}

function jsonText(value) {
    let parsed = null;

    try {
        parsed = typeof value === 'string' ? JSON.parse(value) : null;
    } catch {
        parsed = null;
    }
    if (parsed === null) throw new GraphQLError(`Expected type "JSONString", found ${JSON.stringify(value)}.`);
    return parsed;
}

function weight(value) {
    if (value && typeof value === 'object')
        return { unit: String(value.unit).toUpperCase(), value: Number(value.value) };
    return {
        unit: 'KG',
        value: Number(positiveDecimal(String(value).replace(/^-/, ''))) * (String(value).startsWith('-') ? -1 : 1),
    };
}

function literal(parse, ...kinds) {
    return (node) => {
        if (!kinds.includes(node.kind)) throw new GraphQLError(`${node.kind} is not such a value.`, { nodes: node });
        return parse(
            node.kind === Kind.OBJECT
                ? Object.fromEntries(node.fields.map((field) => [field.name.value, field.value.value]))
                : node.value,
        );
    };
}

// Fills the scalars of a schema that was built from text.
function giveScalars(schema) {
    const of = (name, serialize, parse, ...kinds) =>
        Object.assign(schema.getType(name), { serialize, parseValue: parse, parseLiteral: literal(parse, ...kinds) });

    of('PositiveDecimal', Number, positiveDecimal, Kind.INT, Kind.FLOAT);
    of('DateTime', (value) => new Date(value).toISOString().replace('Z', '+00:00'), dateTime, Kind.STRING);
    of('JSONString', (value) => JSON.stringify(value), jsonText, Kind.STRING);
    of('WeightScalar', (value) => value, weight, Kind.INT, Kind.FLOAT, Kind.STRING, Kind.OBJECT);
}

module.exports = { giveScalars };
