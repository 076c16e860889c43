// documents.js: parses and validates documents, once each: 1,000 are kept. Also what can be said of a document before it
// runs: its fields at the root, aliases and mutations, and the limits that Saleor sets to them.
'use strict';

const { GraphQLError, Kind, parse, validate, visit } = require('./graphql');

const KEPT = 1000;
const KEPT_LENGTH = 100000; // longer ones are read each time

class Documents {
    constructor(schema) {
        this.schema = schema;
        this.kept = new Map();
    }

    // {document, errors, roots: [{operation, name, alias, field}], aliases, mutations}
    get(text) {
        let known = this.kept.get(text);

        if (!known) {
            known = this.read(text);
            if (text.length > KEPT_LENGTH) return known;
            if (this.kept.size >= KEPT) this.kept.delete(this.kept.keys().next().value);
            this.kept.set(text, known);
        }
        return known;
    }

    read(text) {
        const nothing = { document: null, roots: [], aliases: 0, mutations: 0 };

        try {
            const document = parse(text, { maxTokens: 200000 });

            return { ...describe(document), document, errors: validate(this.schema, document) };
        } catch (error) {
            error.exception = 'GraphQLSyntaxError';
            return { ...nothing, errors: [error] };
        }
    }
}

function describe(document) {
    const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
    const roots = operations.flatMap((each) =>
        each.selectionSet.selections
            .filter((node) => node.kind === Kind.FIELD)
            .map((node) => ({
                operation: each.operation,
                name: each.name?.value || null,
                alias: node.alias?.value || null,
                field: node.name.value,
            })),
    );
    let aliases = 0;

    visit(document, {
        Field: (node) => {
            aliases += node.alias ? 1 : 0;
        },
    });
    return {
        roots,
        aliases,
        mutations: operations
            .filter((each) => each.operation === 'mutation')
            .reduce((total, each) => total + each.selectionSet.selections.length, 0),
    };
}

// What exceeds the limits {mutations, aliases, cost}: errors of the whole document.
function limitErrors({ aliases, mutations }, cost, limits) {
    const errors = [];
    const over = (message, exception, extensions) =>
        errors.push(Object.assign(new GraphQLError(message, { extensions }), { exception }));

    if (cost > limits.cost)
        over(`The query exceeds the maximum cost of ${limits.cost}. Actual cost is ${cost}`, 'QueryCostError', {
            cost: { requestedQueryCost: cost, maximumAvailable: limits.cost },
        });
    if (aliases > limits.aliases) over(`Number of aliases exceed the limit of ${limits.aliases}`, 'GraphQLError');
    if (mutations > limits.mutations)
        over(`Number of mutations exceed the limit of ${limits.mutations}`, 'GraphQLError');
    return errors;
}

module.exports = { Documents, limitErrors };
