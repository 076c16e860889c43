// order_ways.js: what happens to an order that is there: orderUpdate, orderConfirm, orderFulfill, orderFulfillmentCancel, orderCancel.
'use strict';

const { Checks } = require('./fields');
const { refuse } = require('./errors');
const { globalId, resolveId, resolveIds, resolveOne } = require('./ids');
const { readAddress, keepAddress } = require('./address');
const { storeBoth } = require('./metadata');
const { addFulfillment } = require('./order_create');

const ENDED_FULFILLMENTS = ['CANCELED', 'REFUNDED', 'REPLACED', 'REFUNDED_AND_RETURNED', 'RETURNED'];
const ENDED_ORDERS = ['CANCELED', 'DRAFT', 'EXPIRED'];

function setStatus(order, status) {
    order.status = status;
    order.updatedAt = new Date();
}

// The status that the quantities fulfilled so far make.
function refreshStatus(order) {
    const ordered = order.lines.reduce((total, line) => total + line.quantity, 0);
    const sent = order.lines.reduce((total, line) => total + line.quantityFulfilled, 0);

    setStatus(order, sent <= 0 ? 'UNFULFILLED' : sent < ordered ? 'PARTIALLY_FULFILLED' : 'FULFILLED');
}

function orderUpdate(args, { shop, emit }) {
    const { input } = args;
    const order = resolveOne(shop.orders, args);
    const checks = new Checks();
    const read = ['billingAddress', 'shippingAddress']
        .filter((field) => input[field])
        .map((field) => [field, readAddress(input[field], { maySkip: true })]);

    if (order.status === 'DRAFT') refuse('id', "Order with status DRAFT can't be updated.", 'INVALID');
    checks.text('externalReference', input.externalReference, 250);
    if (input.userEmail) checks.email('userEmail', input.userEmail);
    if (input.externalReference && shop.orders.taken('externalReference', input.externalReference, order))
        checks.add('externalReference', 'Order with this External reference already exists.', 'UNIQUE');
    checks.end();
    for (const [field, address] of read) order[field] = keepAddress(shop, address);
    if (input.externalReference !== undefined) order.externalReference = input.externalReference;
    if (input.userEmail) order.userEmail = input.userEmail;
    if (input.languageCode) order.languageCodeEnum = input.languageCode;
    if (storeBoth(order, input)) emit('order_metadata_updated', { order });
    order.updatedAt = new Date();
    shop.orders.put(order);
    emit('order_updated', { order });
    return { order };
}

function orderConfirm({ id }, { shop, emit }) {
    const order = resolveId(shop.orders, id);

    if (order.status !== 'UNCONFIRMED')
        refuse('id', 'Provided order id belongs to an order with status different than unconfirmed.', 'INVALID');
    if (order.lines.length === 0) refuse('id', 'Provided order id belongs to an order without products.', 'INVALID');
    refreshStatus(order);
    emit('order_confirmed', { order });
    return { order };
}

function orderCancel({ id }, { shop, emit }) {
    const order = resolveId(shop.orders, id);
    const open = order.fulfillments.some((fulfillment) => !ENDED_FULFILLMENTS.includes(fulfillment.status));

    if (open || ENDED_ORDERS.includes(order.status))
        refuse('order', "This order can't be canceled.", 'CANNOT_CANCEL_ORDER');
    setStatus(order, 'CANCELED');
    emit('order_cancelled', { order });
    emit('order_updated', { order });
    return { order };
}

// ── fulfilling ──

function checkFulfill(lines, orderLines) {
    for (const line of lines) {
        const ids = line.stocks.map((stock) => stock.warehouse);
        const twice = ids.find((id, index) => ids.indexOf(id) !== index);

        if (twice) refuse('warehouse', 'Duplicated warehouse ID.', 'DUPLICATED_INPUT_ITEM', { warehouse: twice });
    }
    lines.forEach((line, index) => {
        const rest = orderLines[index].quantity - orderLines[index].quantityFulfilled;

        if (line.stocks.reduce((total, stock) => total + stock.quantity, 0) > rest)
            refuse(
                'orderLineId',
                `Only ${rest} item${rest === 1 ? '' : 's'} remaining to fulfill.`,
                'FULFILL_ORDER_LINE',
                { orderLines: [globalId('OrderLine', orderLines[index].key)] },
            );
    });
    if (lines.flatMap((line) => line.stocks).reduce((total, stock) => total + stock.quantity, 0) <= 0)
        refuse('lines', 'Total quantity must be larger than 0.', 'ZERO_QUANTITY');
}

// {warehouse: [{orderLine, quantity}]}, in the order in which the input names the warehouses.
function byWarehouse(shop, lines, orderLines) {
    const groups = new Map();

    lines.forEach((line, index) => {
        for (const stock of line.stocks) {
            if (stock.quantity <= 0) continue;
            const warehouse = resolveId(shop.warehouses, stock.warehouse, 'warehouse');

            if (!groups.has(warehouse)) groups.set(warehouse, []);
            groups.get(warehouse).push({ orderLine: orderLines[index], quantity: stock.quantity });
        }
    });
    return groups;
}

function checkStocks(shop, groups, mayExceed) {
    const short = new Checks();
    const wanted = new Map();

    if (mayExceed) return;
    for (const [warehouse, lines] of groups)
        for (const { orderLine, quantity } of lines) {
            const variant = shop.variants.get(orderLine.variantKey);
            const stock = variant && variant.stocks.get(warehouse.key);

            wanted.set(stock, (wanted.get(stock) || 0) + quantity);
            if (!stock || (variant.trackInventory && wanted.get(stock) > stock.quantity))
                short.add('stocks', 'Insufficient product stock.', 'INSUFFICIENT_STOCK', {
                    orderLines: [globalId('OrderLine', orderLine.key)],
                    warehouse: globalId('Warehouse', warehouse.key),
                });
        }
    short.end();
}

function takeStock(shop, warehouse, { orderLine, quantity }, emit) {
    const variant = shop.variants.get(orderLine.variantKey);
    const stock = variant && variant.stocks.get(warehouse.key);

    if (!stock || !variant.trackInventory) return;
    const before = stock.quantity;

    stock.quantity = Math.max(0, stock.quantity - quantity);
    if (before > 0 && stock.quantity <= 0) emit('product_variant_out_of_stock', { productVariant: variant, warehouse });
}

function orderFulfill({ order: id, input }, { shop, emit }) {
    if (!id) refuse(null, 'Order does not exist.', 'NOT_FOUND');
    const order = resolveId(shop.orders, id, 'order');
    const ids = input.lines.map((line) => line.orderLineId);

    if (new Set(ids).size !== ids.length) refuse('orderLineId', 'Duplicated order line ID.', 'DUPLICATED_INPUT_ITEM');
    const orderLines = resolveIds(shop.orderLines, ids, 'lines');

    checkFulfill(input.lines, orderLines);
    const groups = byWarehouse(shop, input.lines, orderLines);

    checkStocks(shop, groups, input.allowStockToBeExceeded);
    const fulfillments = [...groups].map(([warehouse, lines]) => {
        for (const line of lines) takeStock(shop, warehouse, line, emit);
        return addFulfillment(
            shop,
            order,
            { trackingNumber: input.trackingNumber || '', warehouse, lines },
            order.fulfillments.length + 1,
        );
    });

    refreshStatus(order);
    for (const fulfillment of fulfillments)
        emit('fulfillment_created', { fulfillment, order, notifyCustomer: input.notifyCustomer ?? true });
    emit('order_updated', { order });
    if (order.status === 'FULFILLED') emit('order_fulfilled', { order });
    return { fulfillments, order };
}

function orderFulfillmentCancel({ id, input }, { shop, emit }) {
    const fulfillment = resolveId(shop.fulfillments, id);
    const { order } = fulfillment;
    const warehouse = input?.warehouseId ? resolveId(shop.warehouses, input.warehouseId, 'warehouseId') : null;

    if (fulfillment.status !== 'FULFILLED' && fulfillment.status !== 'WAITING_FOR_APPROVAL')
        refuse('fulfillment', "This fulfillment can't be canceled", 'CANNOT_CANCEL_FULFILLMENT');
    if (!warehouse)
        refuse('warehouseId', 'This parameter is required for fulfillments with state FULFILLED', 'REQUIRED');
    for (const { orderLine, quantity } of fulfillment.lines) {
        const variant = shop.variants.get(orderLine.variantKey);
        const stock = variant && variant.stocks.get(warehouse.key);

        orderLine.quantityFulfilled -= quantity;
        if (stock) stock.quantity += quantity;
    }
    fulfillment.status = 'CANCELED';
    refreshStatus(order);
    emit('order_updated', { order });
    return { fulfillment, order };
}

module.exports = {
    setStatus,
    mutations: { orderUpdate, orderConfirm, orderCancel, orderFulfill, orderFulfillmentCancel },
};
