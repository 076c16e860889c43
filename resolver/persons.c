/*
 * persons.c: see persons.h.
 *
 *   resting ─▶ reading ─▶ comparing ─▶ suggesting ─▶ resting
 *
 * The owner of partition 0 does it; should two do it for a moment, both find the same. The cursor moves with what was found, so that
 * whoever comes after begins where this one ended.
 */
#include "persons.h"

#include <event2/event.h>

#include "clock.h"
#include "conf.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "person.h"
#include "resolver.h"
#include "service.h"
#include "sql.h"
#include "stats.h"
#include "store.h"

#define PAGE 100      /* events */
#define CANDIDATES 20 /* of each user */
#define REST_MS 1000  /* when nothing is new */
#define REST_SHARE 9  /* as long as a turn took, times this: a tenth of one processor at most */

struct user {
    struct uuid id;
    struct person person;
};

/* Owner: the resolver's main. */
struct persons {
    struct resolver *resolver;
    struct event *timer;
    struct stat *stat_suggested;
    bool told, busy;
    int64_t began_us;
    /* the turn under way */
    struct user *users;
    size_t count;
    struct map *by_id;
    struct uuid upto;
};

static const char *external_id(const struct persons *persons)
{
    return service_conf(persons->resolver->service)->link_external_id;
}

static void rest(struct persons *persons, int64_t ms)
{
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    map_free(&persons->by_id);
    free(persons->users);
    persons->users = NULL;
    persons->count = 0;
    persons->busy = false;
    evtimer_add(persons->timer, &after);
}

static bool answered(struct persons *persons, enum db_status status, const struct db_result *result)
{
    if (status == DB_REFUSED)
        log_error("looking for one person under several ids was refused",
                  LOG_STR("sqlstate", db_sqlstate(result)), LOG_STR("error", db_message(result)));
    if (status != DB_OK)
        rest(persons, REST_MS);
    return status == DB_OK;
}

static struct json *body(const struct db_result *result, size_t row)
{
    size_t len;
    const char *bytes = db_get_bytes(result, row, db_column(result, "data"), &len);
    bool ok = false;
    struct json *json = NULL;

    if (bytes && len > 1 && bytes[0] == BODY_PLAIN)
        json = json_parse(bytes + 1, len - 1, JSON_DEPTH_MAX, NULL, &ok);
    if (ok)
        return json;
    json_free(json);
    return NULL;
}

static bool read_person(const struct persons *persons, const struct db_result *result, size_t row,
                        struct person *person)
{
    struct json *data = body(result, row);

    if (data)
        person_read(person, data, external_id(persons));
    json_free(data);
    return data != NULL;
}

/* ---- suggesting ---- */

static void on_suggested(enum db_status status, const struct db_result *result, void *arg)
{
    struct persons *persons = arg;

    if (!answered(persons, status, result))
        return;
    stats_add(persons->stat_suggested, db_get_int(result, 0, db_column(result, "stored")));
    rest(persons, (clock_mono_us() - persons->began_us) * REST_SHARE / 1000);
}

struct pairs {
    struct db_array *one, *other, *score, *why, *link;
};

static void add_pair(struct pairs *pairs, const struct user *user, const struct uuid *other, int score,
                     const struct buf *why)
{
    struct uuid link;

    uuid_v7(&link, clock_db_ms());
    db_array_uuid(pairs->one, &user->id);
    db_array_uuid(pairs->other, other);
    db_array_int(pairs->score, score);
    db_array_text_len(pairs->why, why->len ? why->data : "", why->len);
    db_array_uuid(pairs->link, &link);
}

static void compare(const struct persons *persons, const struct db_result *result, size_t row,
                    struct pairs *pairs)
{
    struct uuid one, other;
    const struct user *user;
    struct person person;
    struct buf why = BUF_INIT;
    int score;

    db_get_uuid(result, row, db_column(result, "one"), &one);
    db_get_uuid(result, row, db_column(result, "other"), &other);
    user = map_get(persons->by_id, one.bytes, sizeof one.bytes);
    if (user && read_person(persons, result, row, &person)) {
        score = person_score(&user->person, &person, &why);
        if (score >= PERSON_SCORE_MIN)
            add_pair(pairs, user, &other, score, &why);
    }
    buf_release(&why);
}

static void suggest(struct persons *persons, const struct db_result *result)
{
    struct db_params *params = db_params_new();
    struct db_array *seen = db_add_array(params, DB_UUID);
    struct pairs pairs = {.one = db_add_array(params, DB_UUID), .other = db_add_array(params, DB_UUID)};

    pairs.score = db_add_array(params, DB_INT2);
    pairs.why = db_add_array(params, DB_TEXT);
    pairs.link = db_add_array(params, DB_UUID);
    for (size_t i = 0; i < persons->count; i++)
        db_array_uuid(seen, &persons->users[i].id);
    for (size_t row = 0; result && row < db_rows(result); row++)
        compare(persons, result, row, &pairs);
    db_add_int(params, service_conf(persons->resolver->service)->link_suggestions_max);
    db_add_uuid(params, &persons->upto);
    db_query(store_db(persons->resolver->store), DB_WRITER, sql_persons_suggest, params, on_suggested,
             persons);
}

static void on_compared(enum db_status status, const struct db_result *result, void *arg)
{
    if (answered(arg, status, result))
        suggest(arg, result);
}

/* ---- reading ---- */

static void add_keys(const struct persons *persons, const struct user *user, const char *tenant,
                     struct db_array *array)
{
    int32_t keys[PERSON_KEYS_MAX];
    size_t count = person_keys(&user->person, store_fingerprint_key(persons->resolver->store), tenant, keys);
    struct buf text = BUF_INIT;

    buf_add_ch(&text, '{');
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s%d", i ? "," : "", (int)keys[i]);
    buf_add_ch(&text, '}');
    db_array_text_len(array, text.data, text.len);
    buf_release(&text);
}

static struct db_params *read_users(struct persons *persons, const struct db_result *result)
{
    struct db_params *params = db_params_new();
    struct db_array *ids = db_add_array(params, DB_UUID), *tenants = db_add_array(params, DB_TEXT),
                    *keys = db_add_array(params, DB_TEXT);

    persons->users = mem_array(db_rows(result) + 1, sizeof *persons->users);
    persons->by_id = map_new();
    for (size_t row = 0; row < db_rows(result); row++) {
        struct user *user = &persons->users[persons->count];
        const char *tenant = db_get_text(result, row, db_column(result, "tenant_id"), NULL);
        if (db_get_uuid(result, row, db_column(result, "id"), &user->id) != 0 ||
            !read_person(persons, result, row, &user->person))
            continue;
        persons->count++;
        map_put(persons->by_id, user->id.bytes, sizeof user->id.bytes, user);
        db_array_uuid(ids, &user->id);
        db_array_text(tenants, tenant);
        add_keys(persons, user, tenant, keys);
    }
    db_add_int(params, CANDIDATES);
    return params;
}

static void on_read(enum db_status status, const struct db_result *result, void *arg)
{
    struct persons *persons = arg;
    struct db_params *params;

    if (!answered(persons, status, result))
        return;
    if (db_rows(result) == 0 || db_get_uuid(result, 0, db_column(result, "upto"), &persons->upto) != 0) {
        rest(persons, REST_MS);
        return;
    }
    params = read_users(persons, result);
    if (persons->count > 0) {
        db_query(store_db(persons->resolver->store), DB_WRITER, sql_persons_compare, params, on_compared,
                 persons);
        return;
    }
    db_params_free(&params);
    suggest(persons, NULL);
}

static void turn_cb(evutil_socket_t fd, short what, void *arg)
{
    struct persons *persons = arg;
    struct resolver *resolver = persons->resolver;
    struct db_params *params;

    (void)fd, (void)what;
    if (!store_up(resolver->store) || !stage_holds(resolver->stage, 0) ||
        service_conf(resolver->service)->link_suggestions_max == 0) {
        rest(persons, REST_MS);
        return;
    }
    if (!persons->told) {
        persons->told = true;
        log_info(
            "similarity",
            LOG_STR("by", "keyed hashes of parts of what users hold; pg_trgm and pgvector are not needed"));
    }
    persons->busy = true;
    persons->began_us = clock_mono_us();
    params = db_params_new();
    db_add_int(params, PAGE);
    db_query(store_db(resolver->store), DB_WRITER, sql_persons_read, params, on_read, persons);
}

struct persons *persons_new(struct resolver *resolver)
{
    struct persons *persons = mem_alloc(sizeof *persons);

    persons->resolver = resolver;
    persons->timer = evtimer_new(service_base(resolver->service), turn_cb, persons);
    persons->stat_suggested = stats_register(STATS_COUNTER, "sync_links_suggested_total", "",
                                             "Pairs of users that may be one person");
    rest(persons, REST_MS);
    return persons;
}

void persons_free(struct persons **persons)
{
    if (!*persons)
        return;
    map_free(&(*persons)->by_id);
    free((*persons)->users);
    event_free((*persons)->timer);
    free(*persons);
    *persons = NULL;
}
