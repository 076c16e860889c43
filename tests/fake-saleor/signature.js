// signature.js: how Saleor signs a webhook: with the webhook's secret HMAC-SHA256 of the body in hex, without one a detached JWS
// (RFC 7515 appendix F, RFC 7797: the payload unencoded) by the shop's RSA key, which /.well-known/jwks.json shows.
'use strict';

const crypto = require('crypto');

class Keys {
    // Made when first needed: it takes a tenth of a second or more.
    make() {
        const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
        const { n, e } = publicKey.export({ format: 'jwk' });

        this.privateKey = privateKey;
        this.public = { kty: 'RSA', key_ops: ['verify'], n, e };
        this.kid = crypto
            .createHash('sha256')
            .update(JSON.stringify({ e, kty: 'RSA', n }))
            .digest('base64url');
    }

    get ready() {
        if (!this.privateKey) this.make();
        return this;
    }

    jwks() {
        const { public: jwk, kid } = this.ready;

        return { keys: [{ ...jwk, use: 'sig', kid, alg: 'RS256' }] };
    }

    jws(body) {
        const { kid, privateKey } = this.ready;
        const header = Buffer.from(
            JSON.stringify({ typ: 'JWT', alg: 'RS256', kid, crit: ['b64'], b64: false }),
        ).toString('base64url');
        const signature = crypto.sign('sha256', Buffer.concat([Buffer.from(`${header}.`), body]), privateKey);

        return `${header}..${signature.toString('base64url')}`;
    }

    sign(body, secret) {
        return secret ? crypto.createHmac('sha256', secret).update(body).digest('hex') : this.jws(body);
    }
}

module.exports = { Keys };
