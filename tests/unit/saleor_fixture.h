/*
 * saleor_fixture.h: conversations with a Saleor that says what a test wants: each line is an operation that the plan must ask,
 * with its variables, and the answer it gets.
 *
 * Where SALEOR_DOCUMENTS names a file, each request is added to it as a line of JSON, composed as it would be sent: that is what
 * tests/saleor/validate.js judges by the published schema.
 */
#pragma once
#include <check.h>

#include "saleor.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)
#define RECORD_ID "0195f1c2-0000-8000-8000-000000000001"
#define CUSTOMER_RECORD "0195f1c2-0000-8000-8000-0000000000c1"
#define PRODUCT_RECORD "0195f1c2-0000-8000-8000-0000000000a1"
#define USER_ID "VXNlcjoxMg=="
#define PRODUCT_ID "UHJvZHVjdDo3"
#define VARIANT_ID "UHJvZHVjdFZhcmlhbnQ6OQ=="
#define ORDER_ID "T3JkZXI6NQ=="
#define CHANNEL_ID "Q2hhbm5lbDox"
#define WAREHOUSE_ID "V2FyZWhvdXNlOjE="
#define TYPE_ID "UHJvZHVjdFR5cGU6MQ=="
#define TAX_ID "VGF4Q2xhc3M6MQ=="
#define CATEGORY_ID "Q2F0ZWdvcnk6MQ=="
#define NOW_MS 1790000000000 /* 2026-09-21T14:13:20.000Z */

struct say {
    const char *operation;
    const char *variables; /* JSON they must equal; NULL: any */
    const char *
        answer; /* of this operation; from "!" on: the whole body; NULL: the conversation breaks off before it */
};

/* A delivery: JSON texts; NULL where there is none. */
struct errand {
    enum entity entity;
    enum event_type type;
    enum verb verb;
    const char *record, *base, *notes, *steps, *platform_id;
    const struct saleor_parent *parents;
    size_t parent_count;
};

/* Around each test. */
void saleor_load(void);
void saleor_unload(void);
const struct platform *saleor_target(void);
const struct platform_set *saleor_platforms(void);
/* With settings of the group graphql put in place of the shipped ones: text replaced by text, pairs, NULL ends. */
void saleor_load_with(const char *const *replacements);
/* The set is refused: the sentences name coreldove.conf with a line, and say this. */
void saleor_refuse_with(const char *const *replacements, const char *why_part);

struct saleor_plan *saleor_begin(const struct errand *errand); /* must be possible */
/* Every line must be asked and answered, and nothing more. The steps at the end as JSON text, in a buffer of the fixture. */
const char *saleor_talk(const struct errand *errand, const struct say *lines, size_t count,
                        enum saleor_verdict verdict, const char *why_part);
/* The sentence why no plan could be made. */
void saleor_check_impossible(const struct errand *errand, const char *why_part);
/* Adds a request of these parts to SALEOR_DOCUMENTS. */
void saleor_note_request(const char *name, const struct graphql_part *parts, size_t count);
struct json *saleor_parse(const char *text);
