// table.js: records of one type by key, with unique indexes. A record is changed in place and then put again, which renews
// its entries in the indexes.
'use strict';

const { Internal } = require('./errors');

class Table {
    // unique: {name: function of a record to its value, null or undefined for none}
    constructor(type, limit, unique = {}) {
        this.type = type;
        this.limit = limit;
        this.unique = unique;
        this.clear();
    }

    clear() {
        this.records = new Map();
        this.entries = new Map();
        this.indexes = Object.fromEntries(Object.keys(this.unique).map((name) => [name, new Map()]));
        this.last = 0;
        this.changed();
    }

    // Sorted views hold until something changes.
    changed() {
        this.sorted = new Map();
    }

    nextKey() {
        return ++this.last;
    }

    get(key) {
        return this.records.get(key) || null;
    }

    find(index, value) {
        return (value !== null && value !== undefined && this.indexes[index].get(value)) || null;
    }

    // Somebody else than `record` has that value already.
    taken(index, value, record) {
        const other = this.find(index, value);

        return other !== null && other !== record;
    }

    put(record) {
        const before = this.entries.get(record.key) || {};
        const now = {};

        if (!this.records.has(record.key) && this.records.size >= this.limit)
            throw new Internal('OperationalError', `the fake keeps ${this.limit} records of a type (--records)`);
        for (const [name, value] of Object.entries(before)) this.indexes[name].delete(value);
        for (const [name, of] of Object.entries(this.unique)) {
            const value = of(record);

            if (value === null || value === undefined) continue;
            this.indexes[name].set(value, record);
            now[name] = value;
        }
        this.entries.set(record.key, now);
        this.records.set(record.key, record);
        this.changed();
        return record;
    }

    remove(record) {
        for (const [name, value] of Object.entries(this.entries.get(record.key) || {}))
            this.indexes[name].delete(value);
        this.entries.delete(record.key);
        this.records.delete(record.key);
        this.changed();
    }

    all() {
        return [...this.records.values()];
    }

    get size() {
        return this.records.size;
    }
}

module.exports = { Table };
