// metadata.js: public and private metadata of a record. What an input names is stored, what it does not name stays.
'use strict';

const { refuse } = require('./errors');
const { split } = require('./ids');

// Whether anything changed.
function store(kept, list, field) {
    let changed = false;

    for (const { key } of list || []) if (!key.trim()) refuse(field, 'Metadata key cannot be empty.', 'REQUIRED');
    for (const { key, value } of list || []) {
        changed = changed || kept[key] !== value;
        kept[key] = value;
    }
    return changed;
}

function storeBoth(record, input) {
    for (const field of ['metadata', 'privateMetadata'])
        for (const { key } of input[field] || [])
            if (!key.trim()) refuse(field, 'Metadata key cannot be empty.', 'REQUIRED');
    const open = store(record.metadata, input.metadata, 'metadata');
    const hidden = store(record.privateMetadata, input.privateMetadata, 'privateMetadata');

    return open || hidden;
}

const items = (kept) => Object.entries(kept || {}).map(([key, value]) => ({ key, value }));

// Each type with metadata: where its records are, and the event that a change of it makes.
const HOLDERS = {
    User: ['users', 'customer_metadata_updated', 'user'],
    Product: ['products', 'product_metadata_updated', 'product'],
    ProductVariant: ['variants', 'product_variant_metadata_updated', 'productVariant'],
    Order: ['orders', 'order_metadata_updated', 'order'],
    Warehouse: ['warehouses'],
    OrderLine: ['orderLines'],
    Fulfillment: ['fulfillments'],
};

function holder(shop, id) {
    const parts = split(id);
    const [table, event, role] = (parts && HOLDERS[parts.type]) || [];
    const record = table && shop[table].get(parts.key);

    if (!record) refuse('id', `Couldn't resolve to a node: ${id}`, 'NOT_FOUND');
    return { record, event, role };
}

function touch({ record, event, role }, changed, { emit }) {
    if (changed) record.updatedAt = new Date();
    if (changed && event) emit(event, { [role]: record });
    return { item: record };
}

const update =
    (field) =>
    ({ id, input }, context) => {
        const found = holder(context.shop, id);

        return touch(found, store(found.record[field], input, 'input'), context);
    };

const remove =
    (field) =>
    ({ id, keys }, context) => {
        const found = holder(context.shop, id);
        const before = Object.keys(found.record[field]).length;

        for (const key of keys) delete found.record[field][key];
        return touch(found, Object.keys(found.record[field]).length !== before, context);
    };

const mutations = {
    updateMetadata: update('metadata'),
    updatePrivateMetadata: update('privateMetadata'),
    deleteMetadata: remove('metadata'),
    deletePrivateMetadata: remove('privateMetadata'),
};

module.exports = { storeBoth, items, mutations };
