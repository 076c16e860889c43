/* merge_fixture.h: one record, and changes to it in short. Include merge.h before it. */
#pragma once
#include "mapping_fixture.h"
#include "mem.h"

#define T0 INT64_C(1700000000000)

/* A change in short: platform, verb, seq, time after T0, data in common names. */
struct step {
    const char *platform;
    enum verb verb;
    int64_t seq, at_ms;
    const char *data;
    int64_t base_version;
};

static struct record record;

static inline void begin(void)
{
    mapping_load();
    record_init(&record);
}

static inline void end(void)
{
    record_release(&record);
    mapping_unload();
}

static inline void apply(struct record *to, const struct step *step, struct merge *merge)
{
    struct json *data = mapping_parse(step->data);
    struct change change = {.source = mapping_platform(step->platform),
                            .entity = ENTITY_USER,
                            .verb = step->verb,
                            .entity_id = "u1",
                            .seq = step->seq,
                            .time_ms = T0 + step->at_ms,
                            .base_version = step->base_version,
                            .data = data};

    merge_init(merge);
    merge_apply(to, &change, merge);
    json_free(data);
}
