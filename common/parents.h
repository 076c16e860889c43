/*
 * parents.h: the records that a record names: the customer and the products of an order; pure. Which members name them stands
 * in the platform file (entities.<entity>.parents). An order goes out after its parents (worker), and a platform may want them
 * called by ids of its own.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "json.h"
#include "platform.h"
#include "uuid.h"

#define PARENTS_MAX 200    /* of one record: an order of more lines is judged by the first ones */
#define PARENTS_ID_MAX 256 /* bytes: no record has a longer id */

/* Owner of the texts: the list. */
struct parent {
    enum entity entity;
    char *id;           /* as the record says it; a whole number as its text */
    char *path;         /* where: "customer_id", "items[1].product_id" */
    size_t place_len;   /* of path: the list's element that it stands in, "items[1]"; 0: in the record itself */
    char *origin;       /* the platform whose word the id is; NULL: not known */
    struct uuid record; /* by default that of (tenant, entity, id); who knows the tables puts the true one here */
    bool told;          /* what the target certainly has names it too: nothing to wait for */
};

struct parents {
    struct parent *list; /* in the order of the table, then of the record's own lists; a product on two lines stands here twice */
    size_t count;
};

/*
 * The parents that `data` (common names) names, by `platform`'s table for `entity`. Of the paths for one kind of parent the
 * first that is there counts: one for the record itself, and one for each element of a list. `notes` (may be NULL): the
 * record's field notes, for the origins. Texts of 1 to 256 bytes and whole numbers are ids; anything else names nobody.
 */
void parents_find(struct parents *parents, const struct platform *platform, enum entity entity, const char *tenant,
                  const struct json *data, const struct json *notes);
/* Marks as told those that are in `others` as well. */
void parents_mark_told(struct parents *parents, const struct parents *others);
/* The first of that kind that stands in the record itself (place "") or in that element of a list ("items[1]"); or NULL. */
const struct parent *parents_at(const struct parents *parents, enum entity entity, const char *place);
void parents_release(struct parents *parents); /* usable again as if new; {0} is an empty list */
