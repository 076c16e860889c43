/*
 * record.h: what the record files of the gateway share.
 *
 *   record_get    finds records and users, and pages of a record's versions;  record_json  shows them
 *   user_post     the original's way to send a user: an event like any other
 */
#pragma once
#include "gateway.h"

#define RECORD_SERVICE "service" /* the service's own counter in a vector */
/* Whose users they are that a token without a platform speaks of, as the original had it. */
#define RECORD_USERS_PLATFORM "bizosaas"
#define RECORD_ALSO_MAX 50       /* others of the same e-mail address that are told */

/* All rows of get_record.sql, of which there is one at least. others: with those of the same e-mail address. */
void record_json(struct buf *out, const struct platform_set *platforms, const struct db_result *result,
                 bool others);
void record_user_json(struct buf *out, const struct db_result *result);
/* All rows of list_versions.sql, of which there is one at least. */
void record_versions_json(struct buf *out, const struct db_result *result, int64_t limit);
