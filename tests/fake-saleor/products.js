// products.js: productCreate, productUpdate, productDelete and in which channels a product is.
'use strict';

const { Checks, textOr } = require('./fields');
const { refuse, Internal } = require('./errors');
const { resolveId, resolveIds, resolveOne } = require('./ids');
const { storeBoth } = require('./metadata');

function slugOf(shop, name) {
    const plain = name
        .normalize('NFKD')
        .replace(/[^\x00-\x7f]/g, '')
        .toLowerCase();
    const base =
        plain
            .replace(/[^a-z0-9_\s-]/g, '')
            .trim()
            .replace(/[\s-]+/g, '-')
            .replace(/^-+|-+$/g, '')
            .slice(0, 240) || '-';
    let slug = base;

    for (let n = 2; shop.products.find('slug', slug); n++) slug = `${base}-${n}`;
    return slug;
}

function newProduct() {
    const now = new Date();

    return {
        name: '',
        slug: '',
        description: null,
        productType: null,
        category: null,
        taxClass: null,
        weight: null,
        rating: null,
        seoTitle: null,
        seoDescription: null,
        externalReference: null,
        listings: new Map(),
        variants: [],
        defaultVariant: null,
        metadata: {},
        privateMetadata: {},
        created: now,
        updatedAt: now,
    };
}

function relations(shop, product, input) {
    if (input.productType) product.productType = resolveId(shop.productTypes, input.productType, 'productType');
    if (input.category !== undefined)
        product.category = input.category ? resolveId(shop.categories, input.category, 'category') : null;
    if (input.taxClass !== undefined)
        product.taxClass = input.taxClass ? resolveId(shop.taxClasses, input.taxClass, 'taxClass') : null;
    if (input.attributes?.length)
        refuse('attributes', 'Could not resolve to a node: the product type has no attributes.', 'NOT_FOUND');
}

function changed(shop, product, input) {
    const copy = { ...product, metadata: { ...product.metadata }, privateMetadata: { ...product.privateMetadata } };

    if (input.description !== undefined) {
        if (input.description !== null && (typeof input.description !== 'object' || Array.isArray(input.description)))
            throw new Internal('AttributeError', 'a description is an object of Editor.js');
        copy.description = input.description;
    }
    if (input.weight && input.weight.value < 0) refuse('weight', "Product can't have negative weight.", 'INVALID');
    relations(shop, copy, input);
    copy.name = textOr(input.name, product.name);
    for (const field of ['weight', 'rating', 'externalReference'])
        if (input[field] !== undefined) copy[field] = input[field];
    if (input.seo) {
        copy.seoTitle = input.seo.title ?? copy.seoTitle;
        copy.seoDescription = input.seo.description ?? copy.seoDescription;
    }
    return copy;
}

function check(shop, copy, product) {
    const checks = new Checks();

    checks.text('name', copy.name, 250, true);
    checks.text('slug', copy.slug, 255, true);
    checks.text('externalReference', copy.externalReference, 250);
    for (const [index, label] of [
        ['slug', 'Slug'],
        ['externalReference', 'External reference'],
    ])
        if (copy[index] && shop.products.taken(index, copy[index], product))
            checks.add(index, `Product with this ${label} already exists.`, 'UNIQUE');
    checks.end();
}

function productCreate({ input }, { shop, emit }) {
    const product = changed(shop, newProduct(), input);

    product.slug = input.slug || (product.name ? slugOf(shop, product.name) : '');
    storeBoth(product, input);
    check(shop, product, null);
    product.key = shop.products.nextKey();
    shop.products.put(product);
    emit('product_created', { product });
    return { product };
}

function productUpdate(args, { shop, emit }) {
    const product = resolveOne(shop.products, args);
    const copy = changed(shop, product, args.input);

    if (args.input.slug !== undefined) {
        if (!args.input.slug) refuse('slug', 'Slug value cannot be blank.', 'REQUIRED');
        copy.slug = args.input.slug;
    }
    const metadata = storeBoth(copy, args.input);

    check(shop, copy, product);
    Object.assign(product, copy, { updatedAt: new Date() });
    shop.products.put(product);
    emit('product_updated', { product });
    if (metadata) emit('product_metadata_updated', { product });
    return { product };
}

function removeVariant(shop, variant) {
    for (const stock of variant.stocks.values()) shop.stocks.remove(stock);
    shop.variants.remove(variant);
}

function productDelete(args, { shop, emit }) {
    const product = resolveOne(shop.products, args);

    for (const variant of product.variants) removeVariant(shop, variant);
    shop.products.remove(product);
    emit('product_deleted', { product });
    return { product };
}

// ── channels ──

function checkPublication(product, input) {
    const update = input.updateChannels || [];
    const checks = new Checks();
    const early = update.filter((each) => each.availableForPurchaseAt && !each.isAvailableForPurchase);
    const shown = update.filter((each) => each.isPublished === true || each.isAvailableForPurchase === true);
    const ids = update.map((each) => each.channelId).concat(input.removeChannels || []);
    const twice = ids.filter((id, index) => ids.indexOf(id) !== index);

    if (twice.length)
        checks.add(
            'input',
            'The same object cannot be in both lists for adding and removing items.',
            'DUPLICATED_INPUT_ITEM',
            { channels: twice },
        );
    if (early.length)
        checks.add(
            'availableForPurchaseDate',
            'Cannot set available for purchase date when isAvailableForPurchase is false.',
            'INVALID',
            { channels: early.map((each) => each.channelId) },
        );
    if (!product.category && shown.length)
        checks.add('isPublished', 'You must select a category to be able to publish.', 'PRODUCT_WITHOUT_CATEGORY', {
            channels: shown.map((each) => each.channelId),
        });
    checks.end();
}

function listIn(shop, product, channel, input) {
    const listing = product.listings.get(channel.key) || {
        key: ++shop.listing,
        channel,
        isPublished: false,
        publishedAt: null,
        visibleInListings: false,
        availableForPurchaseAt: null,
    };

    for (const field of ['isPublished', 'publishedAt', 'visibleInListings'])
        if (input[field] !== undefined && input[field] !== null) listing[field] = input[field];
    if (input.isPublished && !input.publishedAt) listing.publishedAt = new Date();
    if (input.isAvailableForPurchase === false) listing.availableForPurchaseAt = null;
    if (input.isAvailableForPurchase) listing.availableForPurchaseAt = input.availableForPurchaseAt || new Date();
    product.listings.set(channel.key, listing);
}

// Variants join and leave the channel with the product; one that joins has no price there yet.
function listVariants(shop, channel, input) {
    for (const variant of resolveIds(shop.variants, input.addVariants || [], 'id')) {
        if (variant.listings.has(channel.key))
            refuse('addVariants', 'One of channel listing already exists for this product variant.', 'ALREADY_EXISTS');
        variant.listings.set(channel.key, {
            key: ++shop.listing,
            channel,
            price: null,
            costPrice: null,
            priorPrice: null,
        });
    }
    for (const variant of resolveIds(shop.variants, input.removeVariants || [], 'id'))
        variant.listings.delete(channel.key);
}

function productChannelListingUpdate({ id, input }, { shop, emit }) {
    const product = resolveId(shop.products, id);
    const update = input.updateChannels || [];
    const channels = resolveIds(
        shop.channels,
        update.map((each) => each.channelId),
        'updateChannels',
    );
    const leave = resolveIds(shop.channels, input.removeChannels || [], 'removeChannels');

    checkPublication(product, input);
    update.forEach((each, index) => listVariants(shop, channels[index], each));
    update.forEach((each, index) => listIn(shop, product, channels[index], each));
    for (const channel of leave) {
        product.listings.delete(channel.key);
        for (const variant of product.variants) variant.listings.delete(channel.key);
    }
    product.updatedAt = new Date();
    emit('product_updated', { product });
    return { product };
}

module.exports = {
    removeVariant,
    mutations: { productCreate, productUpdate, productDelete, productChannelListingUpdate },
};
