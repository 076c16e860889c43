// money.js: amounts. What a client sent stays text; sums are made in thousandths, so that they are exact.
'use strict';

const FRACTION_DIGITS = { JPY: 0, KRW: 0, VND: 0, CLP: 0, BHD: 3, KWD: 3 };
const fractionDigits = (currency) => FRACTION_DIGITS[currency] ?? 2;

// Decimal places that matter: 1.50 has one, 1e-4 has four.
function decimalPlaces(text) {
    const [, whole, fraction = '', exponent = '0'] = /^[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
    const digits = (whole + fraction).replace(/0+$/, '');

    return digits === ''
        ? 0
        : Math.max(0, fraction.length - (whole.length + fraction.length - digits.length) - Number(exponent));
}

function money(amount, currency) {
    const digits = fractionDigits(currency);

    return {
        currency,
        amount: Number(amount),
        fractionDigits: digits,
        fractionalAmount: Math.round(Number(amount) * 10 ** digits),
    };
}

const thousandths = (amount) => Math.round(Number(amount) * 1000);

function taxed({ gross, net }, currency) {
    return {
        currency,
        gross: money(gross, currency),
        net: money(net, currency),
        tax: money((thousandths(gross) - thousandths(net)) / 1000, currency),
    };
}

// Part of an amount, rounded half up to the currency's digits.
function divide(amount, by, currency) {
    const scale = 10 ** fractionDigits(currency);

    return Math.round((Number(amount) * scale) / by) / scale;
}

const sum = (amounts) => amounts.reduce((total, amount) => total + thousandths(amount), 0) / 1000;

module.exports = { fractionDigits, decimalPlaces, money, taxed, divide, sum };
