// edits.js: somebody else than the app changes the shop: its staff in the dashboard, a customer who buys. The same mutations do it, so
// that the same rules hold and the same webhooks go out, with a staff user as their principal.
'use strict';

const { coerceInputValue } = require('./graphql');
const { mutations } = require('./execute');
const { globalId } = require('./ids');

// The value of an input type from JSON, as a variable would be read.
function coerce(schema, typeName, value) {
    return coerceInputValue(value, schema.getType(typeName), (path, invalid, error) => {
        throw new Error(`${['input', ...path].join('.')}: ${error.message}`);
    });
}

class Edits {
    constructor(executor, shop) {
        Object.assign(this, { schema: executor.schema, shop });
    }

    found(table, names, body, what) {
        for (const name of names) {
            const record =
                body[name] === undefined
                    ? null
                    : name === 'id'
                      ? table.all().find((each) => globalId(table.type, each.key) === body.id)
                      : table.find(name, name === 'email' ? body.email.toLowerCase() : body[name]);

            if (record) return record;
        }
        throw new Error(`no such ${what}: name one by ${names.join(', ')}`);
    }

    customer(body, context) {
        if (body.create)
            return mutations.customerCreate({ input: coerce(this.schema, 'UserCreateInput', body.create) }, context)
                .user;
        const user = this.found(this.shop.users, ['id', 'externalReference', 'email'], body, 'customer');
        const id = globalId('User', user.key);

        if (body.delete) return mutations.customerDelete({ id }, context).user;
        return mutations.customerUpdate({ id, input: coerce(this.schema, 'CustomerInput', body.set || {}) }, context)
            .user;
    }

    // create and set: what ProductInput has, and price, quantity and sku of the one variant.
    product(body, context) {
        const { price, quantity, sku, ...input } = body.create || body.set || {};
        const given = { price, quantity, sku };

        if (body.create) {
            const first = (table) => globalId(table.type, table.all()[0].key);
            const full = {
                productType: first(this.shop.productTypes),
                category: first(this.shop.categories),
                ...input,
            };
            const { product } = mutations.productCreate(
                { input: coerce(this.schema, 'ProductCreateInput', full) },
                context,
            );

            this.list(product, context);
            mutations.productVariantCreate(
                { input: { product: globalId('Product', product.key), attributes: [], sku: sku ?? product.slug } },
                context,
            );
            return this.sell(product, given, context);
        }
        const product = this.found(this.shop.products, ['id', 'externalReference', 'slug'], body, 'product');
        const id = globalId('Product', product.key);

        if (body.delete) return mutations.productDelete({ id }, context).product;
        if (Object.keys(input).length)
            mutations.productUpdate({ id, input: coerce(this.schema, 'ProductInput', input) }, context);
        return this.sell(product, given, context);
    }

    list(product, context) {
        const channelId = globalId('Channel', this.shop.channels.all()[0].key);

        mutations.productChannelListingUpdate(
            {
                id: globalId('Product', product.key),
                input: { updateChannels: [{ channelId, isPublished: true, isAvailableForPurchase: true }] },
            },
            context,
        );
    }

    sell(product, { price, quantity, sku }, context) {
        const [variant] = product.variants;
        const id = variant && globalId('ProductVariant', variant.key);

        if (variant && sku !== undefined && sku !== variant.sku)
            mutations.productVariantUpdate({ id, input: { sku } }, context);
        if (variant && price !== undefined) {
            if (!product.listings.size) this.list(product, context);
            mutations.productVariantChannelListingUpdate(
                {
                    id,
                    input: [{ channelId: globalId('Channel', this.shop.channels.all()[0].key), price: String(price) }],
                },
                context,
            );
        }
        if (variant && quantity !== undefined) this.setStock(variant, quantity, null, context);
        return product;
    }

    setStock(variant, quantity, slug, context) {
        const warehouse = slug
            ? this.found(this.shop.warehouses, ['slug'], { slug }, 'warehouse')
            : this.shop.warehouses.all()[0];

        mutations.productVariantStocksUpdate(
            {
                variantId: globalId('ProductVariant', variant.key),
                stocks: [{ warehouse: globalId('Warehouse', warehouse.key), quantity }],
            },
            context,
        );
    }

    // Of a variant, or of a product that has one.
    stock(body, context) {
        const product = this.shop.products.find('externalReference', body.externalReference);
        const variant =
            product?.variants[0] || this.found(this.shop.variants, ['id', 'sku', 'externalReference'], body, 'variant');

        if (!Number.isInteger(body.quantity)) throw new Error('quantity is a whole number');
        this.setStock(variant, body.quantity, body.warehouse, context);
        return variant;
    }

    order(body, context) {
        if (body.create) return this.buy(body.create, context);
        const order = body.number
            ? this.shop.orders.all().find((each) => each.number === String(body.number))
            : this.found(this.shop.orders, ['id', 'externalReference'], body, 'order');
        const id = order && globalId('Order', order.key);
        const steps = {
            confirm: 'orderConfirm',
            UNFULFILLED: 'orderConfirm',
            cancel: 'orderCancel',
            CANCELED: 'orderCancel',
        };

        if (!order) throw new Error(`no order has the number ${body.number}`);
        if (body.set)
            return mutations.orderUpdate({ id, input: coerce(this.schema, 'OrderUpdateInput', body.set) }, context)
                .order;
        if (body.status === 'fulfill' || body.status === 'FULFILLED') return this.fulfill(order, context);
        if (body.status === 'pay') return this.pay(order, context);
        if (!steps[body.status]) throw new Error('status is one of confirm, fulfill, cancel, pay');
        return mutations[steps[body.status]]({ id }, context).order;
    }

    // {email, lines: [{sku | externalReference, quantity}], status}: as from a checkout, whose orders an order_created announces.
    buy({ email, lines = [], status = 'UNFULFILLED', externalReference }, context) {
        if (!email || !Array.isArray(lines) || !lines.length)
            throw new Error('an order has an email and lines of sku and quantity');
        const [channel] = this.shop.channels.all();
        const now = new Date();
        const input = {
            channel: channel.slug,
            createdAt: now,
            status,
            user: { email },
            currency: channel.currencyCode,
            languageCode: 'EN',
            externalReference,
            billingAddress: {
                country: 'IN',
                streetAddress1: '1 Main Road',
                city: 'Pune',
                postalCode: '411001',
                countryArea: 'MH',
            },
            lines: lines.map((line) => this.line(line, channel, now)),
        };
        const silent = { ...context, emit: () => {} };
        const result = mutations.orderBulkCreate(
            { orders: [input], errorPolicy: 'REJECT_FAILED_ROWS', stockUpdatePolicy: 'SKIP' },
            silent,
        );
        const [{ order: made, errors }] = result.results;

        if (!made) throw new Error(errors.map((error) => `${error.path}: ${error.message}`).join('; '));
        made.origin = 'CHECKOUT';
        context.emit('order_created', { order: made });
        if (status === 'UNFULFILLED') context.emit('order_confirmed', { order: made });
        return made;
    }

    line({ sku, externalReference, quantity }, channel, createdAt) {
        const variant = this.found(
            this.shop.variants,
            ['sku', 'externalReference'],
            { sku, externalReference },
            'variant',
        );
        const amount = String(
            (Math.round(Number(variant.listings.get(channel.key)?.price || 0) * 100) * quantity) / 100,
        );
        const price = { gross: amount, net: amount };

        return {
            variantId: globalId('ProductVariant', variant.key),
            quantity,
            createdAt,
            isShippingRequired: false,
            isGiftCard: false,
            totalPrice: price,
            undiscountedTotalPrice: price,
            warehouse: globalId('Warehouse', this.shop.warehouses.all()[0].key),
            taxClassId: globalId('TaxClass', this.shop.taxClasses.all()[0].key),
        };
    }

    fulfill(order, context) {
        const warehouse = globalId('Warehouse', this.shop.warehouses.all()[0].key);
        const lines = order.lines
            .filter((line) => line.quantity > line.quantityFulfilled)
            .map((line) => ({
                orderLineId: globalId('OrderLine', line.key),
                stocks: [{ warehouse, quantity: line.quantity - line.quantityFulfilled }],
            }));

        return mutations.orderFulfill(
            { order: globalId('Order', order.key), input: { lines, allowStockToBeExceeded: true } },
            context,
        ).order;
    }

    pay(order, context) {
        Object.assign(order, { paid: true, updatedAt: new Date() });
        for (const event of ['order_paid', 'order_fully_paid', 'order_updated']) context.emit(event, { order });
        return order;
    }
}

module.exports = { Edits };
