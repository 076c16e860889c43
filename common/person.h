/*
 * person.h: may two users be one person? Normal forms of what names a person, keys under which similar ones meet, and a score; pure.
 *
 * Keys are keyed hashes of parts: of two persons who are one, some part is the same however the rest is misspelt. They are kept
 * (similar_keys) and say nothing without the key; of two tenants they have nothing in common. The score compares what
 * the two records hold themselves.
 */
#pragma once
#include <stdint.h>

#include "buf.h"
#include "json.h"
#include "lookup.h"

#define PERSON_WORDS_MAX 8
#define PERSON_WORD_MAX 32 /* bytes */
#define PERSON_TEXT_MAX 256
#define PERSON_KEYS_MAX 64

struct person_words {
    char word[PERSON_WORDS_MAX][PERSON_WORD_MAX + 1];
    size_t count;
};

/* As they are compared; empty: not given. */
struct person {
    struct person_words name, address;
    char email[PERSON_TEXT_MAX];
    char phone[24]; /* "+4930123456": E.164; "30123456": without its country */
    char external[PERSON_TEXT_MAX];
};
/* external_id: the field's name, or "". */
void person_read(struct person *person, const struct json *data, const char *external_id);

/* E.164: "+" and 7 to 15 digits; a number that does not say its country stays without it, and without its leading zeros. Everything
 * from an extension on is left out. false: it is no number. */
bool person_normal_phone(char out[24], const char *text, size_t len);
/* Words of letters and digits: small, without accents (Latin), titles and what says nothing. */
void person_normal_name(struct person_words *words, const char *text, size_t len);
/* Likewise; streets and the like in their short forms. Adds to what is there. */
void person_normal_address(struct person_words *words, const char *text, size_t len);

/* The count of keys, each once. */
size_t person_keys(const struct person *person, const uint8_t key[LOOKUP_KEY_LEN], const char *tenant,
                   int32_t keys[PERSON_KEYS_MAX]);

/* Percent; 0: no reason to think so. why: which features agree, "phone", "name 0.93", one after the other with commas. */
#define PERSON_SCORE_MIN 84 /* what is suggested */
int person_score(const struct person *a, const struct person *b, struct buf *why);
