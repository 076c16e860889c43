// inspect.js: what the shop holds, as tests want to see it: flat, with the ids that the API uses.
'use strict';

const { globalId } = require('./ids');

const price = (variant) =>
    Object.fromEntries(
        [...variant.listings.values()].map((listing) => [
            listing.channel.slug,
            listing.price === null ? null : { amount: Number(listing.price), currency: listing.channel.currencyCode },
        ]),
    );

function customer(user) {
    const {
        email,
        firstName,
        lastName,
        isActive,
        isConfirmed,
        note,
        languageCode,
        externalReference,
        metadata,
        privateMetadata,
    } = user;

    return {
        id: globalId('User', user.key),
        email,
        firstName,
        lastName,
        isActive,
        isConfirmed,
        note,
        languageCode,
        externalReference,
        metadata,
        privateMetadata,
        defaultBillingAddress: user.defaultBillingAddress,
        defaultShippingAddress: user.defaultShippingAddress,
        dateJoined: user.dateJoined,
        updatedAt: user.updatedAt,
    };
}

function variant(record) {
    const { name, sku, externalReference, trackInventory, metadata } = record;

    return {
        id: globalId('ProductVariant', record.key),
        name,
        sku,
        externalReference,
        trackInventory,
        metadata,
        prices: price(record),
        stocks: Object.fromEntries([...record.stocks.values()].map((stock) => [stock.warehouse.slug, stock.quantity])),
    };
}

function product(record) {
    const { name, slug, description, externalReference, metadata, privateMetadata, created, updatedAt } = record;

    return {
        id: globalId('Product', record.key),
        name,
        slug,
        description,
        externalReference,
        metadata,
        privateMetadata,
        created,
        updatedAt,
        productType: record.productType.slug,
        category: record.category?.slug ?? null,
        channels: Object.fromEntries(
            [...record.listings.values()].map((listing) => [
                listing.channel.slug,
                { isPublished: listing.isPublished },
            ]),
        ),
        variants: record.variants.map(variant),
    };
}

function order(record) {
    const {
        number,
        status,
        externalReference,
        userEmail,
        currency,
        customerNote,
        metadata,
        privateMetadata,
        created,
        updatedAt,
    } = record;

    return {
        id: globalId('Order', record.key),
        number,
        status,
        externalReference,
        userEmail,
        currency,
        customerNote,
        metadata,
        privateMetadata,
        created,
        updatedAt,
        channel: record.channel.slug,
        customer: record.user ? globalId('User', record.user.key) : null,
        total: record.total,
        billingAddress: record.billingAddress,
        shippingAddress: record.shippingAddress,
        isPaid: Boolean(record.paid),
        lines: record.lines.map((line) => ({
            id: globalId('OrderLine', line.key),
            productName: line.productName,
            sku: line.variant?.sku ?? null,
            quantity: line.quantity,
            quantityFulfilled: line.quantityFulfilled,
            totalPrice: line.totalPrice,
            unitPrice: line.unitPrice,
            variant: line.variantKey === null ? null : globalId('ProductVariant', line.variantKey),
        })),
        fulfillments: record.fulfillments.map((each) => ({
            id: globalId('Fulfillment', each.key),
            status: each.status,
            trackingNumber: each.trackingNumber,
            warehouse: each.warehouse?.slug ?? null,
            quantity: each.lines.reduce((total, line) => total + line.quantity, 0),
        })),
    };
}

const KINDS = {
    customers: ['users', customer, (user) => !user.isStaff],
    products: ['products', product, () => true],
    orders: ['orders', order, () => true],
};

// query: {id, externalReference, email, sku, slug, number} choose; after and limit page.
function records(shop, kind, query) {
    const [table, show, counts] = KINDS[kind];
    const wanted = ['id', 'externalReference', 'email', 'sku', 'slug', 'number'].filter(
        (name) => query[name] !== undefined,
    );
    const all = shop[table].all().filter(counts);
    const after = Number(query.after || 0);
    const fits = (record) =>
        wanted.every((name) =>
            name === 'id'
                ? globalId(shop[table].type, record.key) === query.id
                : name === 'sku'
                  ? record.variants?.some((each) => each.sku === query.sku)
                  : String(record[name]) === query[name],
        );
    const found = wanted.length ? all.filter(fits) : all;

    return {
        count: found.length,
        [kind]: found.slice(after, after + Math.min(Number(query.limit || 1000), 10000)).map(show),
    };
}

// What a configuration has to name: the shop's furniture with its ids.
function places(shop) {
    const show = (table) =>
        shop[table]
            .all()
            .map((record) => ({
                id: globalId(shop[table].type, record.key),
                slug: record.slug,
                name: record.name,
                ...(record.currencyCode && { currency: record.currencyCode }),
            }));

    return {
        channels: show('channels'),
        warehouses: show('warehouses'),
        product_types: show('productTypes'),
        categories: show('categories'),
        tax_classes: show('taxClasses'),
    };
}

module.exports = { KINDS, records, places };
