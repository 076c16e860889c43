/* token_fixture.h: tokens for tests, good and forged, made without the code that judges them. */
#pragma once
#include "buf.h"

/* Keys of their own in a private directory: rsa.pem and ec.pem there, the public halves as PEM text here. */
extern struct buf token_rsa_public, token_ec_public;
void token_make_keys(void);
void token_remove_keys(void);

void token_add_unsigned(struct buf *out, const char *header, const char *claims); /* "header.claims" */
struct buf token_hs256(const char *header, const char *claims, const char *secret);
struct buf token_with_key(const char *alg, const char *key_file, const char *claims); /* signed by rsa.pem or ec.pem */
