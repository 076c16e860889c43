// types.js: how the fields of Saleor's types come out of the records; what is not named here is the record's member of that name.
'use strict';

const { globalId } = require('./ids');
const { items } = require('./metadata');
const { money, taxed } = require('./money');
const { list } = require('./queries');

const VERSION = '3.23.0';
const COUNTRY_NAMES = new Intl.DisplayNames(['en'], { type: 'region' });

const country = (code) => ({ code, country: (code && COUNTRY_NAMES.of(code)) || '' });
const price = (field) => (listing) =>
    listing[field] === null ? null : money(listing[field], listing.channel.currencyCode);
const inCurrency = (field) => (record) => taxed(record[field], record.currency);
const hidden = (product, { visible }, channel) => !visible(product, channel);
const existing = (table) => (record, shop) => (record && shop[table].get(record.key) === record ? record : null);
const [stillUser, stillVariant] = [existing('users'), existing('variants')];
const available = (listing) => Boolean(listing.availableForPurchaseAt && listing.availableForPurchaseAt <= new Date());

const metadata = {
    metadata: (record) => items(record.metadata),
    privateMetadata: (record) => items(record.privateMetadata),
    metafield: (record, { key }) => record.metadata?.[key] ?? null,
    privateMetafield: (record, { key }) => record.privateMetadata?.[key] ?? null,
};

const types = {
    User: { orders: (user, args, { shop }, info) => list(shop.orders, args, info, (order) => order.user === user) },
    Address: {
        country: (address) => country(address.country),
        isDefaultShippingAddress: () => null,
        isDefaultBillingAddress: () => null,
    },
    Product: {
        channel: () => null,
        channelListings: (product) => [...product.listings.values()],
        productVariants: (product, args, { shop }, info) =>
            list(shop.variants, args, info, (variant) => variant.product === product),
        isAvailableForPurchase: (product) => [...product.listings.values()].some(available),
    },
    ProductVariant: {
        channel: () => null,
        product: (variant, args, context) => (hidden(variant.product, context) ? null : variant.product),
        channelListings: (variant) => [...variant.listings.values()],
        stocks: (variant) => [...variant.stocks.values()],
        quantityAvailable: (variant) =>
            Math.min(
                50,
                [...variant.stocks.values()].reduce((total, stock) => total + stock.quantity, 0),
            ),
    },
    ProductChannelListing: { isAvailableForPurchase: available },
    ProductVariantChannelListing: {
        price: price('price'),
        costPrice: price('costPrice'),
        priorPrice: price('priorPrice'),
    },
    Channel: {
        defaultCountry: (channel) => country(channel.country),
        warehouses: (channel, args, { shop }) => shop.warehouses.all(),
        hasOrders: (channel, args, { shop }) => shop.orders.all().some((order) => order.channel === channel),
    },
    Order: {
        user: (order, args, { shop }) => stillUser(order.user, shop),
        total: inCurrency('total'),
        undiscountedTotal: inCurrency('undiscountedTotal'),
        subtotal: inCurrency('total'),
        shippingPrice: (order) => taxed({ gross: 0, net: 0 }, order.currency),
        totalCharged: (order) => money(order.paid ? order.total.gross : 0, order.currency),
        totalBalance: (order) => money(order.paid ? 0 : -order.total.gross, order.currency),
        isPaid: (order) => Boolean(order.paid),
        chargeStatus: (order) => (order.paid ? 'FULL' : 'NONE'),
        authorizeStatus: (order) => (order.paid ? 'FULL' : 'NONE'),
        statusDisplay: (order) => order.status[0] + order.status.slice(1).toLowerCase().replace(/_/g, ' '),
        isShippingRequired: (order) => order.lines.some((line) => line.isShippingRequired),
    },
    OrderLine: {
        variant: (line, args, { shop }) => stillVariant(line.variant, shop),
        productVariantId: (line) => (line.variantKey === null ? null : globalId('ProductVariant', line.variantKey)),
        quantityToFulfill: (line) => line.quantity - line.quantityFulfilled,
        unitPrice: inCurrency('unitPrice'),
        undiscountedUnitPrice: inCurrency('undiscountedUnitPrice'),
        totalPrice: inCurrency('totalPrice'),
        undiscountedTotalPrice: inCurrency('undiscountedTotalPrice'),
    },
    Fulfillment: {
        statusDisplay: (fulfillment) =>
            fulfillment.status[0] + fulfillment.status.slice(1).toLowerCase().replace(/_/g, ' '),
    },
    Shop: {
        id: () => globalId('Shop', 1),
        name: () => 'Saleor e-commerce',
        version: () => VERSION,
        schemaVersion: () => VERSION.slice(0, 4),
        domain: (shop, args, { domain }) => ({ host: domain, sslEnabled: false, url: `http://${domain}/` }),
        channelCurrencies: (shop) => shop.channels.all().map((channel) => channel.currencyCode),
        defaultCountry: () => country('IN'),
        fulfillmentAutoApprove: () => true,
        fulfillmentAllowUnpaid: () => true,
        trackInventoryByDefault: () => true,
        allowStorefrontTraffic: (shop, args, { storefront }) => storefront,
    },
};

// What every event of a webhook says of itself, whatever it is about.
const event = {
    issuedAt: (source) => source.issuedAt,
    version: () => VERSION,
    issuingPrincipal: (source) => source.principal,
    recipient: (source, args, { app }) => app,
};

const isEvent = (type) => type.getInterfaces?.().some((each) => each.name === 'Event');

// Which table a record of an interface or union belongs to is told by its members.
function typeName(record) {
    if (record.eventType) return record.eventType;
    if (record.isApp) return 'App';
    if (record.email !== undefined && record.firstName !== undefined) return 'User';
    if (record.number !== undefined) return 'Order';
    if (record.productType !== undefined) return 'Product';
    if (record.stocks !== undefined) return 'ProductVariant';
    if (record.orderLine !== undefined || record.productName !== undefined) return 'OrderLine';
    return record.fulfillmentOrder !== undefined ? 'Fulfillment' : 'Warehouse';
}

function giveTypes(schema) {
    for (const type of Object.values(schema.getTypeMap())) {
        if (!type.getFields || type.name.startsWith('__')) continue;
        const own = types[type.name] || (isEvent(type) ? event : {});

        for (const [name, field] of Object.entries(type.getFields())) {
            if (own[name]) field.resolve = own[name];
            else if (metadata[name] && type.getFields().privateMetafield) field.resolve = metadata[name];
            else if (name === 'id' && !own.id) field.resolve = (record) => globalId(type.name, record.key);
        }
    }
    for (const name of ['Event', 'ObjectWithMetadata', 'Node', 'IssuingPrincipal'])
        schema.getType(name).resolveType = typeName;
}

module.exports = { giveTypes, VERSION };
