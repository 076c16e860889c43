// cost.js: what a document costs, counted as Saleor does: a list costs what its `first` or `last` asks for, and what stands inside it
// as often. Fields without an entry are free. (Numbers: saleor/graphql/query_cost_map.py.)
'use strict';

const { Kind, getNamedType, getArgumentValues } = require('./graphql');

const LIST = ['first', 'last'];
const lists = (names) => Object.fromEntries(names.split(' ').map((name) => [name, LIST]));
const singles = (names) => Object.fromEntries(names.split(' ').map((name) => [name, null]));

// Type → field → arguments that multiply; null for a field that costs one.
const COSTS = {
    Query: {
        ...singles('user product productVariant order channel channels warehouse productType category stock'),
        ...lists('customers products productVariants orders warehouses productTypes categories taxClasses stocks'),
    },
    User: lists('orders'),
    Product: {
        ...singles('category channelListings defaultVariant description productType variants'),
        ...lists('productVariants'),
    },
    ProductChannelListing: singles('channel'),
    ProductVariant: singles('channelListings product'),
    ProductVariantChannelListing: singles('channel'),
    Order: singles('billingAddress channel fulfillments lines shippingAddress user'),
    OrderLine: singles('variant'),
    Fulfillment: singles('lines warehouse'),
    FulfillmentLine: singles('orderLine'),
    Stock: singles('productVariant'),
};

const product = (numbers) => numbers.reduce((result, number) => result * number, 1);

function argumentsOf(definition, node, variables) {
    try {
        return getArgumentValues(definition, node, variables);
    } catch {
        return {};
    }
}

function fieldCost(schema, fragments, variables, type, node, multipliers) {
    const definition = type.getFields?.()[node.name.value];

    if (!definition) return 0;
    const costs = COSTS[type.name] || {};
    const known = node.name.value in costs;
    const args = argumentsOf(definition, node, variables);
    const factors = (costs[node.name.value] || []).map((name) => args[name]).filter((value) => value > 0);
    const inside = factors.length ? [...multipliers, factors.reduce((total, value) => total + value, 0)] : multipliers;

    return (
        (known ? product(inside) : 0) +
        selectionCost(schema, fragments, variables, getNamedType(definition.type), node.selectionSet, inside)
    );
}

function selectionCost(schema, fragments, variables, type, selectionSet, multipliers) {
    const byType = new Map();
    let total = 0;

    for (const node of selectionSet?.selections || []) {
        if (node.kind === Kind.FIELD) {
            total += fieldCost(schema, fragments, variables, type, node, multipliers);
            continue;
        }
        const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments[node.name.value];
        const name = fragment?.typeCondition ? fragment.typeCondition.name.value : type.name;

        if (!fragment || !schema.getType(name)) continue;
        byType.set(
            name,
            (byType.get(name) || 0) +
                selectionCost(schema, fragments, variables, schema.getType(name), fragment.selectionSet, multipliers),
        );
    }
    return total + Math.max(0, ...byType.values());
}

function documentCost(schema, document, variables) {
    const fragments = Object.fromEntries(
        document.definitions
            .filter((each) => each.kind === Kind.FRAGMENT_DEFINITION)
            .map((each) => [each.name.value, each]),
    );

    return document.definitions
        .filter((each) => each.kind === Kind.OPERATION_DEFINITION)
        .reduce(
            (total, each) =>
                total +
                selectionCost(schema, fragments, variables, schema.getRootType(each.operation), each.selectionSet, []),
            0,
        );
}

module.exports = { documentCost };
