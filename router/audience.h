/* audience.h: the platforms that a record was ever named for: who gets its changes. A list is names with commas between. */
#pragma once
#include "rows.h"

/* Calls visit for every platform named in a list; unknown names are skipped (their file is gone). */
typedef void (*target_visit)(const struct platform *platform, size_t index, void *arg);
void audience_each(const struct platform_set *platforms, const char *list, target_visit visit, void *arg);

/* By those whom the event names, and who tells of it. */
void audience_widen(const struct routing *routing, const struct event_row *event, struct folded *folded);
