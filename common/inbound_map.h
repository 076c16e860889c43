/*
 * inbound_map.h: a platform's own object (of its webhook, of a page of its list) becomes an event's data in common names, by
 * the tables of its file's group `inbound`; pure.
 *
 * A path leads into the object: members with dots between them, and of a list either one element by its place or the first one
 * whose member has a value: user.email, lines[0].productSku, metadata[key=phone].value, stocks[warehouse.id=V2FyZQ==].quantity.
 * What is not there, null or an empty text is left out of the data: a platform that cannot hold a field must not clear it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "json.h"
#include "proto.h"

#define INBOUND_PATHS_MAX 8 /* alternatives, or parts that are joined */
#define INBOUND_PATH_LENGTH_MAX 256

/* What the platform calls it, and what that is here. A platform may have one word for several of ours: `same` are the others
 * that go out as this word, so that its coming back changes nothing; "" stands for no value at all, "*" for every word that
 * no row of the field names. */
struct inbound_word {
    const char *own; /* of true and false: "true", "false" */
    const char *common;
    const char *const *same;
    size_t same_count;
};

struct inbound_object;

/* Where one common field comes from. Everything lives as long as the platform set. */
struct inbound_field {
    const char *name;
    const char *paths[INBOUND_PATHS_MAX]; /* the first that leads somewhere; NULL ends */
    const char *join[INBOUND_PATHS_MAX];  /* or texts put together with a blank between them; NULL ends */
    const char *on_create;                /* or, in a create alone, this path; NULL: none */
    bool rich;                            /* JSON text of an editor's blocks: their plain text is the value */
    bool caseless;                        /* the platform changes capitals: they make no difference */
    const struct inbound_word *words;     /* values are translated; those that are not here stay */
    size_t word_count;
    const struct inbound_object *each; /* the value is a list, and so are its elements read; NULL: none */
};

struct inbound_object {
    const char *name; /* in the file */
    enum entity entity;
    const char
        *record[INBOUND_PATHS_MAX]; /* paths to our own record id, which wins over every other; NULL ends */
    const char *needs
        [INBOUND_PATHS_MAX]; /* all must lead somewhere: until then the object is not complete; NULL ends */
    const char *same[2];     /* it is about the record only where both lead to the same text; NULL: always */
    const char *const *
        ours; /* where it brings our record id, only these fields are taken: the others cannot change there */
    size_t our_count;            /* 0: all of them */
    const char *const *currency; /* the platform's own is not said: what comes in it needs no name */
    const struct inbound_field *fields;
    size_t field_count;
};

/* NULL, or why a text is no path. */
const char *inbound_path_check(const char *path);
/* What the path leads to; NULL: nowhere, or to null. */
struct json *inbound_find(const struct json *from, const char *path);
/* false: the object is about something else of the platform's (a further variant of a product), or, unless it is deleted, not
 * complete yet (a product without a price): nothing becomes of it. */
bool inbound_concerns(const struct inbound_object *object, const struct json *from, enum verb verb);
/* The data of an event in common names, with our record id, when the object brings it, in _sync_metadata.record_id; a new
 * object. verb: of the event. */
struct json *inbound_map(const struct inbound_object *object, const struct json *from, enum verb verb);
/* Is `incoming` (common words) what the platform says where we hold `held`? held may be NULL. Only what the tables add to
 * plain equality: false is no answer. */
bool inbound_same(const struct inbound_object *object, const char *field, const struct json *held,
                  const struct json *incoming);
/* Adds the pointer (RFC 6901) into the object where the common field comes from; the field's own name when no table has it. */
void inbound_pointer(struct buf *out, const struct inbound_object *object, const struct json *from,
                     const char *field);
