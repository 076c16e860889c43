// variants.js: product variants, their prices in channels and their stocks in warehouses.
'use strict';

const { Checks, textOr } = require('./fields');
const { refuse, Internal } = require('./errors');
const { globalId, resolveId, resolveIds, resolveOne, exactlyOne } = require('./ids');
const { decimalPlaces, fractionDigits } = require('./money');
const { removeVariant } = require('./products');
const { storeBoth } = require('./metadata');

const trimmed = (sku) => (sku || '').trim() || null;

function newVariant(product) {
    const now = new Date();

    return {
        product,
        name: '',
        sku: null,
        trackInventory: true,
        weight: null,
        quantityLimitPerCustomer: null,
        externalReference: null,
        listings: new Map(),
        stocks: new Map(),
        metadata: {},
        privateMetadata: {},
        created: now,
        updatedAt: now,
    };
}

function changed(variant, input) {
    const copy = { ...variant, metadata: { ...variant.metadata }, privateMetadata: { ...variant.privateMetadata } };

    if (input.weight && input.weight.value < 0)
        refuse('weight', "Product variant can't have negative weight.", 'INVALID');
    if ((input.quantityLimitPerCustomer ?? 1) < 1)
        refuse(
            'quantityLimitPerCustomer',
            "Product variant can't have quantity_limit_per_customer lower than 1.",
            'INVALID',
        );
    if (input.attributes?.length)
        refuse('attributes', 'Given attributes are not a variant attributes.', 'ATTRIBUTE_CANNOT_BE_ASSIGNED');
    copy.name = textOr(input.name, variant.name);
    if (input.sku !== undefined) copy.sku = trimmed(input.sku);
    if (typeof input.trackInventory === 'boolean') copy.trackInventory = input.trackInventory;
    for (const field of ['weight', 'quantityLimitPerCustomer', 'externalReference'])
        if (input[field] !== undefined) copy[field] = input[field];
    return copy;
}

function check(shop, copy, variant) {
    const checks = new Checks();

    checks.text('name', copy.name, 255);
    checks.text('sku', copy.sku, 255);
    checks.text('externalReference', copy.externalReference, 250);
    for (const [index, label] of [
        ['sku', 'SKU'],
        ['externalReference', 'External reference'],
    ])
        if (shop.variants.taken(index, copy[index], variant))
            checks.add(index, `Product variant with this ${label} already exists.`, 'UNIQUE');
    checks.end();
}

// ── stocks ──

function checkStocks(stocks) {
    const ids = stocks.map((stock) => stock.warehouse);
    const checks = new Checks();

    ids.forEach((id, index) => {
        if (ids.indexOf(id) !== index) checks.add('warehouse', 'Duplicated warehouse ID.', 'UNIQUE', { index });
    });
    checks.end();
    if (stocks.some((stock) => stock.quantity < 0)) throw new Internal('IntegrityError', 'a stock below zero');
    return ids;
}

// Sets the quantity in a warehouse and tells what that makes of the availability.
function setStock(shop, variant, warehouse, quantity, emit) {
    const stock = variant.stocks.get(warehouse.key) || {
        key: shop.stocks.nextKey(),
        warehouse,
        productVariant: variant,
        quantity: 0,
        quantityAllocated: 0,
        quantityReserved: 0,
    };
    const [before, now] = [stock.quantity - stock.quantityAllocated, quantity - stock.quantityAllocated];
    const subject = { productVariant: variant, warehouse };

    stock.quantity = quantity;
    variant.stocks.set(warehouse.key, stock);
    shop.stocks.put(stock);
    if (before <= 0 && now > 0) emit('product_variant_back_in_stock', subject);
    if (before > 0 && now <= 0) emit('product_variant_out_of_stock', subject);
    return subject;
}

function productVariantStocksUpdate({ variantId, sku, stocks }, { shop, emit }) {
    exactlyOne(['sku', 'variant_id'], [sku, variantId]);
    const productVariant = variantId
        ? resolveId(shop.variants, variantId)
        : shop.variants.find('sku', sku) || refuse('sku', `Couldn't resolve to a node: ${sku}`, 'NOT_FOUND');
    const warehouses = resolveIds(shop.warehouses, checkStocks(stocks), 'warehouse');

    stocks.forEach(({ quantity }, index) => {
        emit('product_variant_stock_updated', setStock(shop, productVariant, warehouses[index], quantity, emit));
    });
    return { productVariant };
}

function productVariantStocksCreate({ variantId, stocks }, { shop, emit }) {
    const productVariant = resolveId(shop.variants, variantId, 'id');
    const warehouses = resolveIds(shop.warehouses, checkStocks(stocks), 'warehouse');
    const there = new Checks();

    warehouses.forEach((warehouse, index) => {
        if (productVariant.stocks.has(warehouse.key))
            there.add('warehouse', 'Stock for this warehouse already exists for this product variant.', 'UNIQUE', {
                index,
            });
    });
    there.end();
    stocks.forEach(({ quantity }, index) => setStock(shop, productVariant, warehouses[index], quantity, emit));
    return { productVariant };
}

function productVariantStocksDelete({ variantId, sku, warehouseIds }, { shop }) {
    exactlyOne(['sku', 'variant_id'], [sku, variantId]);
    const productVariant = variantId
        ? resolveId(shop.variants, variantId)
        : shop.variants.find('sku', sku) || refuse('sku', `Couldn't resolve to a node: ${sku}`, 'NOT_FOUND');

    for (const warehouse of resolveIds(shop.warehouses, warehouseIds || [], 'warehouseIds')) {
        const stock = productVariant.stocks.get(warehouse.key);

        if (stock) shop.stocks.remove(stock);
        productVariant.stocks.delete(warehouse.key);
    }
    return { productVariant };
}

// ── variants ──

function productVariantCreate({ input }, { shop, emit }) {
    const product = resolveId(shop.products, input.product, 'product');
    const variant = changed(newVariant(product), input);
    const stocks = input.stocks || [];
    const ids = stocks.map((stock) => stock.warehouse);

    if (new Set(ids).size !== ids.length) refuse('stocks', `Duplicated warehouse ID: ${ids[0]}`, 'UNIQUE');
    const warehouses = resolveIds(shop.warehouses, checkStocks(stocks), 'warehouse');

    storeBoth(variant, input);
    check(shop, variant, null);
    variant.key = shop.variants.nextKey();
    variant.name = variant.name || variant.sku || globalId('ProductVariant', variant.key);
    shop.variants.put(variant);
    product.variants.push(variant);
    product.defaultVariant = product.defaultVariant || variant;
    product.updatedAt = new Date();
    stocks.forEach(({ quantity }, index) => setStock(shop, variant, warehouses[index], quantity, () => {}));
    emit('product_variant_created', { productVariant: variant });
    return { productVariant: variant };
}

function productVariantUpdate(args, { shop, emit, legacyUpdates }) {
    const variant = resolveOne(shop.variants, args, ['sku']);
    const copy = changed(variant, args.input);
    const metadata = storeBoth(copy, args.input);

    check(shop, copy, variant);
    const fields = Object.keys(copy).some((name) => !name.endsWith('etadata') && copy[name] !== variant[name]);

    if (fields || metadata) copy.updatedAt = new Date();
    shop.variants.put(Object.assign(variant, copy));
    if (fields || (metadata && legacyUpdates)) emit('product_variant_updated', { productVariant: variant });
    if (metadata) emit('product_variant_metadata_updated', { productVariant: variant });
    return { productVariant: variant };
}

function productVariantDelete(args, { shop, emit }) {
    const variant = resolveOne(shop.variants, args, ['sku']);
    const { product } = variant;

    removeVariant(shop, variant);
    product.variants = product.variants.filter((each) => each !== variant);
    if (product.defaultVariant === variant) product.defaultVariant = product.variants[0] || null;
    emit('product_variant_deleted', { productVariant: variant });
    return { productVariant: variant };
}

// ── prices ──

function checkPrices(checks, input, channel) {
    for (const field of ['price', 'costPrice', 'priorPrice']) {
        const most = fractionDigits(channel.currencyCode);

        if (input[field] && decimalPlaces(input[field]) > most)
            checks.add(field, `Value cannot have more than ${most} decimal places.`, 'INVALID', {
                channels: [input.channelId],
            });
        if (input[field] && Number(input[field]) >= 1e17) throw new Internal('DataError', 'numeric field overflow');
    }
}

function productVariantChannelListingUpdate({ id, sku, input }, { shop, emit }) {
    exactlyOne(['sku', 'id'], [sku, id]);
    const variant = id
        ? resolveId(shop.variants, id)
        : shop.variants.find('sku', sku) || refuse('sku', `Couldn't resolve to a node: ${sku}`, 'NOT_FOUND');
    const ids = input.map((each) => each.channelId);
    const checks = new Checks();

    if (new Set(ids).size !== ids.length)
        refuse('channelId', 'Duplicated channel ID.', 'DUPLICATED_INPUT_ITEM', { channels: ids });
    const channels = resolveIds(shop.channels, ids, 'channelId');
    const outside = ids.filter((channelId, index) => !variant.product.listings.has(channels[index].key));

    if (outside.length)
        checks.add('input', 'Product not available in channels.', 'PRODUCT_NOT_ASSIGNED_TO_CHANNEL', {
            channels: outside,
        });
    input.forEach((each, index) => checkPrices(checks, each, channels[index]));
    checks.end();
    input.forEach((each, index) => {
        const channel = channels[index];
        const listing = variant.listings.get(channel.key) || {
            key: ++shop.listing,
            channel,
            price: null,
            costPrice: null,
            priorPrice: null,
        };

        for (const field of ['price', 'costPrice', 'priorPrice'])
            if (each[field] !== undefined) listing[field] = each[field];
        variant.listings.set(channel.key, listing);
    });
    emit('product_variant_updated', { productVariant: variant });
    return { variant };
}

module.exports = {
    setStock,
    mutations: {
        productVariantCreate,
        productVariantUpdate,
        productVariantDelete,
        productVariantStocksUpdate,
        productVariantStocksCreate,
        productVariantStocksDelete,
        productVariantChannelListingUpdate,
    },
};
