/*
 * link.h: what becomes of fields when a younger record is linked to an older one, and when they are split again (protocol.txt §9);
 * pure. All of it is data for a change of the service that has seen everything: field → value, null clears; and under LINK_ORIGINS
 * who said so once: field → {"o","t","s","i"?,"a"?} as in notes (merge.h). With it the platform goes on from its own last word.
 */
#pragma once
#include "merge.h"

#define LINK_ORIGINS "_origins"

/* What enters the older: fields that it lacks, or that were changed later in the younger. A field that waits for a person stays.
 * link: as notes have it. */
struct json *link_entering(const struct record *older, const struct record *younger, const char *link);

/* A link, as it was made. */
struct link_made {
    const char *id;                           /* as notes have it */
    int64_t version;                          /* of the older, made by it; bound by itself: the one before */
    const struct json *before, *before_notes; /* the older's data and notes before */
};
/* What the older is given back. *returned: what came under the link's ids since, for the younger. */
struct json *link_parting(const struct record *older, const struct link_made *made, struct json **returned);

/* Of what returns, the fields that nobody changed in the younger after this version of it. */
struct json *link_returning(const struct record *younger, const struct json *returned, int64_t version);

/* The change has been made: its fields keep who said so. */
void link_keep_origins(struct record *record, const struct json *origins);
