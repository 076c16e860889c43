// customers.js: customerCreate, customerUpdate, customerDelete.
'use strict';

const { Checks, textOr } = require('./fields');
const { refuse } = require('./errors');
const { resolveOne } = require('./ids');
const { readAddress, keepAddress } = require('./address');
const { storeBoth } = require('./metadata');

const ADDRESSES = { defaultBillingAddress: 'BILLING', defaultShippingAddress: 'SHIPPING' };
const TEXTS = ['firstName', 'lastName', 'note'];

function newUser() {
    const now = new Date();

    return {
        email: '',
        firstName: '',
        lastName: '',
        isStaff: false,
        isActive: true,
        isConfirmed: false,
        note: null,
        languageCode: 'EN',
        externalReference: null,
        defaultBillingAddress: null,
        defaultShippingAddress: null,
        addresses: [],
        lastLogin: null,
        metadata: {},
        privateMetadata: {},
        dateJoined: now,
        updatedAt: now,
    };
}

// What the input makes of the user, on a copy: nothing is kept unless all of it is right.
function changed(user, input) {
    const copy = { ...user, metadata: { ...user.metadata }, privateMetadata: { ...user.privateMetadata } };

    for (const field of TEXTS) copy[field] = textOr(input[field], user[field]);
    if (input.email !== undefined) copy.email = textOr(input.email, '').toLowerCase();
    if (input.isActive !== undefined) copy.isActive = input.isActive ?? true;
    if (input.languageCode !== undefined) copy.languageCode = input.languageCode ?? 'EN';
    if (input.externalReference !== undefined) copy.externalReference = input.externalReference;
    return copy;
}

function check(shop, copy, user) {
    const checks = new Checks();

    checks.email('email', copy.email);
    checks.text('firstName', copy.firstName, 256);
    checks.text('lastName', copy.lastName, 256);
    checks.text('externalReference', copy.externalReference, 250);
    checks.text('note', copy.note, 0);
    for (const [index, label] of [
        ['email', 'Email'],
        ['externalReference', 'External reference'],
    ])
        if (shop.users.taken(index, shop.users.unique[index](copy), user))
            checks.add(index, `User with this ${label} already exists.`, 'UNIQUE');
    checks.end();
}

// Addresses are checked first and kept last.
function readAddresses(input) {
    return Object.entries(ADDRESSES)
        .filter(([field]) => input[field])
        .map(([field, addressType]) => [field, readAddress(input[field], { addressType })]);
}

function keepAddresses(shop, user, read) {
    for (const [field, address] of read) {
        user[field] = keepAddress(shop, address);
        user.addresses = [...user.addresses, user[field]];
    }
}

function customerCreate({ input }, { shop, emit }) {
    const read = readAddresses(input);
    const user = changed(newUser(), input);
    const metadata = storeBoth(user, input);

    check(shop, user, null);
    user.key = shop.users.nextKey();
    keepAddresses(shop, user, read);
    shop.users.put(user);
    emit('customer_created', { user });
    if (metadata) emit('customer_metadata_updated', { user });
    return { user };
}

function customerUpdate(args, { shop, emit, legacyUpdates }) {
    const { input } = args;
    const user = resolveOne(shop.users, args);
    const read = readAddresses(input);
    const copy = changed(user, input);

    if (typeof input.isConfirmed === 'boolean') copy.isConfirmed = input.isConfirmed;
    const metadata = storeBoth(copy, input);

    check(shop, copy, user);
    const fields =
        Object.keys(copy).some((name) => !name.endsWith('etadata') && copy[name] !== user[name]) || read.length > 0;

    Object.assign(user, copy);
    keepAddresses(shop, user, read);
    if (fields || metadata) user.updatedAt = new Date();
    shop.users.put(user);
    if (fields || (metadata && legacyUpdates)) emit('customer_updated', { user });
    if (metadata) emit('customer_metadata_updated', { user });
    return { user };
}

function customerDelete(args, { shop, emit }) {
    const user = resolveOne(shop.users, args);

    if (user.isStaff) refuse('id', 'Cannot delete a staff account.', 'DELETE_STAFF_ACCOUNT');
    shop.users.remove(user);
    emit('customer_deleted', { user });
    return { user };
}

module.exports = { mutations: { customerCreate, customerUpdate, customerDelete } };
