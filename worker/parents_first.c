/* parents_first.c: see parents_first.h. A mistake here delays orders or lets them go too early; it can neither lose nor turn round. */
#include "parents_first.h"

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "sql.h"

#define RETRY_MS 200
#define ASK_MAX 500 /* parents in one statement, or a few more */
#define WAIT_MIN_MS 50
#define WAIT_MAX_MS 5000
#define SHUT_WAIT_MS 1000 /* the platform is being probed: nothing else goes out either */

struct looking {
    struct worker *worker;
    struct parents_first_ways ways;
    size_t count;
    struct work *works[];
};

static bool may_wait(const struct work *work)
{
    const struct conf *conf = work->worker->conf;

    return conf->parent_wait > 0 && clock_db_ms() - work_lead(work)->created_ms < conf->outage_limit;
}

static bool waits_for(const struct work *work, const struct parent *parent)
{
    return !parent->told && !uuid_equal(&parent->record, &work->record);
}

static bool may_wait_for_any(const struct work *work)
{
    for (size_t i = 0; may_wait(work) && i < work->parents.count; i++)
        if (waits_for(work, &work->parents.list[i]))
            return true;
    return false;
}

bool parents_first_find(struct work *work)
{
    const struct platform *platform = work->worker->platform;
    const struct delivery *lead = work_lead(work);
    enum entity entity = msg_event_entity(lead->type);
    struct parents before;
    size_t rows;

    if (!work->has_record || work->record_deleted || !platform_parents(platform, entity, &rows))
        return false;
    parents_find(&work->parents, platform, entity, lead->tenant, work->data, work->notes);
    if (work->base && work->verb == VERB_UPDATE) {
        parents_find(&before, platform, entity, lead->tenant, work->base, NULL);
        parents_mark_told(&work->parents, &before);
        parents_release(&before);
    }
    if (work->parents.count == 0)
        return false;
    /* A GraphQL document names the parents by what their records are called there. */
    return may_wait_for_any(work) || platform_graphql(platform, entity);
}

/* Milliseconds that count against PARENT_WAIT. */
static int64_t counted_ms(const struct worker *worker, int64_t held_ms)
{
    int64_t since_back_ms = clock_mono_ms() - worker->gate.closed_ms;

    if (worker->gate.state != GATE_CLOSED)
        return 0;
    return worker->gate.closed_ms > 0 && since_back_ms < held_ms ? since_back_ms : held_ms;
}

/* Waits of many orders end together, so that one look at what is ready finds them all. */
static int64_t wait_ms(const struct worker *worker, int64_t waited_ms)
{
    int64_t wait = waited_ms / 2, left_ms = worker->conf->parent_wait - waited_ms, grid, over;

    if (worker->gate.state != GATE_CLOSED)
        return SHUT_WAIT_MS;
    if (wait < WAIT_MIN_MS)
        wait = WAIT_MIN_MS;
    if (wait > WAIT_MAX_MS)
        wait = WAIT_MAX_MS;
    if (wait > left_ms)
        wait = left_ms;
    grid = wait / 4 + 1;
    over = (clock_db_ms() + wait) % grid;
    return wait + (over > 0 ? grid - over : 0);
}

/* Bytes of the text, at most so many, and no half character: PostgreSQL refuses that. */
static int clip(const char *text, size_t most)
{
    size_t len = strlen(text);

    if (len <= most)
        return (int)len;
    for (len = most; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;)
        len--;
    return (int)len;
}

static void hold(struct work *work, const struct parent *parent, int64_t waited_ms)
{
    struct worker *worker = work->worker;

    work->result = DELIVERY_BACKOFF;
    work->wait_ms = wait_ms(worker, waited_ms);
    snprintf(work->error, sizeof work->error, "waits for %s %.*s (%.*s), which is still on its way to %s",
             msg_entity_name(parent->entity), clip(parent->id, 100), parent->id, clip(parent->path, 60),
             parent->path, worker->name);
    work_forget_content(work);
    limit_return(work);
    ledger_add(work);
}

/* The first parent that is worth waiting for, or NULL; takes the rows of this work's parents. */
static const struct parent *take_rows(struct work *work, const struct db_result *result, size_t row,
                                      int64_t *waited_ms)
{
    int record = db_column(result, "record_id"), on_way = db_column(result, "on_way"),
        held = db_column(result, "held_ms");
    const struct parent *waited = NULL;

    for (size_t i = 0; i < work->parents.count; i++, row++) {
        struct parent *parent = &work->parents.list[i];
        db_get_uuid(result, row, record, &parent->record);
        if (waited || !db_get_bool(result, row, on_way))
            continue;
        *waited_ms = counted_ms(work->worker, db_get_int(result, row, held));
        if (*waited_ms < work->worker->conf->parent_wait)
            waited = parent;
    }
    return waited;
}

static void sort_out(struct looking *looking, const struct db_result *result)
{
    size_t row = 0;

    for (size_t i = 0; i < looking->count; i++) {
        struct work *work = looking->works[i];
        size_t rows = work->parents.count;
        int64_t waited_ms = 0;
        const struct parent *parent = result ? take_rows(work, result, row, &waited_ms) : NULL;
        row += rows;
        if (work->lost)
            work_finish(work);
        else if (parent)
            hold(work, parent, waited_ms);
        else
            looking->ways.go_on(work);
    }
}

static void on_parents(enum db_status status, const struct db_result *result, void *arg)
{
    struct looking *looking = arg;

    if (status == DB_OK) {
        sort_out(looking, result);
    } else if (status == DB_REFUSED) { /* an id that cannot be asked for must not stop the others for ever */
        log_error("parents cannot be looked for", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
        sort_out(looking, NULL);
    } else {
        for (size_t i = 0; i < looking->count; i++)
            if (looking->works[i]->lost)
                work_finish(looking->works[i]);
            else
                looking->ways.go_back(looking->works[i]);
    }
    worker_pump_in(looking->worker, status == DB_OK || status == DB_REFUSED ? 0 : RETRY_MS);
    free(looking);
}

struct parent_arrays {
    struct db_array *work, *type, *id, *origin, *tenant, *record, *waits;
};

static void add_parents(const struct work *work, size_t place, const struct parent_arrays *a)
{
    bool waits = may_wait(work);

    for (size_t i = 0; i < work->parents.count; i++) {
        const struct parent *parent = &work->parents.list[i];
        db_array_int(a->work, (int64_t)place);
        db_array_text(a->type, msg_entity_name(parent->entity));
        db_array_text(a->id, parent->id);
        db_array_text(a->origin, parent->origin ? parent->origin : work_lead(work)->source);
        db_array_text(a->tenant, work_lead(work)->tenant);
        db_array_uuid(a->record, &parent->record);
        db_array_bool(a->waits, waits && waits_for(work, parent));
    }
}

static void ask(struct worker *worker, struct work *const *works, size_t count,
                const struct parents_first_ways *ways)
{
    struct looking *looking = mem_alloc(sizeof *looking + count * sizeof *works);
    struct db_params *params = db_params_new();
    struct db_array *events, *records;
    struct parent_arrays a;

    *looking = (struct looking){.worker = worker, .ways = *ways, .count = count};
    db_add_text(params, worker->name);
    events = db_add_array(params, DB_UUID), records = db_add_array(params, DB_UUID);
    a.work = db_add_array(params, DB_INT4), a.type = db_add_array(params, DB_TEXT);
    a.id = db_add_array(params, DB_TEXT), a.origin = db_add_array(params, DB_TEXT);
    a.tenant = db_add_array(params, DB_TEXT), a.record = db_add_array(params, DB_UUID);
    a.waits = db_add_array(params, DB_BOOL);
    for (size_t i = 0; i < count; i++) {
        looking->works[i] = works[i];
        db_array_uuid(events, &work_lead(works[i])->event);
        db_array_uuid(records, &works[i]->record);
        add_parents(works[i], i + 1, &a);
    }
    db_query(store_db(worker->store), DB_WRITER, sql_worker_parents, params, on_parents, looking);
}

void parents_first_read(struct worker *worker, struct work *const *works, size_t count,
                        const struct parents_first_ways *ways)
{
    size_t first = 0, parents = 0;

    for (size_t i = 0; i < count; i++) {
        parents += works[i]->parents.count;
        if (parents < ASK_MAX && i + 1 < count)
            continue;
        ask(worker, works + first, i + 1 - first, ways);
        first = i + 1;
        parents = 0;
    }
}
