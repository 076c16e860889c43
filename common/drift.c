/*
 * drift.c: see drift.h.
 *
 * What would break: a difference that no delivery can end, such as a field that the platform has no place for, would be repaired
 * again and again.
 */
#include "drift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "inbound_map.h"
#include "listing.h"
#include "log.h"
#include "mapping.h"
#include "mem.h"
#include "platform_inbound.h"

/* ---- hashes ---- */

static void put_be(uint8_t *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t get_be(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

unsigned drift_bucket(const struct uuid *record)
{
    return record->bytes[15];
}

/* When something was kept, and our own additions. */
static bool is_stamp(const char *name)
{
    return *name == '_' || strcmp(name, "updated_at") == 0 || strcmp(name, "created_at") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

uint64_t drift_content(const uint8_t key[DRIFT_KEY_LEN], const struct json *shown)
{
    const char **names = mem_array(json_count(shown) + 1, sizeof *names), *name;
    struct json_iter iter = {NULL};
    struct buf text = BUF_INIT;
    uint8_t mac[32];
    size_t count = 0;
    while (json_next(shown, &iter, &name, NULL))
        if (!is_stamp(name))
            names[count++] = name;
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        buf_add(&text, names[i], strlen(names[i]) + 1);
        json_write(&text, json_get(shown, names[i]));
        buf_add_ch(&text, '\0');
    }
    digest_hmac_sha256(key, DRIFT_KEY_LEN, text.len > 0 ? text.data : "", text.len, mac);
    buf_release(&text);
    free(names);
    return get_be(mac, 8);
}

uint64_t drift_hash(const struct uuid *record, int64_t version, uint64_t content)
{
    uint8_t bytes[32], digest[32];
    memcpy(bytes, record->bytes, sizeof record->bytes);
    put_be(bytes + 16, (uint64_t)version, 8);
    put_be(bytes + 24, content, 8);
    digest_sha256(bytes, sizeof bytes, digest);
    return get_be(digest, 8);
}

void drift_add(struct drift_sums *sums, const struct uuid *record, uint64_t hash)
{
    unsigned bucket = drift_bucket(record);
    sums->buckets[bucket].records++;
    sums->buckets[bucket].ids ^= get_be(record->bytes + 8, 8);
    sums->buckets[bucket].hash ^= hash;
}

void drift_write(const struct drift_sums *sums, uint8_t bytes[DRIFT_SUMS_LEN])
{
    for (unsigned i = 0; i < DRIFT_BUCKETS; i++, bytes += 20) {
        put_be(bytes, sums->buckets[i].records, 4);
        put_be(bytes + 4, sums->buckets[i].ids, 8);
        put_be(bytes + 12, sums->buckets[i].hash, 8);
    }
}

int drift_read(struct drift_sums *sums, const uint8_t *bytes, size_t len)
{
    memset(sums, 0, sizeof *sums);
    if (len != DRIFT_SUMS_LEN)
        return -1;
    for (unsigned i = 0; i < DRIFT_BUCKETS; i++, bytes += 20) {
        sums->buckets[i].records = (uint32_t)get_be(bytes, 4);
        sums->buckets[i].ids = get_be(bytes + 4, 8);
        sums->buckets[i].hash = get_be(bytes + 12, 8);
    }
    return 0;
}

bool drift_lacks(const struct drift_sums *should, const struct drift_sums *is, unsigned bucket)
{
    return should->buckets[bucket].records != is->buckets[bucket].records ||
           should->buckets[bucket].ids != is->buckets[bucket].ids;
}

bool drift_differs(const struct drift_sums *should, const struct drift_sums *is, unsigned bucket)
{
    return drift_lacks(should, is, bucket) || should->buckets[bucket].hash != is->buckets[bucket].hash;
}

/* ---- the comparison ---- */

static enum event_type update_of(enum entity entity)
{
    enum event_type type = 0;
    char name[32];
    snprintf(name, sizeof name, "%s_updated", msg_entity_name(entity));
    if (msg_event_type(name, &type) != 0)
        bug("there is no %s", name);
    return type;
}

/* Everything that the platform would be sent, as it would come back. */
static struct json *round_trip(const struct drift_record *record)
{
    struct buf error = BUF_INIT;
    struct mapping_request request = {.target = record->platform,
                                      .platforms = record->platforms,
                                      .entity = record->entity,
                                      .type = update_of(record->entity),
                                      .verb = VERB_UPDATE,
                                      .record = record->data,
                                      .notes = record->notes};
    struct json *out = mapping_out(&request, NULL, &error), *back = NULL;
    if (out)
        back = mapping_in(record->platform, record->entity, out);
    json_free(out);
    buf_release(&error);
    return back;
}

static const struct inbound_field *table_row(const struct inbound_object *object, const char *field)
{
    for (size_t i = 0; i < object->field_count; i++)
        if (strcmp(object->fields[i].name, field) == 0)
            return &object->fields[i];
    return NULL;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Would the platform show the field, if it had it? */
static bool is_shown(const struct drift_record *record, const char *field)
{
    const struct inbound_object *object;
    const struct inbound_field *row;
    if (!listing_by_graphql(record->platform, record->entity))
        return true;
    object = platform_inbound_object(record->platform, record->entity);
    row = table_row(object, field);
    return row && !row->on_create && row->word_count == 0;
}

/* Some fields cannot change there once the record is placed: its file says which can. */
static bool can_change(const struct drift_record *record, const char *field)
{
    const struct inbound_object *object = platform_inbound_object(record->platform, record->entity);
    if (!platform_holds(record->platform, record->entity, field) ||
        !platform_changes(record->platform, record->entity, field))
        return false;
    return !listing_by_graphql(record->platform, record->entity) || object->our_count == 0 ||
           is_among(field, object->ours, object->our_count);
}

static bool is_blank(const struct json *value)
{
    return !value || (json_type(value) == JSON_STRING && *json_text(value, NULL) == '\0');
}

static bool is_same(const struct drift_record *record, const char *field, const struct json *held,
                    const struct json *there)
{
    const struct json *note = json_get(record->notes, field);
    const char *currency = mapping_currency(record->platform, field, record->shown);
    const char *noted = note ? json_get_text(note, "c") : NULL;
    if (currency && strcmp(currency, platform_currency(record->platform)) != 0)
        return noted && strcmp(noted, currency) == 0 && json_equal(held, there);
    return mapping_unchanged(record->platform, record->entity, field, held, note, there);
}

static bool agrees(const struct drift_record *record, const char *field, const struct json *held,
                   const struct json *expected)
{
    struct json *there;
    if (!json_find(record->shown, field, &there))
        return is_blank(held) || strcmp(field, "currency") == 0 || !is_shown(record, field);
    return json_equal(expected, there) || (is_blank(held) && is_blank(there)) ||
           is_same(record, field, held, there);
}

enum drift_verdict drift_compare(const struct drift_record *record, struct buf *fields)
{
    struct json *expected = round_trip(record), *held, *value;
    struct json_iter iter = {NULL};
    const char *field;
    bool listable = true;
    if (!expected)
        return DRIFT_IMPOSSIBLE;
    while (json_next(record->data, &iter, &field, &held)) {
        if (strcmp(field, "id") == 0 || is_stamp(field) || !can_change(record, field) ||
            !json_find(expected, field, &value) || agrees(record, field, held, value))
            continue;
        buf_addf(fields, "%s%s", fields->len > 0 ? "," : "", field);
        listable &= strchr(field, ',') == NULL;
    }
    json_free(expected);
    if (!listable) {
        buf_reset(fields);
        buf_add_ch(fields, '*');
    }
    return fields->len > 0 ? DRIFT_DIFFERS : DRIFT_AGREES;
}
