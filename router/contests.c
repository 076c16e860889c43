/* contests.c: see contests.h. */
#include "contests.h"

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "resolve.h"

/* Owner: the list. */
struct contest {
    struct contest *next;
    char event[UUID_TEXT_LEN + 1]; /* that contested */
    unsigned partition;
    bool begun; /* in this batch; then: */
    struct uuid event_id, record;
    char *tenant, *entity_id, *fields;
    enum entity entity;
    const char *kind;
    int64_t version;
    struct json *detail;
    /* what is settled of it */
    struct json *settled; /* object: names */
    bool decided;
};

struct contests {
    struct contest *first, **end;
};

struct contests *contests_new(void)
{
    struct contests *contests = mem_alloc(sizeof *contests);

    contests->end = &contests->first;
    return contests;
}

void contests_free(struct contests **contestsp)
{
    struct contests *contests = *contestsp;

    while (contests && contests->first) {
        struct contest *contest = contests->first;
        contests->first = contest->next;
        free(contest->tenant);
        free(contest->entity_id);
        free(contest->fields);
        json_free(contest->detail);
        json_free(contest->settled);
        free(contest);
    }
    free(contests);
    *contestsp = NULL;
}

static struct contest *add(struct contests *contests, const char *event, unsigned partition)
{
    struct contest *contest = mem_alloc(sizeof *contest);

    snprintf(contest->event, sizeof contest->event, "%s", event);
    contest->partition = partition;
    contest->settled = json_new_object();
    *contests->end = contest;
    contests->end = &contest->next;
    return contest;
}

static char *field_names(const struct json *contested)
{
    struct buf names = BUF_INIT;

    for (size_t i = 0; i < json_count(contested); i++)
        buf_addf(&names, "%s%s", i ? "," : "", json_get_text(json_at(contested, i), "field"));
    return buf_detach(&names, NULL);
}

/* Until it is decided, which may find more. */
static const char *kind_of(const struct event_row *event, const struct merge *merge)
{
    const char *names[RESOLVE_TYPE_COUNT];

    if (merge->held && resolve_type_names(merge->held, names) > 0)
        return names[0];
    return event->base_version > 0 ? "version_conflict" : "concurrent_update";
}

void contests_begin(struct contests *contests, const struct event_row *event, const struct folded *folded,
                    const struct merge *merge)
{
    char id[UUID_TEXT_LEN + 1];
    struct contest *contest;

    uuid_format(&event->id, id);
    contest = add(contests, id, event->partition);
    contest->begun = true;
    contest->event_id = event->id;
    contest->record = folded->id;
    contest->tenant = mem_strdup(event->tenant);
    contest->entity_id = mem_strdup(folded->entity_id);
    contest->fields = field_names(merge->contested);
    contest->entity = folded->entity;
    contest->kind = kind_of(event, merge);
    contest->version = folded->record.version;
    contest->detail = json_copy(merge->contested);
}

static struct contest *find(struct contests *contests, const char *event, unsigned partition)
{
    for (struct contest *contest = contests->first; contest; contest = contest->next)
        if (strcmp(contest->event, event) == 0)
            return contest;
    return add(contests, event, partition);
}

void contests_settle(struct contests *contests, unsigned partition, const struct merge *merge, bool decided)
{
    for (size_t i = 0; i < json_count(merge->settled); i++) {
        const struct json *entry = json_at(merge->settled, i);
        struct contest *contest = find(contests, json_get_text(entry, "event"), partition);
        json_set(contest->settled, json_get_text(entry, "field"), json_new_bool(true));
        contest->decided |= decided;
    }
}

static void write_begun(const struct contest *contest, struct routing *routing)
{
    struct buf open = BUF_INIT;
    struct uuid id;

    for (size_t i = 0; i < json_count(contest->detail); i++) {
        const char *field = json_get_text(json_at(contest->detail, i), "field");
        if (!json_get(contest->settled, field))
            buf_addf(&open, "%s%s", open.len ? "," : "", field);
    }
    uuid_v7(&id, clock_db_ms());
    db_array_uuid(routing->conflict.id, &id);
    db_array_uuid(routing->conflict.record, &contest->record);
    db_array_int(routing->conflict.partition, contest->partition);
    db_array_uuid(routing->conflict.event, &contest->event_id);
    db_array_text(routing->conflict.tenant, contest->tenant);
    db_array_text(routing->conflict.type, msg_entity_name(contest->entity));
    db_array_text(routing->conflict.entity_id, contest->entity_id);
    db_array_text(routing->conflict.kind, contest->kind);
    db_array_text(routing->conflict.fields, contest->fields);
    db_array_int(routing->conflict.version, contest->version);
    db_array_text_len(routing->conflict.open, open.len ? open.data : "", open.len);
    rows_add_body(routing->conflict.detail, contest->detail);
    buf_release(&open);
}

static void write_settled(const struct contest *contest, struct routing *routing)
{
    struct buf fields = BUF_INIT;
    struct json_iter iter = {0};
    struct uuid event;
    const char *name;

    while (json_next(contest->settled, &iter, &name, NULL))
        buf_addf(&fields, "%s%s", fields.len ? "," : "", name);
    if (uuid_parse(&event, contest->event, strlen(contest->event)) != 0)
        bug("a note names %s as the event of its contest", contest->event);
    db_array_uuid(routing->settled.event, &event);
    db_array_int(routing->settled.partition, contest->partition);
    db_array_text_len(routing->settled.fields, fields.data, fields.len);
    db_array_text(routing->settled.status, contest->decided ? "resolved" : "replaced");
    buf_release(&fields);
}

void contests_write(const struct contests *contests, struct routing *routing)
{
    for (const struct contest *contest = contests->first; contest; contest = contest->next)
        if (contest->begun)
            write_begun(contest, routing);
        else
            write_settled(contest, routing);
}
