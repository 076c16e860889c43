// queries.js: looking things up, one by one and in lists.
'use strict';

const { GraphQLError } = require('./graphql');
const { split, faultOf } = require('./ids');
const { connection } = require('./lists');
const { keeper } = require('./filters');

const iso = (moment) => new Date(moment).toISOString();

// Exactly one of the names, else an error of the document.
function onlyOne(args, names) {
    const given = names.filter((name) => args[name]);

    if (given.length > 1)
        throw new GraphQLError(
            `Argument '${given[0]}' cannot be combined with ${given
                .slice(1)
                .map((name) => `'${name}'`)
                .join(', ')}`,
        );
    if (!given.length)
        throw new GraphQLError(
            `At least one of arguments is required: ${names.map((name) => `'${name}'`).join(', ')}.`,
        );
    return given[0];
}

function one(table, args, names) {
    const name = onlyOne(args, names);
    const fault = name === 'id' ? faultOf(args.id, table.type) : null;

    if (fault && !split(args.id)) throw new GraphQLError(fault);
    if (name === 'id') return fault ? null : table.get(split(args.id).key);
    return table.find(name, name === 'email' ? args.email.toLowerCase() : args[name]);
}

// By field of the sort input: a record's sort values. Where nothing is asked for, Saleor's own order.
const SORTS = {
    User: {
        default: (user) => [user.email],
        EMAIL: (user) => [user.email],
        CREATED_AT: (user) => [iso(user.dateJoined), user.key],
        LAST_MODIFIED_AT: (user) => [iso(user.updatedAt), user.key],
        FIRST_NAME: (user) => [user.firstName, user.lastName, user.key],
        LAST_NAME: (user) => [user.lastName, user.firstName, user.key],
    },
    Product: {
        default: (product) => [product.slug],
        NAME: (product) => [product.name, product.slug],
        LAST_MODIFIED: (product) => [iso(product.updatedAt), product.name, product.slug],
        LAST_MODIFIED_AT: (product) => [iso(product.updatedAt), product.name, product.slug],
        DATE: (product) => [iso(product.updatedAt), product.name, product.slug],
        CREATED_AT: (product) => [iso(product.created), product.name, product.slug],
    },
    ProductVariant: {
        default: (variant) => [variant.sku || '', variant.key],
        LAST_MODIFIED_AT: (variant) => [iso(variant.updatedAt), variant.name, variant.key],
    },
    Order: {
        default: (order) => [Number(order.number)],
        NUMBER: (order) => [Number(order.number)],
        CREATION_DATE: (order) => [iso(order.created), order.status, Number(order.number)],
        CREATED_AT: (order) => [iso(order.created), order.status, Number(order.number)],
        LAST_MODIFIED_AT: (order) => [iso(order.updatedAt), order.status, Number(order.number)],
        STATUS: (order) => [order.status, Number(order.number)],
    },
};
const bySlug = (record) => [record.slug ?? String(record.key), String(record.key)];

function list(table, args, info, more) {
    const field = args.sortBy?.field || 'default';
    const keysOf = (SORTS[table.type] || {})[field] || bySlug;
    const descending = args.sortBy ? args.sortBy.direction === 'DESC' : table.type === 'Order';
    const keep = keeper(table.type, args);

    return connection(
        table,
        args,
        info,
        [field, keysOf, descending],
        keep && more ? (record) => keep(record) && more(record) : keep || more,
    );
}

const pages =
    (name) =>
    (args, { shop }, info) =>
        list(shop[name], args, info);
const look =
    (name, names) =>
    (args, { shop }) =>
        one(shop[name], args, names);

const queries = {
    user: look('users', ['id', 'email', 'externalReference']),
    customers: (args, { shop }, info) => list(shop.users, args, info, (user) => !user.isStaff),
    product: (args, { shop, visible }) => {
        const product = one(shop.products, args, ['id', 'externalReference', 'slug']);

        return product && visible(product, args.channel) ? product : null;
    },
    products: (args, { shop, visible }, info) =>
        list(shop.products, args, info, (product) => visible(product, args.channel)),
    productVariant: (args, { shop, visible }) => {
        const variant = one(shop.variants, args, ['id', 'sku', 'externalReference']);

        return variant && visible(variant.product, args.channel) ? variant : null;
    },
    productVariants: (args, { shop, visible }, info) =>
        list(shop.variants, args, info, (variant) => visible(variant.product, args.channel)),
    order: look('orders', ['id', 'externalReference']),
    orders: (args, { shop }, info) =>
        list(shop.orders, args, info, (order) => !args.channel || order.channel.slug === args.channel),
    channel: look('channels', ['id', 'slug']),
    channels: (args, { shop }) => shop.channels.all(),
    warehouse: look('warehouses', ['id', 'externalReference']),
    warehouses: pages('warehouses'),
    productType: look('productTypes', ['id']),
    productTypes: pages('productTypes'),
    category: look('categories', ['id', 'slug']),
    categories: pages('categories'),
    taxClasses: pages('taxClasses'),
    stock: look('stocks', ['id']),
    stocks: pages('stocks'),
    shop: (args, { shop }) => shop,
};

module.exports = { queries, list };
