/* audience.c: see audience.h. */
#include "audience.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "hops.h"

void audience_each(const struct platform_set *platforms, const char *list, target_visit visit, void *arg)
{
    for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t len = strcspn(at, ",");
        for (size_t i = 0; i < platform_count(platforms); i++) {
            const char *name = platform_name(platform_at(platforms, i));
            if (strlen(name) == len && memcmp(name, at, len) == 0)
                visit(platform_at(platforms, i), i, arg);
        }
    }
}

static void join_audience(const struct platform *platform, size_t index, void *arg)
{
    struct folded *folded = arg;
    struct buf list = BUF_INIT;

    (void)index;
    if (hops_named(folded->audience, platform_name(platform)))
        return;
    buf_addf(&list, "%s%s%s", folded->audience, *folded->audience ? "," : "", platform_name(platform));
    free(folded->audience);
    folded->audience = buf_detach(&list, NULL);
}

void audience_widen(const struct routing *routing, const struct event_row *event, struct folded *folded)
{
    audience_each(routing->spec.platforms, event->targets, join_audience, folded);
    audience_each(routing->spec.platforms, event->source, join_audience, folded);
}
