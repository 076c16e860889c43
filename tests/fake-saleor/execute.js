// execute.js: one request's document, from text to answer {status, body}. The resolvers of Query and Mutation are wrapped here: right
// to do it, faults that are wished for, and a mutation's Refused, which becomes its list of errors.
'use strict';

const fs = require('fs');
const path = require('path');
const { GraphQLError, buildSchema, execute } = require('./graphql');
const { Refused, PermissionDenied } = require('./errors');
const { Documents, limitErrors } = require('./documents');
const { documentCost } = require('./cost');
const { giveScalars } = require('./scalars');
const { giveTypes } = require('./types');
const { queries } = require('./queries');

const mutations = Object.assign(
    {},
    ...['customers', 'products', 'variants', 'order_create', 'order_ways', 'metadata'].map(
        (name) => require(`./${name}`).mutations,
    ),
);

const PERMISSIONS = [
    [/^(user|customers?)/, ['MANAGE_USERS']],
    [/^orderBulkCreate$/, ['MANAGE_ORDERS_IMPORT']],
    [/^orders?/, ['MANAGE_ORDERS']],
    [/^channels?$/, ['AUTHENTICATED_APP', 'AUTHENTICATED_STAFF_USER']],
    [/^(warehouse|stock)s?$/, ['MANAGE_PRODUCTS', 'MANAGE_ORDERS']],
    [/^product\w+(Create|Update|Delete)$/, ['MANAGE_PRODUCTS']],
    [/^(update|delete)\w*Metadata$/, ['MANAGE_USERS', 'MANAGE_PRODUCTS', 'MANAGE_ORDERS']],
];

function checkPermission(field, { may }) {
    const [, permissions] = PERMISSIONS.find(([pattern]) => pattern.test(field)) || [];

    if (permissions && !permissions.some(may)) throw new PermissionDenied(permissions);
}

function wrap(name, resolve, isMutation) {
    return (source, args, context, info) => {
        const fault = context.aliasFault?.(info.path.key, name, args);

        checkPermission(name, context);
        if (fault?.document) throw new GraphQLError(fault.document);
        if (fault?.errors) return { errors: fault.errors };
        try {
            const result = resolve(args, context, info);

            context.count(name, 'done');
            return isMutation ? { errors: [], ...result } : result;
        } catch (error) {
            context.count(name, 'refused');
            if (!isMutation || !(error instanceof Refused)) throw error;
            return { errors: error.list, ...(name === 'orderBulkCreate' && { count: 0, results: [] }) };
        }
    };
}

function loadSchema() {
    const schema = buildSchema(fs.readFileSync(path.join(__dirname, 'schema.graphql'), 'utf8'));

    giveScalars(schema);
    giveTypes(schema);
    for (const [type, table] of [
        [schema.getQueryType(), queries],
        [schema.getMutationType(), mutations],
    ])
        for (const [name, field] of Object.entries(type.getFields()))
            field.resolve = wrap(name, table[name], type === schema.getMutationType());
    return schema;
}

// Saleor's form of an error: hidden texts do not go out, the exception's name always does.
function formatError(error) {
    const cause = error.originalError || error;
    const hidden =
        cause.hidden ||
        (error.originalError && !cause.exception && !(cause instanceof GraphQLError) && !(cause instanceof Refused));
    const formatted = error.toJSON ? error.toJSON() : { message: error.message };
    const code = cause.exception || (hidden ? cause.name : 'GraphQLError');

    return {
        ...formatted,
        message: hidden ? 'Internal Server Error' : formatted.message,
        extensions: { ...formatted.extensions, exception: { code } },
    };
}

const refused = (errors, extensions) => ({
    status: 400,
    body: { errors: errors.map(formatError), ...(extensions && { extensions }) },
});

class Executor {
    constructor() {
        this.schema = loadSchema();
        this.documents = new Documents(this.schema);
    }

    // request: the parsed body. context: what resolvers get, with `limits`. Tells context.seen(description, cost) on the way.
    run({ query, variables, operationName }, context) {
        if (typeof query !== 'string' || !query) return refused([new GraphQLError('Must provide a query string.')]);
        const known = this.documents.get(query);
        const values = variables && typeof variables === 'object' && !Array.isArray(variables) ? variables : {};
        const cost = known.document ? documentCost(this.schema, known.document, values) : 1;
        const extensions = { cost: { requestedQueryCost: cost, maximumAvailable: context.limits.cost } };

        context.seen(known, cost);
        if (known.errors.length) return refused(known.errors, known.document ? extensions : undefined);
        const over = limitErrors(known, cost, context.limits);

        if (over.length) return refused(over, extensions);
        return this.execute(
            known.document,
            values,
            typeof operationName === 'string' ? operationName : undefined,
            context,
            extensions,
        );
    }

    // Resolvers are synchronous, so is the result.
    execute(document, variableValues, operationName, contextValue, extensions) {
        const result = execute({
            schema: this.schema,
            document,
            variableValues,
            operationName,
            contextValue,
            rootValue: contextValue.rootValue,
        });

        if (!('data' in result)) return refused(result.errors, extensions);
        for (const error of result.errors || []) contextValue.failed?.(error);
        return {
            status: 200,
            body: { ...(result.errors && { errors: result.errors.map(formatError) }), data: result.data, extensions },
        };
    }
}

module.exports = { Executor, mutations };
