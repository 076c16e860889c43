// validate.js SCHEMA REQUESTS DOCUMENT...: judges what we send to Saleor by its published schema, with graphql-js, the reference
// implementation. SCHEMA is the file of the schema, REQUESTS has a line of JSON, {"name", "body": {"query", "variables"}}, for each
// request that a plan would have sent; each DOCUMENT is a stored document, which must be valid whether a plan used it or not.
//
// Validated are the documents, and their variables: coerced to the types of the schema as a server would. Scalars whose
// grammar the schema only describes in words are checked here; so is what Saleor demands although the schema does not.
// At the end, known mistakes are put into good requests: each must be found, or this test tests nothing.
'use strict';

const fs = require('fs');
const { buildSchema, parse, validate, visit, GraphQLError } = require('graphql');
const { getVariableValues } = require('graphql/execution/values');

const [schemaFile, requestsFile, ...documentFiles] = process.argv.slice(2);
const schema = buildSchema(fs.readFileSync(schemaFile, 'utf8'), { assumeValid: true });
let passed = 0;
let failed = 0;

function check(claim, problems) {
    if (problems.length === 0) {
        passed++;
        return;
    }
    failed++;
    console.log(`FAILED ${claim}`);
    for (const problem of problems.slice(0, 5)) console.log(`    ${problem}`);
}

// ---- scalars that the schema describes in words ----

function scalar(name, accepts) {
    schema.getType(name).parseValue = (value) => {
        if (!accepts(value)) throw new GraphQLError(`${name} cannot be ${JSON.stringify(value)}`);
        return value;
    };
}

function isJson(text) {
    try {
        JSON.parse(text);
        return typeof text === 'string';
    } catch {
        return false;
    }
}

scalar('PositiveDecimal', (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0);
scalar('DateTime', (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value));
scalar('JSONString', isJson);

// ---- what Saleor demands beyond its schema ----

const demands = {
    OrderBulkCreateInput(order, say) {
        if (order.status === undefined) say('status is missing, and Saleor fails without it');
        if (order.lines.length === 0) say('an order without lines can never be confirmed');
        if (new Set(Object.keys(order.user)).size !== 1) say('user must be named in exactly one way');
        if (order.billingAddress.country === undefined) say('billingAddress.country is missing');
        for (const line of order.lines) {
            const ways = ['variantId', 'variantSku', 'variantExternalReference'].filter((way) => line[way] !== undefined);
            if (ways.length !== 1) say(`a line names its variant in ${ways.length} ways`);
            if (line.taxClassId === undefined) say('taxClassId is missing, and Saleor refuses a line without it');
            if (line.isShippingRequired && !order.deliveryMethod) say('isShippingRequired without a deliveryMethod');
            if (line.totalPrice.net > line.totalPrice.gross) say('net above gross');
            if (line.totalPrice.gross > line.undiscountedTotalPrice.gross) say('total above undiscounted total');
        }
    },
    UserCreateInput(user, say) {
        if (!user.email) say('email is missing');
    },
    StockInput(stock, say) {
        if (stock.quantity < 0) say('a negative stock');
    },
};

// Arguments of which Saleor takes exactly one, though the schema has both optional.
function checkReferences(variables, say) {
    const parts = new Map();
    for (const name of Object.keys(variables)) {
        const [, part, variable] = /^(o\d+)_(.*)$/.exec(name) || say(`the variable ${name} belongs to no part`) || [];
        if (variable === 'id' || variable === 'externalReference') parts.set(part, (parts.get(part) || 0) + 1);
    }
    for (const [part, count] of parts) if (count !== 1) say(`${part} is named in ${count} ways`);
}

function checkDemands(type, value, say) {
    const named = type.ofType ? type.ofType : type;
    if (value === null || value === undefined) return;
    if (Array.isArray(value)) {
        value.forEach((element) => checkDemands(named, element, say));
        return;
    }
    if (type.ofType) {
        checkDemands(named, value, say);
        return;
    }
    if (demands[type.name]) demands[type.name](value, say);
    if (!type.getFields) return;
    for (const [name, field] of Object.entries(type.getFields())) checkDemands(field.type, value[name], say);
}

// ---- requests ----

function problemsOf({ query, variables, operationName }) {
    let document;
    try {
        document = parse(query);
    } catch (error) {
        return [error.message];
    }
    const problems = validate(schema, document).map((error) => error.message);
    if (problems.length > 0) return problems;
    const operation = document.definitions[0];
    if (document.definitions.length !== 1 || operation.name.value !== operationName) problems.push('operationName names nothing');
    const { errors } = getVariableValues(schema, operation.variableDefinitions, variables, { maxErrors: 5 });
    if (errors) return errors.map((error) => error.message);
    const say = (problem) => void problems.push(problem);
    const defined = new Set(operation.variableDefinitions.map((definition) => definition.variable.name.value));
    for (const name of Object.keys(variables)) if (!defined.has(name)) say(`the document defines no variable ${name}`);
    checkReferences(variables, say);
    for (const definition of operation.variableDefinitions) {
        let node = definition.type;
        while (node.kind !== 'NamedType') node = node.type;
        checkDemands(schema.getType(node.name.value), variables[definition.variable.name.value], say);
    }
    return problems;
}

const requests = fs.readFileSync(requestsFile, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const used = new Set();
const seen = new Set();
for (const { name, body } of requests) {
    check(`${name}: ${JSON.stringify(body.variables).slice(0, 300)}`, problemsOf(body));
    visit(parse(body.query), {
        Field(node, key, parent, path, ancestors) {
            if (ancestors.length === 4) used.add(node.name.value);
        },
    });
    seen.add(name);
}
check('there are requests of every kind', requests.length < 100 || !seen.has('several') || !seen.has('place') ? ['too few'] : []);

// ---- stored documents ----

for (const file of documentFiles) {
    const text = fs.readFileSync(file, 'utf8');
    let problems;
    try {
        problems = validate(schema, parse(text)).map((error) => error.message);
    } catch (error) {
        problems = [error.message];
    }
    check(`${file} is valid`, problems);
    if (!text.startsWith('# ')) check(`${file} says what it is for`, ['it does not begin with a comment']);
}

// ---- mistakes must be found ----

// A copy of the first request whose root field is this one, with a mistake in it.
function mistaken(field, change) {
    const found = requests.find(({ body }) => body.query.includes(` o0: ${field}`));
    if (!found) return null;
    const copy = JSON.parse(JSON.stringify(found.body));
    change(copy);
    return copy;
}

const drop = (path, name) => (body) => delete path(body.variables)[name];
const put = (path, name, value) => (body) => void (path(body.variables)[name] = value);
const rename = (from, to) => (body) => void (body.query = body.query.replace(from, to));
const input = (variables) => variables.o0_input;
const order = (variables) => variables.o0_orders[0];
const line = (variables) => variables.o0_orders[0].lines[0];

const mistakes = [
    ['customerCreate', 'a field that there is not', rename('user { id }', 'user { id nickname }')],
    ['customerCreate', 'an argument that there is not', rename('(input: ', '(inputs: ')],
    ['customerCreate', 'a mutation that there is not', rename('customerCreate', 'userCreate')],
    ['customerCreate', 'a type that there is not', rename('UserCreateInput!', 'CustomerCreateInput!')],
    ['customerCreate', 'another input', rename('UserCreateInput!', 'CustomerInput!')],
    ['customerCreate', 'an input that may be missing', rename('UserCreateInput!', 'UserCreateInput')],
    ['customerCreate', 'no input at all', (body) => delete body.variables.o0_input],
    ['customerCreate', 'a member that there is not', put(input, 'phone', '+91 1')],
    ['customerCreate', 'a text that is a number', put(input, 'firstName', 7)],
    ['customerCreate', 'no e-mail address', drop(input, 'email')],
    ['customerCreate', 'metadata without a value', (body) => delete input(body.variables).privateMetadata[0].value],
    ['customerUpdate', 'two references', (body) => Object.assign(body.variables, { o0_id: 'a', o0_externalReference: 'b' })],
    ['productCreate', 'no product type', drop(input, 'productType')],
    ['productCreate', 'a description that is no JSON', put(input, 'description', 'plain')],
    ['productVariantCreate', 'no attributes', drop(input, 'attributes')],
    ['productVariantCreate', 'no product', drop(input, 'product')],
    ['productChannelListingUpdate', 'no channel', (body) => delete input(body.variables).updateChannels[0].channelId],
    ['productChannelListingUpdate', 'no id', (body) => delete body.variables.o0_id],
    ['productVariantChannelListingUpdate', 'no price', (body) => delete input(body.variables)[0].price],
    ['productVariantChannelListingUpdate', 'a negative price', (body) => void (input(body.variables)[0].price = -1)],
    ['productVariantStocksUpdate', 'no warehouse', (body) => delete body.variables.o0_stocks[0].warehouse],
    ['productVariantStocksUpdate', 'a stock with a fraction', (body) => void (body.variables.o0_stocks[0].quantity = 1.5)],
    ['productVariantStocksUpdate', 'a stock beyond 32 bits', (body) => void (body.variables.o0_stocks[0].quantity = 2 ** 31)],
    ['orderBulkCreate', 'no orders', (body) => delete body.variables.o0_orders],
    ...['channel', 'createdAt', 'user', 'billingAddress', 'currency', 'languageCode', 'lines', 'status'].map((name) => [
        'orderBulkCreate', `an order without ${name}`, drop(order, name)]),
    ...['createdAt', 'isShippingRequired', 'isGiftCard', 'quantity', 'totalPrice', 'undiscountedTotalPrice', 'warehouse', 'taxClassId'].map(
        (name) => ['orderBulkCreate', `a line without ${name}`, drop(line, name)]),
    ['orderBulkCreate', 'a total without its net', (body) => delete line(body.variables).totalPrice.net],
    ['orderBulkCreate', 'a state that there is not', put(order, 'status', 'PAID')],
    ['orderBulkCreate', 'a language that there is not', put(order, 'languageCode', 'en-IN')],
    ['orderBulkCreate', 'a country that there is not', (body) => void (order(body.variables).billingAddress.country = 'UK')],
    ['orderBulkCreate', 'a date that is none', put(order, 'createdAt', 'yesterday')],
    ['orderBulkCreate', 'a policy that there is not', rename('REJECT_FAILED_ROWS', 'REJECT')],
    ['orderBulkCreate', 'two names of a customer', (body) => Object.assign(order(body.variables).user, { email: 'x', id: 'y' })],
    ['orderFulfill', 'lines without stocks', (body) => delete input(body.variables).lines[0].stocks],
    ['orderConfirm', 'an id that may be missing', rename('ID!', 'ID')],
    ['orderCancel', 'no id', (body) => delete body.variables.o0_id],
];
for (const [field, what, change] of mistakes) {
    const request = mistaken(field, change);
    check(`${field} with ${what} is found`, request && problemsOf(request).length > 0 ? [] : ['it passes for good']);
}

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
