// graphql.js: where graphql-js, the reference implementation, is found: NODE_PATH, or where Debian's node-graphql puts it.
'use strict';

function find() {
    for (const place of ['graphql', '/usr/share/nodejs/graphql']) {
        try {
            return require(place);
        } catch (error) {
            if (error.code !== 'MODULE_NOT_FOUND') throw error;
        }
    }
    process.stderr.write('fake-saleor: graphql-js is missing; make deps installs it (Debian: node-graphql)\n');
    process.exit(1);
}

module.exports = find();
