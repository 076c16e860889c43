/*
 * verify_step.c: the end of a step: place, counts, sums, examples, hashes and repairs go into the tables in one statement; then the
 * repairs' references to the router, and a rest by the rates.
 */
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "service.h"
#include "sql.h"
#include "stats.h"
#include "verify_inside.h"

#define MISSING_FIELDS "*,+" /* all of them, of a record that is created anew */
#define ALL_FIELDS "*"

/* Arrays of verify_step.sql, in its order. */
struct step_arrays {
    struct {
        struct db_array *kind, *record, *entity_id, *platform_id, *fields, *event;
    } example;
    struct {
        struct db_array *record, *version, *content, *hash;
    } hash;
    struct db_array *seen;
    struct {
        struct db_array *event, *record, *version, *type, *fields;
    } repair;
};

static const char *kind_of(enum verify_finding finding)
{
    switch (finding) {
    case FOUND_DIFFERING:
        return "differing";
    case FOUND_MISSING_THERE:
        return "missing";
    case FOUND_UNDELETED:
        return "undeleted";
    case FOUND_UNKNOWN:
        return "unknown";
    default:
        return NULL;
    }
}

/* ── what one row adds ── */

static void add_repair(const struct verify *verify, const struct verify_row *row, const struct uuid *event,
                       struct step_arrays *a)
{
    const char *verb = row->finding == FOUND_MISSING_THERE ? "created"
                       : row->finding == FOUND_UNDELETED   ? "deleted"
                                                           : "updated";
    char type[32];

    snprintf(type, sizeof type, "%s_%s", msg_entity_name(verify->entity), verb);
    db_array_uuid(a->repair.event, event);
    db_array_uuid(a->repair.record, &row->record);
    db_array_int(a->repair.version, row->version);
    db_array_text(a->repair.type, type);
    db_array_text(a->repair.fields, row->finding == FOUND_MISSING_THERE ? MISSING_FIELDS
                                    : row->fields                       ? row->fields
                                                                        : ALL_FIELDS);
}

/* Its example, and its repair. */
static void add_finding(const struct verify *verify, const struct verify_row *row, struct step_arrays *a)
{
    bool repairs = verify->repair && row->finding != FOUND_UNKNOWN;
    struct uuid event;

    if (repairs) {
        uuid_v7(&event, clock_db_ms());
        add_repair(verify, row, &event, a);
    }
    db_array_text(a->example.kind, kind_of(row->finding));
    if (row->known)
        db_array_uuid(a->example.record, &row->record);
    else
        db_array_null(a->example.record);
    db_array_text(a->example.entity_id, row->entity_id);
    db_array_text(a->example.platform_id, row->platform_id);
    db_array_text(a->example.fields, row->fields ? row->fields : "");
    if (repairs)
        db_array_uuid(a->example.event, &event);
    else
        db_array_null(a->example.event);
}

static void add_hash(const struct verify_row *row, struct step_arrays *a)
{
    db_array_uuid(a->hash.record, &row->record);
    db_array_int(a->hash.version, row->version);
    db_array_int(a->hash.content, (int64_t)row->content);
    db_array_int(a->hash.hash, (int64_t)drift_hash(&row->record, row->version, row->content));
}

static void add_row(const struct verify *verify, const struct verify_row *row, struct step_arrays *a)
{
    if (verify->phase == VERIFY_SEARCH) {
        if (row->known && verify->searched[drift_bucket(&row->record)])
            db_array_uuid(a->seen, &row->record);
        return;
    }
    if (row->learnt)
        add_hash(row, a);
    if (kind_of(row->finding))
        add_finding(verify, row, a);
}

/* ── the statement ── */

static void add_arrays(struct step_arrays *a, struct db_params *params, bool examples)
{
    if (examples) {
        a->example.kind = db_add_array(params, DB_TEXT), a->example.record = db_add_array(params, DB_UUID);
        a->example.entity_id = db_add_array(params, DB_TEXT);
        a->example.platform_id = db_add_array(params, DB_TEXT);
        a->example.fields = db_add_array(params, DB_TEXT), a->example.event = db_add_array(params, DB_UUID);
        return;
    }
    a->hash.record = db_add_array(params, DB_UUID), a->hash.version = db_add_array(params, DB_INT8);
    a->hash.content = db_add_array(params, DB_INT8), a->hash.hash = db_add_array(params, DB_INT8);
    a->seen = db_add_array(params, DB_UUID);
    a->repair.event = db_add_array(params, DB_UUID), a->repair.record = db_add_array(params, DB_UUID);
    a->repair.version = db_add_array(params, DB_INT8), a->repair.type = db_add_array(params, DB_TEXT);
    a->repair.fields = db_add_array(params, DB_TEXT);
}

static void add_counts(const struct verify *verify, struct db_params *params)
{
    int64_t found[FOUND_COMPARE + 1] = {0};
    struct db_array *counts = db_add_array(params, DB_INT8);

    found[FOUND_UNREADABLE] = verify->phase == VERIFY_LOOK ? (int64_t)verify->unreadable : 0;
    for (size_t i = 0; i < verify->count && verify->phase != VERIFY_SEARCH; i++)
        found[verify->rows[i].finding]++;
    db_array_int(counts, verify->phase == VERIFY_LOOK || verify->phase == VERIFY_SEARCH);
    for (size_t i = 0; i < FOUND_NOTHING; i++)
        db_array_int(counts, found[i]);
    db_array_int(counts, (int64_t)verify->compared);
}

/* With this page's. A page that is read again counts once: the part's row has what was before it. */
static void add_sums(const struct verify *verify, struct db_params *params)
{
    struct drift_sums now = verify->sums;
    uint8_t sums[DRIFT_SUMS_LEN];

    if (verify->phase == VERIFY_LOOK) {
        for (size_t i = 0; i < verify->count; i++) {
            const struct verify_row *row = &verify->rows[i];
            if (row->known && !row->deleted)
                drift_add(&now, &row->record, drift_hash(&row->record, row->version, row->content));
        }
        drift_write(&now, sums);
        db_add_bytes(params, sums, sizeof sums);
    } else {
        db_add_null(params, DB_BYTEA);
    }
}

static void add_place(const struct verify *verify, struct db_params *params, enum verify_phase phase)
{
    db_add_uuid(params, &verify->job);
    db_add_text(params, service_instance(verify->worker->service));
    db_add_int(params, verify->place);
    db_add_int(params, verify->steps);
    db_add_text(params, verify_phase_name(phase));
    db_add_text(params, verify->next);
    db_add_uuid(params, verify->phase == VERIFY_MISSING && verify->has_record ? &verify->record : NULL);
}

static void add_searched(const struct verify *verify, struct db_params *params)
{
    struct db_array *buckets = NULL;

    if (verify->phase == VERIFY_TURN)
        buckets = db_add_array(params, DB_INT2);
    else
        db_add_null(params, DB_TEXT); /* cast to the array where it stands */
    for (unsigned i = 0; buckets && i < DRIFT_BUCKETS; i++)
        if (verify->searched[i])
            db_array_int(buckets, i);
    if (verify->buckets_off >= 0)
        db_add_int(params, verify->buckets_off);
    else
        db_add_null(params, DB_INT8);
}

static void publish(struct worker *worker, const struct db_result *result, size_t row)
{
    unsigned partition = (unsigned)db_get_int(result, row, db_column(result, "partition"));
    struct belt_call *call = belt_call_new(partition);
    char key[MSG_KEY_MAX];
    struct ref ref;

    store_read_ref(result, row, &ref);
    msg_key_events(key, PRIORITY_LOW, partition);
    belt_publish(call, key, worker->conf->stream_window, &ref);
    belt_send(worker->belt, call, "", 0, NULL, NULL);
}

static void count(struct verify *verify, size_t repairs)
{
    for (size_t i = 0; i < verify->count && verify->phase != VERIFY_SEARCH; i++)
        if (verify->rows[i].finding < FOUND_NOTHING)
            stats_add(verify->stat_found[verify->rows[i].finding], 1);
    stats_add(verify->stat_repaired, (int64_t)repairs);
}

static void on_stepped(struct verify *verify, const struct db_result *result)
{
    const struct conf *conf = verify->worker->conf;
    size_t repairs = 0;
    int64_t rest_ms, repairs_ms;

    for (size_t row = 0; row < db_rows(result); row++)
        if (!db_is_null(result, row, db_column(result, "id"))) {
            publish(verify->worker, result, row);
            repairs++;
        }
    count(verify, repairs);
    rest_ms = (int64_t)verify->count * 1000 / conf->verify_rate;
    repairs_ms = (int64_t)repairs * 1000 / conf->verify_repair_rate;
    verify_page_reset(verify);
    verify_rest(verify, rest_ms > repairs_ms ? rest_ms : repairs_ms, verify_next);
}

static void step_to(struct verify *verify, enum verify_phase phase)
{
    struct db_params *params = db_params_new();
    struct step_arrays arrays;

    add_place(verify, params, phase);
    add_sums(verify, params);
    add_searched(verify, params);
    add_counts(verify, params);
    add_arrays(&arrays, params, true);
    db_add_int(params, VERIFY_EXAMPLES_MAX);
    add_arrays(&arrays, params, false);
    db_add_text(params, service_instance(verify->worker->service));
    for (size_t i = 0; i < verify->count; i++)
        add_row(verify, &verify->rows[i], &arrays);
    verify_query(verify, sql_verify_step, params, on_stepped);
}

void verify_step(struct verify *verify)
{
    step_to(verify, verify_phase_after(verify));
}

/* ── the turn ── */

static void read_sums(struct drift_sums *sums, const struct db_result *result)
{
    memset(sums, 0, sizeof *sums);
    for (size_t row = 0; row < db_rows(result); row++) {
        unsigned bucket =
            (unsigned)db_get_int(result, row, db_column(result, "bucket")) & (DRIFT_BUCKETS - 1);
        sums->buckets[bucket].records = (uint32_t)db_get_int(result, row, db_column(result, "records"));
        sums->buckets[bucket].ids = (uint64_t)db_get_int(result, row, db_column(result, "ids"));
        sums->buckets[bucket].hash = (uint64_t)db_get_int(result, row, db_column(result, "hash"));
    }
}

static uint64_t records_in(const struct drift_sums *sums)
{
    uint64_t records = 0;

    for (unsigned i = 0; i < DRIFT_BUCKETS; i++)
        records += sums->buckets[i].records;
    return records;
}

static void on_sums(struct verify *verify, const struct db_result *result)
{
    struct drift_sums should;
    bool search = false;
    char reason[200];

    read_sums(&should, result);
    if (verify->repair && !verify->resumed && records_in(&verify->sums) == 0 && records_in(&should) > 0) {
        snprintf(
            reason, sizeof reason,
            "the list shows none of %llu records: look at the tenant and at what the credential may see; "
            "resumed, all of them are sent again",
            (unsigned long long)records_in(&should));
        verify_hold(verify, reason);
        return;
    }
    verify->buckets_off = 0;
    for (unsigned i = 0; i < DRIFT_BUCKETS; i++) {
        verify->searched[i] = drift_lacks(&should, &verify->sums, i);
        verify->buckets_off += drift_differs(&should, &verify->sums, i);
        search |= verify->searched[i];
    }
    step_to(verify, search ? VERIFY_SEARCH : VERIFY_DONE);
}

void verify_step_turn(struct verify *verify)
{
    struct db_params *params = db_params_new();

    db_add_text(params, verify->tenant);
    db_add_text(params, msg_entity_name(verify->entity));
    db_add_text(params, verify->worker->name);
    verify_query(verify, sql_verify_sums, params, on_sums);
}
