/*
 * assertion.c: see assertion.h.
 *
 * What would break: forget a lost sending too soon, and a platform that takes whatever comes keeps the older content for ever;
 * remember it too long, and each version of a busy record is sent twice.
 */
#include "assertion.h"

#include "clock.h"
#include "mem.h"

#define FIELDS_MAX 4096 /* more names than that: everything */
#define EVERYTHING "*"
#define ABSENT "+" /* the platform has the record no more: it is created */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Until then what began at that time may arrive. */
static int64_t until(const struct work *work, int64_t began_ms)
{
    const struct conf *conf = work->worker->conf;

    return began_ms > 0 ? began_ms + conf->request_timeout + conf->late_arrival : 0;
}

/* An earlier owner had it in hand when it ended: it may have sent it, at the latest now. */
static bool was_in_other_hands(const struct work *work, const struct uuid *event)
{
    for (size_t i = 0; i < work->item_count; i++)
        if (work->items[i]->handouts > 1 && uuid_equal(&work->items[i]->ref.event, event))
            return true;
    return false;
}

void assertion_find_lost(struct work *work)
{
    int64_t now = clock_db_ms();

    for (size_t i = 0; i < work->delivery_count; i++)
        if (was_in_other_hands(work, &work->deliveries[i].event))
            work->deliveries[i].lost_ms = now;
}

static bool says(const char *fields, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = fields; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == len && strncmp(at, word, len) == 0)
            return true;
    return false;
}

bool assertion_recreates(const struct work *work)
{
    for (size_t i = 0; work->delivery_count > 0 && i <= work->lead; i++)
        if (work->deliveries[i].asserts && says(work->deliveries[i].asserts, ABSENT))
            return true;
    return false;
}

bool assertion_touch(struct work *work)
{
    bool everything = false;

    for (size_t i = 0; i <= work->lead; i++) {
        const char *fields = work->deliveries[i].asserts;
        if (!fields)
            continue;
        everything |= says(fields, EVERYTHING) || says(fields, ABSENT);
        if (*fields)
            buf_addf(&work->touched, "%s%s", work->touched.len ? "," : "", fields);
    }
    return everything;
}

void assertion_lost(struct work *work)
{
    work->lost_ms = later(work->lost_ms, work->began_ms);
}

/* Sendings of the lead's own id. */
static int64_t own_lost(const struct work *work)
{
    return later(work->lost_ms, work_lead(work)->lost_ms);
}

/* Sendings of what the lead closes. */
static int64_t covered_lost(const struct work *work)
{
    int64_t lost_ms = work_lead(work)->overtook_ms;

    for (size_t i = 0; i < work->lead; i++)
        lost_ms = later(lost_ms, later(work->deliveries[i].lost_ms, work->deliveries[i].overtook_ms));
    return lost_ms;
}

static int64_t overtaken_until(const struct work *work)
{
    return until(work, later(covered_lost(work), work->record_lost_ms));
}

bool assertion_is_due(const struct work *work)
{
    return work->has_record && overtaken_until(work) > work->began_ms;
}

/* ── fields ── */

static void add_field(struct buf *fields, const char *name)
{
    buf_addf(fields, "%s%s", fields->len ? "," : "", name);
}

/* What the content of the work says that the platform certainly has not: at least what a sending carried that it covers. */
static void add_carried(const struct work *work, struct buf *fields)
{
    struct json_iter iter = {0};
    struct json *value, *other;
    const char *name;

    if (work->verb != VERB_UPDATE || work->turned || !work->base || !work->data) {
        add_field(fields, EVERYTHING);
        return;
    }
    while (json_next(work->data, &iter, &name, &value))
        if (!json_find(work->base, name, &other) || !json_equal(value, other))
            add_field(fields, name);
    iter = (struct json_iter){0};
    while (json_next(work->base, &iter, &name, &value))
        if (!json_find(work->data, name, &other))
            add_field(fields, name);
}

/* A list that says it all says only that. */
static char *list_of(struct buf *fields)
{
    char *list, *at, *name;
    bool everything = fields->len > FIELDS_MAX;

    list = at = mem_strdup(fields->data ? fields->data : "");
    while (!everything && (name = strsep(&at, ",")))
        everything = strcmp(name, EVERYTHING) == 0 || strcmp(name, ABSENT) == 0;
    free(list);
    if (everything) {
        buf_reset(fields);
        buf_add_str(fields, EVERYTHING);
    }
    return buf_detach(fields, NULL);
}

/* Of what the record's earlier deliveries lost, and of what this one carries. */
static char *lost_fields(const struct work *work, bool record, bool carried)
{
    struct buf fields = BUF_INIT;

    if (record && work->record_lost_fields && *work->record_lost_fields)
        add_field(&fields, work->record_lost_fields);
    if (carried)
        add_carried(work, &fields);
    return list_of(&fields);
}

/* ── results ── */

/* Under its own id nothing else can come any more but what was lost; under others, what it overtook: that is asserted. */
static void settle_delivered(struct work *work, int64_t now)
{
    int64_t own_ms = own_lost(work);

    if (assertion_is_due(work)) {
        work->asserts = lost_fields(work, until(work, work->record_lost_ms) > work->began_ms,
                                    until(work, covered_lost(work)) > work->began_ms);
        work->wait_ms = overtaken_until(work) > now ? overtaken_until(work) - now : 0;
    }
    if (until(work, own_ms) > now) {
        work->noted_lost_ms = own_ms;
        work->noted_fields = lost_fields(work, false, true);
    }
}

static void settle_dead(struct work *work, int64_t now)
{
    int64_t lost_ms = later(own_lost(work), covered_lost(work));
    bool record = until(work, work->record_lost_ms) > now, carried = until(work, lost_ms) > now;

    if (!record && !carried)
        return;
    work->noted_lost_ms = later(lost_ms, work->record_lost_ms);
    work->noted_fields = lost_fields(work, record, carried);
}

void assertion_settle(struct work *work)
{
    int64_t now;

    if (!work->has_record || later(own_lost(work), later(covered_lost(work), work->record_lost_ms)) == 0)
        return;
    now = clock_db_ms();
    if (work->result == DELIVERY_DELIVERED) {
        settle_delivered(work, now);
    } else if (work->result == DELIVERY_DEAD) {
        settle_dead(work, now);
    } else if (work->result == DELIVERY_BACKOFF) { /* who goes on with it must know */
        work->noted_lost_ms = own_lost(work);
        work->noted_overtook_ms = covered_lost(work);
    }
}
