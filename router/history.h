/* history.h: versions of one record as merge.h wants them, read from the tables or made by the batch under way. */
#pragma once
#include "merge.h"

struct history;
/* The lines of router_read.sql; NULL: an empty one. Those that cannot be read are left out, with all that is older. */
struct history *history_read(const char *lines);
void history_free(struct history **history);
/* The record as it is now is one more version. */
void history_add(struct history *history, const struct record *record, const char *source,
                 const struct json *changed, bool page);
/* Those of `more`, behind its own: they are newer. */
void history_join(struct history *history, const struct history *more);
/* The platform never says again what it was told. */
void history_deny_echoes(struct history *history);
const struct version *history_versions(const struct history *history, size_t *count);
