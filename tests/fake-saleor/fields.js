// fields.js: what Saleor's models check before they save a record: lengths, blanks, NUL, e-mail addresses, unique values.
// Checks are collected, so that one answer names all of a record's errors.
'use strict';

const { Refused } = require('./errors');

const EMAIL = /^[^\s@"(),:;<>[\]\\]+@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}$/i;

class Checks {
    constructor() {
        this.errors = [];
    }

    add(field, message, code, more) {
        this.errors.push({ field, message, code, ...more });
    }

    // A text column: at most `most` characters, not blank where it may not be.
    text(field, value, most, required = false) {
        if (value === null || value === undefined || value === '') {
            if (required) this.add(field, 'This field cannot be blank.', 'REQUIRED');
            return;
        }
        const length = [...value].length;

        if (most && length > most)
            this.add(field, `Ensure this value has at most ${most} characters (it has ${length}).`, 'INVALID');
        if (value.includes('\0')) this.add(field, 'Null characters are not allowed.', 'INVALID');
    }

    email(field, value) {
        this.text(field, value, 254, true);
        if (value && !EMAIL.test(value)) this.add(field, 'Enter a valid email address.', 'INVALID');
    }

    unique(table, index, record, field, label) {
        const value = table.unique[index](record);

        if (table.taken(index, value, record))
            this.add(
                field,
                `${table.type === 'ProductVariant' ? 'Product variant' : table.type} with this ${label} already exists.`,
                'UNIQUE',
            );
    }

    end() {
        if (this.errors.length) throw new Refused(this.errors);
    }
}

// What a null in an input means for a text column that cannot be null.
const textOr = (value, otherwise) => (value === undefined ? otherwise : value === null ? '' : value);

module.exports = { Checks, textOr };
