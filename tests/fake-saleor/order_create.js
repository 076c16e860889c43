// order_create.js: orderBulkCreate. Errors are collected per order with their path; a critical one ends that order whatever the
// error policy. Paths and argument names in messages are in snake_case, as Saleor has them here.
'use strict';

const { randomUUID } = require('crypto');
const { faultOf, split } = require('./ids');
const { Internal } = require('./errors');
const { readAddress, keepAddress } = require('./address');
const { divide, sum } = require('./money');

const MAX_ORDERS = 50;
const FUTURE_MS = 5 * 60 * 1000;

const VARIANT_NAMES = [
    ['variantId', 'variant_id', 'id'],
    ['variantExternalReference', 'variant_external_reference', 'externalReference'],
    ['variantSku', 'variant_sku', 'sku'],
];
const USER_NAMES = [
    ['id', 'id', 'id'],
    ['email', 'email', 'email'],
    ['externalReference', 'external_reference', 'externalReference'],
];

class Draft {
    constructor(input) {
        this.input = input;
        this.errors = [];
        this.critical = false;
        this.lines = [];
        this.fulfillments = [];
    }

    error(path, message, code, critical = false) {
        this.errors.push({ path: path || null, message, code });
        this.critical = this.critical || critical;
        return null;
    }

    // The record that one of several names gives; an error when none or more than one is given, or nothing has that name.
    find(table, input, names, path) {
        const given = names.filter(([field]) => input[field] !== undefined && input[field] !== null);
        const list = names.map(([, snake]) => snake).join(', ');

        if (given.length > 1)
            return this.error(
                path,
                `Only one of [${list}] arguments can be provided to resolve ${table.type} instance.`,
                'TOO_MANY_IDENTIFIERS',
            );
        if (names.length > 1 && given.length === 0)
            return this.error(
                path,
                `One of [${list}] arguments must be provided to resolve ${table.type} instance.`,
                'REQUIRED',
            );
        if (given.length === 0 || !input[given[0][0]])
            return this.error(path, `Can't return ${table.type} instance.`, 'NOT_FOUND');
        return this.look(table, input[given[0][0]], given[0], path);
    }

    look(table, value, [, snake, by], path) {
        const at = path ? `${path}.${snake}` : snake;
        const fault = by === 'id' ? faultOf(value, table.type) : null;
        const key = by === 'id' && !fault ? split(value).key : value;

        if (fault) return this.error(at, fault, 'INVALID');
        // Saleor files variants under their skus as if those were ids, so that it never finds one by its sku here.
        return (
            (by === 'id' ? table.get(key) : by === 'sku' ? null : table.find(by, key)) ||
            this.error(
                at,
                `${table.type} instance with ${by === 'externalReference' ? 'external_reference' : by}=${key} doesn't exist.`,
                'NOT_FOUND',
            )
        );
    }
}

const inFuture = (moment) => moment && moment.getTime() > Date.now() + FUTURE_MS;

function checkOrder(draft, shop) {
    const { input } = draft;
    const channel = shop.channels.find('slug', input.channel);

    if (inFuture(input.createdAt)) draft.error('created_at', 'Order input contains future date.', 'FUTURE_DATE');
    if (input.createdAt.naive || input.lines.some((line) => line.createdAt.naive))
        throw new Internal('ValidationError', 'naive time');
    if (input.weight && input.weight.value < 0) draft.error('weight', "Order can't have negative weight.", 'INVALID');
    if (input.externalReference && shop.orders.find('externalReference', input.externalReference))
        draft.error(
            'external_reference',
            `Order with external_reference: ${input.externalReference} already exists.`,
            'UNIQUE',
            true,
        );
    if (channel && channel.currencyCode.toLowerCase() !== input.currency.toLowerCase())
        draft.error('currency', "Currency from input doesn't match channel's currency.", 'INCORRECT_CURRENCY', true);
}

function readOr(draft, input, path, message) {
    try {
        return input ? readAddress(input, { maySkip: true }) : null;
    } catch (error) {
        if (!error.list) throw error;
        return draft.error(path, message, 'INVALID');
    }
}

function relations(draft, shop) {
    const { input } = draft;
    const before = draft.errors.length;

    draft.user = draft.find(shop.users, input.user, USER_NAMES, 'user');
    // A customer whom the shop does not know is no error when there is an e-mail address.
    if (!draft.user && input.user.email && draft.errors.at(-1).code === 'NOT_FOUND') draft.errors.length = before;
    draft.channel = draft.find(shop.channels, input, [['channel', 'channel', 'slug']], '');
    draft.billingAddress = readOr(draft, input.billingAddress, 'billing_address', 'Invalid billing address.');
    draft.shippingAddress = readOr(draft, input.shippingAddress, 'shipping_address', 'Invalid shipping address.');
    if (!draft.channel || !draft.billingAddress) draft.critical = true;
}

function deliveryMethod(draft, shop) {
    const input = draft.input.deliveryMethod || {};

    if (!draft.input.lines.some((line) => line.isShippingRequired)) return;
    if (input.warehouseId && input.shippingMethodId)
        draft.error('delivery_method', "Can't provide both warehouse and shipping method IDs.", 'TOO_MANY_IDENTIFIERS');
    if (input.warehouseId)
        draft.collectionPoint = draft.find(
            shop.warehouses,
            input,
            [['warehouseId', 'warehouse_id', 'id']],
            'delivery_method.warehouse_id',
        );
    if (input.shippingMethodId)
        // the fake has no shipping zones, so no methods either
        draft.error(
            'delivery_method.shipping_method_id.shipping_method_id',
            "ShippingMethod instance doesn't exist.",
            'NOT_FOUND',
        );
    if (!draft.collectionPoint) draft.error('delivery_method', 'No delivery method provided.', 'REQUIRED', true);
}

function checkPrices(draft, line, at) {
    const [total, before] = [line.totalPrice, line.undiscountedTotalPrice];
    const less = (a, b) => Number(a) < Number(b);

    if (line.quantity < 1)
        draft.error(
            `${at}.quantity`,
            'Invalid quantity. Must be integer greater then or equal to 1.',
            'INVALID_QUANTITY',
            true,
        );
    if (less(total.gross, total.net))
        draft.error(`${at}.total_price`, "Net price can't be greater then gross price.", 'PRICE_ERROR', true);
    if (less(before.gross, before.net))
        draft.error(
            `${at}.undiscounted_total_price`,
            "Net price can't be greater then gross price.",
            'PRICE_ERROR',
            true,
        );
    if (less(before.gross, total.gross) || less(before.net, total.net))
        draft.error(
            `${at}.undiscounted_total_price`,
            "Total price can't be greater then undiscounted total price.",
            'PRICE_ERROR',
            true,
        );
}

const metadataOf = (list) => Object.fromEntries((list || []).map(({ key, value }) => [key, value]));

function unitPrice(price, quantity, currency) {
    return { gross: divide(price.gross, quantity, currency), net: divide(price.net, quantity, currency) };
}

function createLine(draft, shop, line, index) {
    const at = `lines.${index}`;
    const { currency } = draft.input;
    const variant = draft.find(shop.variants, line, VARIANT_NAMES, at);

    if (!variant && !line.productName)
        return draft.error(at, 'Order line input must contain product name when no variant provided.', 'REQUIRED');
    const warehouse = draft.find(shop.warehouses, line, [['warehouse', 'warehouse', 'id']], at);

    if (!warehouse) return null;
    const taxClass = draft.find(shop.taxClasses, line, [['taxClassId', 'tax_class_id', 'id']], at);

    checkPrices(draft, line, at);
    if (draft.critical) return null;
    if (inFuture(line.createdAt))
        draft.error(`${at}.created_at`, 'Order line input contains future date.', 'FUTURE_DATE');
    const net = Number(line.totalPrice.net);

    return {
        key: randomUUID(),
        variant,
        variantKey: variant ? variant.key : null,
        warehouse,
        taxClass,
        productName: line.productName || variant.product.name,
        variantName: line.variantName || (variant ? variant.name : ''),
        translatedProductName: line.translatedProductName || '',
        translatedVariantName: line.translatedVariantName || '',
        productSku: line.productSku ?? null,
        isShippingRequired: line.isShippingRequired,
        isGiftCard: line.isGiftCard,
        quantity: line.quantity,
        quantityFulfilled: 0,
        currency,
        taxClassName: line.taxClassName ?? null,
        taxRate:
            line.taxRate !== undefined && line.taxRate !== null
                ? Number(line.taxRate)
                : net > 0
                  ? Number(line.totalPrice.gross) / net - 1
                  : 0,
        totalPrice: line.totalPrice,
        undiscountedTotalPrice: line.undiscountedTotalPrice,
        unitPrice: unitPrice(line.totalPrice, line.quantity, currency),
        undiscountedUnitPrice: unitPrice(line.undiscountedTotalPrice, line.quantity, currency),
        createdAt: line.createdAt,
        metadata: metadataOf(line.metadata),
        privateMetadata: metadataOf(line.privateMetadata),
    };
}

function createFulfillment(draft, shop, input, index) {
    const lines = [];

    for (const [number, line] of (input.lines || []).entries()) {
        const at = `fulfillments.${index}.lines.${number}`;
        const variant = draft.find(shop.variants, line, VARIANT_NAMES, at);
        const warehouse = draft.find(shop.warehouses, line, [['warehouse', 'warehouse', 'id']], at);
        const orderLine = draft.lines[line.orderLineIndex];

        if (!warehouse) return null;
        if (line.orderLineIndex < 0)
            return draft.error(`${at}.order_line_index`, "Order line index can't be negative.", 'NEGATIVE_INDEX');
        if (!orderLine)
            return draft.error(
                `${at}.order_line_index`,
                `There is no order line with index: ${line.orderLineIndex}.`,
                'NO_RELATED_ORDER_LINE',
            );
        if (orderLine.warehouse !== warehouse)
            return draft.error(
                `${at}.warehouse`,
                "Fulfillment line's warehouse is different then order line's warehouse.",
                'ORDER_LINE_FULFILLMENT_LINE_MISMATCH',
            );
        if (orderLine.variant !== variant)
            return draft.error(
                `${at}.variant_id`,
                "Fulfillment line's product variant is different then order line's product variant.",
                'ORDER_LINE_FULFILLMENT_LINE_MISMATCH',
            );
        lines.push({ orderLine, quantity: line.quantity });
    }
    return {
        trackingNumber: input.trackingCode || '',
        warehouse: lines[0] ? lines[0].orderLine.warehouse : null,
        lines,
    };
}

function checkStatus(draft) {
    const ordered = draft.lines.reduce((total, line) => total + line.quantity, 0);
    const sent = draft.fulfillments.flatMap((each) => each.lines).reduce((total, line) => total + line.quantity, 0);
    const { status } = draft.input;

    if (status === undefined || status === null) throw new Internal('KeyError', 'status');
    if (
        (sent === 0 && ['PARTIALLY_FULFILLED', 'FULFILLED'].includes(status)) ||
        (sent > 0 && ordered > sent && ['FULFILLED', 'UNFULFILLED'].includes(status)) ||
        (ordered === sent && ['PARTIALLY_FULFILLED', 'UNFULFILLED'].includes(status))
    )
        draft.error('status', 'Invalid order status.', 'INVALID');
}

function createDraft(shop, input) {
    const draft = new Draft(input);

    checkOrder(draft, shop);
    if (draft.critical) return draft;
    relations(draft, shop);
    deliveryMethod(draft, shop);
    if (draft.critical) return draft;
    draft.lines = input.lines.map((line, index) => createLine(draft, shop, line, index)).filter(Boolean);
    if (draft.critical) return draft;
    draft.fulfillments = (input.fulfillments || [])
        .map((each, index) => createFulfillment(draft, shop, each, index))
        .filter(Boolean);
    checkStatus(draft);
    return draft;
}

// ── stocks: only what is fulfilled leaves them, as in Saleor, which keeps no allocations for these orders ──

function checkStocks(draft, policy, taken) {
    for (const [index, line] of draft.lines.entries()) {
        const stock = line.variant && line.variant.stocks.get(line.warehouse.key);
        const names = `${line.variantKey} and warehouse: ${line.warehouse.key}`;

        if (!stock)
            return draft.error(
                `lines.${index}`,
                `There is no stock for given product variant: ${names}.`,
                'NON_EXISTING_STOCK',
                true,
            );
        if (line.quantity > stock.quantity - (taken.get(stock) || 0) && policy !== 'FORCE')
            draft.error(
                `lines.${index}`,
                `Insufficient stock for product variant: ${names}.`,
                'INSUFFICIENT_STOCK',
                true,
            );
        taken.set(stock, (taken.get(stock) || 0) + line.quantity);
    }
    return null;
}

function takeStocks(shop, draft) {
    for (const { orderLine, quantity } of draft.fulfillments.flatMap((each) => each.lines)) {
        const stock = orderLine.variant && orderLine.variant.stocks.get(orderLine.warehouse.key);

        if (stock) stock.quantity -= quantity;
    }
}

function keep(shop, draft) {
    const { input } = draft;
    const totals = (field, side) => sum(draft.lines.map((line) => line[field][side]));
    const order = {
        key: randomUUID(),
        number: String(++shop.orderNumber),
        externalReference: input.externalReference ?? null,
        channel: draft.channel,
        created: input.createdAt,
        updatedAt: new Date(),
        status: input.status,
        user: draft.user,
        userEmail: draft.user ? draft.user.email : input.user.email || '',
        billingAddress: keepAddress(shop, draft.billingAddress),
        shippingAddress: draft.shippingAddress && keepAddress(shop, draft.shippingAddress),
        languageCodeEnum: input.languageCode,
        currency: input.currency.toUpperCase(),
        origin: 'BULK_CREATE',
        collectionPointName: input.deliveryMethod?.warehouseName ?? null,
        shippingMethodName: null,
        customerNote: input.customerNote || '',
        redirectUrl: input.redirectUrl ?? null,
        weight: input.weight || { unit: 'KG', value: 0 },
        displayGrossPrices: input.displayGrossPrices ?? true,
        total: { gross: totals('totalPrice', 'gross'), net: totals('totalPrice', 'net') },
        undiscountedTotal: {
            gross: totals('undiscountedTotalPrice', 'gross'),
            net: totals('undiscountedTotalPrice', 'net'),
        },
        lines: draft.lines,
        fulfillments: [],
        metadata: metadataOf(input.metadata),
        privateMetadata: metadataOf(input.privateMetadata),
    };

    shop.orders.put(order);
    for (const line of order.lines) shop.orderLines.put(Object.assign(line, { order }));
    for (const [index, each] of draft.fulfillments.entries()) addFulfillment(shop, order, each, index + 1);
    return order;
}

function addFulfillment(shop, order, { trackingNumber, warehouse, lines }, number) {
    const fulfillment = shop.fulfillments.put({
        key: shop.fulfillments.nextKey(),
        order,
        fulfillmentOrder: number,
        status: 'FULFILLED',
        trackingNumber,
        warehouse,
        created: new Date(),
        lines: lines.map((line) => ({ ...line, key: ++shop.fulfillmentLine })),
        metadata: {},
        privateMetadata: {},
    });

    for (const { orderLine, quantity } of lines) orderLine.quantityFulfilled += quantity;
    order.fulfillments.push(fulfillment);
    return fulfillment;
}

function orderBulkCreate({ orders, errorPolicy, stockUpdatePolicy }, { shop, emit }) {
    if (orders.length > MAX_ORDERS) throw new Internal('TypeError', `Number of orders exceeds limit: ${MAX_ORDERS}.`); // Saleor trips over its own answer here
    const policy = errorPolicy || 'REJECT_EVERYTHING';
    const drafts = orders.map((input) => createDraft(shop, input));
    const anyError = drafts.some((draft) => draft.errors.length > 0);
    const taken = new Map();
    const twice = new Set();

    for (const draft of drafts) {
        draft.kept =
            !draft.critical &&
            !(policy === 'REJECT_EVERYTHING' && anyError) &&
            !(policy === 'REJECT_FAILED_ROWS' && draft.errors.length > 0);
        if (draft.kept && (stockUpdatePolicy || 'UPDATE') !== 'SKIP')
            checkStocks(draft, stockUpdatePolicy || 'UPDATE', taken);
        draft.kept = draft.kept && !draft.critical;
        if (draft.kept && draft.input.externalReference && twice.has(draft.input.externalReference))
            throw new Internal('IntegrityError', 'the same external reference twice');
        twice.add(draft.input.externalReference);
    }
    const results = drafts.map((draft) => {
        if (draft.kept && stockUpdatePolicy !== 'SKIP') takeStocks(shop, draft);
        return { order: draft.kept ? keep(shop, draft) : null, errors: draft.errors };
    });
    const made = results.map((result) => result.order).filter(Boolean);

    if (made.length) emit('order_bulk_created', { orders: made });
    return { count: made.length, results };
}

module.exports = { addFulfillment, mutations: { orderBulkCreate } };
