// filters.js: which records a list's `filter`, `where` and `search` leave. Each condition is a function of the condition's value
// and the record.
'use strict';

const { split } = require('./ids');

const within = ({ gte, lte }, moment) => (!gte || moment >= gte) && (!lte || moment <= lte);
const contains = (value, ...texts) =>
    texts.some((text) =>
        String(text || '')
            .toLowerCase()
            .includes(value.toLowerCase()),
    );
const keyed = (ids, record) => ids.some((id) => split(id)?.key === record.key);
const equals = ({ eq, oneOf }, value) =>
    (eq === undefined || eq === null || eq === value) && (!oneOf || oneOf.includes(value));
const moment = ({ eq, oneOf, range }, value) =>
    (!eq || +eq === +value) && (!oneOf || oneOf.some((each) => +each === +value)) && (!range || within(range, value));

const common = { ids: keyed, slugs: (slugs, record) => slugs.includes(record.slug) };

const CONDITIONS = {
    User: {
        ...common,
        search: (text, user) => contains(text, user.email, user.firstName, user.lastName),
        updatedAt: (range, user) => within(range, user.updatedAt),
        dateJoined: (range, user) => within(range, user.dateJoined),
        email: (wanted, user) => equals(wanted, user.email),
        isActive: (wanted, user) => user.isActive === wanted,
    },
    Product: {
        ...common,
        search: (text, product) => contains(text, product.name, product.slug),
        updatedAt: (range, product) =>
            range.range || range.eq || range.oneOf
                ? moment(range, product.updatedAt)
                : within(range, product.updatedAt),
        slug: (wanted, product) => equals(wanted, product.slug),
        name: (wanted, product) => equals(wanted, product.name),
    },
    ProductVariant: {
        ...common,
        search: (text, variant) => contains(text, variant.name, variant.sku),
        sku: (wanted, variant) => (Array.isArray(wanted) ? wanted.includes(variant.sku) : equals(wanted, variant.sku)),
        updatedAt: (range, variant) => within(range, variant.updatedAt),
    },
    Order: {
        ...common,
        search: (text, order) => contains(text, order.number, order.userEmail, order.externalReference),
        status: (wanted, order) => wanted.includes(order.status),
        customer: (text, order) => contains(text, order.userEmail),
        numbers: (wanted, order) => wanted.includes(order.number),
        userEmail: (wanted, order) => equals(wanted, order.userEmail),
        createdAt: (range, order) => within(range, order.created),
        updatedAt: (range, order) => within(range, order.updatedAt),
    },
    other: {
        ...common,
        search: (text, record) => contains(text, record.name, record.slug),
        quantity: (quantity, stock) => stock.quantity === quantity,
    },
};

// A function of a record, or null when nothing is filtered.
function keeper(type, { filter, where, search, ids }) {
    const conditions = CONDITIONS[type] || CONDITIONS.other;
    const wanted = Object.entries({ ...filter, ...where, ...(search && { search }), ...(ids && { ids }) }).filter(
        ([, value]) => value !== null && value !== undefined,
    );

    return wanted.length ? (record) => wanted.every(([name, value]) => conditions[name](value, record)) : null;
}

module.exports = { keeper };
