/* digest.h: hashes, MACs and randomness; the only door to libcrypto. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "uuid.h"

void digest_sha256(const void *data, size_t len, uint8_t out[32]);
void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32]);
bool digest_equal(const void *a, const void *b, size_t len); /* constant time */
void digest_random(void *out, size_t len);
void digest_base64(struct buf *out, const void *data, size_t len);
int digest_base64_decode(struct buf *out, const char *text, size_t len); /* -1: not base64 */
/* record_id by default: UUIDv8 from SHA-256(tenant NUL entity-type NUL entity-id); see common/protocol.txt. */
void digest_record_id(struct uuid *id, const char *tenant, const char *entity_type, const char *entity_id);

/* digest_rsa.c: an RSA public key as its two numbers, most significant byte first. */
struct digest_rsa_key {
    const void *n, *e;
    size_t n_len, e_len;
};
bool digest_rsa_usable(const struct digest_rsa_key *key); /* 2048 to 8192 bits, and odd numbers */
/* RS256: PKCS #1 v1.5 with SHA-256. */
bool digest_rsa_sha256_verify(const struct digest_rsa_key *key, const void *data, size_t len,
                              const void *signature, size_t signature_len);
