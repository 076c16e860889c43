/* tables.c: what PostgreSQL holds, and which statement is which. Texts in it never change and stay as long as the world, so that
 * results can point to them. The statements are in tables_router.c, tables_worker.c and
 * tables_resolver.c, each as its file in common/sql says. See simulation.h. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "simulation.h"
#include "sql.h"

char *bytes_copy(const void *bytes, size_t len)
{
    char *copy = mem_alloc(len + 1);

    memcpy(copy, bytes, len);
    return copy;
}

void tables_reset(void)
{
    world.events = NULL;
    world.conflicts = NULL;
    world.event_count = world.event_cap = world.conflict_count = world.conflict_cap = 0;
    memset(world.records, 0, sizeof world.records);
    for (unsigned r = 0; r < RECORDS_MAX; r++) {
        struct record_model *record = &world.records[r];
        memset(record->id.bytes, (int)r + 1, sizeof record->id.bytes);
        snprintf(record->entity_id, sizeof record->entity_id, "r%u", r);
        record->event = -1;
        for (int side = 0; side < SIDES; side++)
            record->places[side].certain_event = -1;
    }
}

int tables_add_event(const struct event_row_model *event)
{
    struct event_row_model *row;

    if (world.event_count == world.event_cap) {
        struct event_row_model *before = world.events; /* results point into it: it stays */
        world.event_cap = world.event_cap ? 2 * world.event_cap : 32;
        world.events = mem_array(world.event_cap, sizeof *world.events);
        if (before)
            memcpy(world.events, before, world.event_count * sizeof *world.events);
    }
    row = &world.events[world.event_count];
    *row = *event;
    row->seq = ++world.seq;
    row->created_ms = world.now_ms;
    sim_uuid(&row->id, (uint32_t)world.event_count);
    return (int)world.event_count++;
}

int tables_event(const struct uuid *id)
{
    uint32_t index = uuid_index(id);

    if (index >= world.event_count || !uuid_equal(&world.events[index].id, id))
        bug("no such event");
    return (int)index;
}

struct record_model *tables_record(const struct uuid *id)
{
    return &world.records[id->bytes[0] - 1];
}

/* The parameters at that place are partitions and fences; here a partition is the number of a stage. */
bool tables_hold(const struct db_params *params, size_t at)
{
    const struct cell *stage = params->arrays[at].cells, *fence = params->arrays[at + 1].cells;

    return world.fence[stage->number] == fence->number;
}

bool delivery_is_open(const struct delivery_model *delivery)
{
    return delivery->state == DELIVERY_OPEN || delivery->state == DELIVERY_BACKOFF;
}

bool delivery_waits(const struct delivery_model *delivery)
{
    return delivery->state == DELIVERY_BACKOFF && delivery->next_attempt_ms > world.now_ms;
}

bool delivery_is_early_assertion(const struct delivery_model *delivery)
{
    return delivery->ended && delivery->sendings == 0 && delivery_waits(delivery);
}

static struct db_result *nothing(void)
{
    static const char *const names[] = {"id"};

    return result_new(names, 1);
}

struct db_result *tables_run(const char *sql, const struct db_params *params)
{
    if (sql == sql_router_read)
        return router_read(params);
    if (sql == sql_router_write)
        return router_write(params);
    if (sql == sql_worker_read)
        return worker_read(params);
    if (sql == sql_worker_bases)
        return worker_bases(params);
    if (sql == sql_worker_outcome)
        return worker_outcome(params);
    if (sql == sql_resolver_read)
        return resolver_read(params);
    if (sql == sql_resolver_write)
        return resolver_write(params);
    return nothing(); /* what platforms are like, alerts: only people read it here */
}
