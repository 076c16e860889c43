// errors.js: the three ways in which Saleor says no. Refused ends up in the mutation's own list `errors`, PermissionDenied and
// Internal become an error of the document, at the field's path, with null in its place.
'use strict';

class Refused extends Error {
    // list: [{field, message, code, …}]; whatever else an entry has (warehouse, channels) goes out where the error type has it.
    constructor(list) {
        super(list.map((entry) => entry.message).join('; '));
        this.list = list;
    }
}

function refuse(field, message, code, more) {
    throw new Refused([{ field, message, code, ...more }]);
}

class PermissionDenied extends Error {
    constructor(permissions) {
        super(
            permissions
                ? `To access this path, you need one of the following permissions: ${permissions.join(', ')}`
                : 'You do not have permission to perform this action',
        );
        this.exception = 'PermissionDenied';
    }
}

// What Saleor's own code trips over. Its text does not go out, only the exception's name.
class Internal extends Error {
    constructor(exception, detail) {
        super(detail);
        this.exception = exception;
        this.hidden = true;
    }
}

module.exports = { Refused, refuse, PermissionDenied, Internal };
