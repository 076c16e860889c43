/*
 * lookup.h: keyed hashes by which records are found by a value that names a person; pure.
 *
 * The columns that look-ups go through (records.email_hash) hold these and never the value, so that bodies may be encrypted. A
 * hash is HMAC-SHA256, cut to its first 16 bytes, over kind NUL tenant NUL normalised value, with the key that the database was
 * initialised with (store_fingerprint_key): equal values of two tenants have nothing in common (I7). What is hashed must never
 * change: rows have it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define LOOKUP_KEY_LEN 32
#define LOOKUP_HASH_LEN 16

/* As addresses are compared: without white space around it, ASCII letters small. Letters of other scripts and what providers read
 * into dots and plus signs stay as they are: two people are worse than one found twice. false, and nothing added: longer than an
 * address can be (254 bytes), or without something before and behind its @. */
bool lookup_normal_email(struct buf *out, const char *text, size_t len);
/* -1: it is no address. */
int lookup_email_hash(const uint8_t key[LOOKUP_KEY_LEN], const char *tenant, const char *email, size_t len,
                      uint8_t hash[LOOKUP_HASH_LEN]);
/* Of an id that is compared as it is, without white space around it. -1: nothing is left of it. */
int lookup_external_hash(const uint8_t key[LOOKUP_KEY_LEN], const char *tenant, const char *id, size_t len,
                         uint8_t hash[LOOKUP_HASH_LEN]);
