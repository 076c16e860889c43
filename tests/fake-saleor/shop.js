// shop.js: what the shop holds, in memory, and what a new shop begins with: two channels, two warehouses, a product type without
// attributes, a category, a tax class. Their ids are the same in every run, so that a configuration can name them.
'use strict';

const { Table } = require('./table');

const WAREHOUSES = [
    ['6f8e1c52-3d7b-4c59-9a41-0d4c3b2a1f01', 'Default Warehouse', 'default-warehouse'],
    ['6f8e1c52-3d7b-4c59-9a41-0d4c3b2a1f02', 'Second Warehouse', 'second-warehouse'],
];

class Shop {
    constructor({ records = 200000, currency = 'INR' } = {}) {
        const external = (record) => record.externalReference;
        const slug = (record) => record.slug;

        this.currency = currency;
        this.users = new Table('User', records, {
            email: (user) => user.email.toLowerCase(),
            externalReference: external,
        });
        this.addresses = new Table('Address', records * 4);
        this.products = new Table('Product', records, { slug, externalReference: external });
        this.variants = new Table('ProductVariant', records, {
            sku: (variant) => variant.sku,
            externalReference: external,
        });
        this.stocks = new Table('Stock', records * 2);
        this.orders = new Table('Order', records, { externalReference: external });
        this.orderLines = new Table('OrderLine', records * 4);
        this.fulfillments = new Table('Fulfillment', records * 4);
        this.channels = new Table('Channel', 100, { slug });
        this.warehouses = new Table('Warehouse', 100, { slug, externalReference: external });
        this.productTypes = new Table('ProductType', 100, { slug });
        this.categories = new Table('Category', 100, { slug });
        this.taxClasses = new Table('TaxClass', 100);
        this.open();
    }

    tables() {
        return Object.values(this).filter((value) => value instanceof Table);
    }

    // Empties the shop and furnishes it.
    open() {
        const made = { metadata: {}, privateMetadata: {} };
        const country = (code) => ({ ...emptyAddress(), key: this.addresses.nextKey(), country: code, city: 'Pune' });

        for (const table of this.tables()) table.clear();
        this.orderNumber = 0;
        this.fulfillmentLine = 0;
        this.listing = 0;
        for (const [index, currency] of [this.currency, this.currency === 'USD' ? 'EUR' : 'USD'].entries())
            this.channels.put({
                ...made,
                key: this.channels.nextKey(),
                slug: index ? `channel-${currency.toLowerCase()}` : 'default-channel',
                name: index ? `Channel ${currency}` : 'Default Channel',
                isActive: true,
                currencyCode: currency,
                country: currency === 'INR' ? 'IN' : 'US',
            });
        for (const [key, name, slug] of WAREHOUSES)
            this.warehouses.put({
                ...made,
                key,
                name,
                slug,
                email: '',
                isPrivate: false,
                externalReference: null,
                address: this.addresses.put(country('IN')),
            });
        this.taxClasses.put({ ...made, key: this.taxClasses.nextKey(), name: 'Default' });
        this.productTypes.put({
            ...made,
            key: this.productTypes.nextKey(),
            name: 'Default Type',
            slug: 'default-type',
            hasVariants: true,
            isShippingRequired: true,
            kind: 'NORMAL',
            taxClass: null,
        });
        this.categories.put({
            ...made,
            key: this.categories.nextKey(),
            name: 'Default Category',
            slug: 'default-category',
            level: 0,
        });
    }
}

function emptyAddress() {
    return {
        firstName: '',
        lastName: '',
        companyName: '',
        streetAddress1: '',
        streetAddress2: '',
        city: '',
        cityArea: '',
        postalCode: '',
        country: '',
        countryArea: '',
        phone: '',
        metadata: {},
        privateMetadata: {},
    };
}

module.exports = { Shop, emptyAddress };
