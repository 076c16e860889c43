/*
 * proof_agree.c: after healing, the records of all three platforms and the canonical one agree, field by field and through the platform
 * files' own mapping, on what the platform can hold and what neither waits for a person nor was given up (I5).
 */
#include <inttypes.h>
#include <string.h>

#include "delivery.h"
#include "log.h"
#include "mem.h"
#include "proof_edits.h"
#include "proof_impl.h"
#include "rules.h"
#include "stack.h"

#define BASE_GUARD_US \
    2000000 /* what a platform acknowledged so long before it told of a change, it is thought to have seen */

static const char *lookup(void *arg, const char *variable)
{
    (void)arg;
    (void)variable;
    return NULL;
}

/* The files that the stack reads: beside tools/stack. */
static struct platform_set *load(void)
{
    const char *tool = getenv("STACK"), *dir = getenv("PLATFORM_DIR");
    struct buf path = BUF_INIT, errors = BUF_INIT;
    struct platform_set *set;

    if (dir && *dir)
        buf_add_str(&path, dir);
    else if (tool && strlen(tool) > strlen("tools/stack"))
        buf_addf(&path, "%.*sconfig/platforms", (int)(strlen(tool) - strlen("tools/stack")), tool);
    else
        buf_add_str(&path, "config/platforms");
    if (!(set = platform_set_load(path.data, lookup, NULL, &errors)))
        fatal("%s: %s", path.data, errors.data);
    buf_release(&path);
    buf_release(&errors);
    return set;
}

/* The canonical record, as the tables have it. */
struct canonical {
    unsigned record;
    char id[32], uuid[40];
    int64_t version;
    struct json *data, *notes;
};

static bool read_canonical(struct proof *proof, unsigned record, struct canonical *canonical)
{
    struct buf sql = BUF_INIT;
    struct json_error where;
    bool ok = false;
    struct rows *rows;

    *canonical = (struct canonical){.record = record};
    edits_record_id(proof->edits, record, canonical->id);
    buf_addf(
        &sql,
        "SELECT id, version, convert_from(substr(data, 2), 'UTF8'), convert_from(substr(notes, 2), 'UTF8') "
        "FROM records WHERE tenant_id = '%s' AND entity_id = '%s' AND NOT deleted",
        edits_tenant(record), canonical->id);
    rows = store_query(sql.data);
    if (rows && store_count(rows) == 1) {
        snprintf(canonical->uuid, sizeof canonical->uuid, "%s", store_text(rows, 0, 0));
        canonical->version = store_int(rows, 0, 1);
        canonical->data =
            json_parse(store_text(rows, 0, 2), strlen(store_text(rows, 0, 2)), JSON_DEPTH_MAX, &where, &ok);
        if (ok)
            canonical->notes = json_parse(store_text(rows, 0, 3), strlen(store_text(rows, 0, 3)),
                                          JSON_DEPTH_MAX, &where, &ok);
    }
    store_rows_free(&rows);
    buf_release(&sql);
    return ok;
}

static struct json *as_the_platform_has_it(const struct platform_set *set, const struct platform *platform,
                                           const struct canonical *canonical, struct buf *error)
{
    struct delivery_source source = {.target = platform,
                                     .platforms = set,
                                     .verb = VERB_CREATE,
                                     .generation = 1,
                                     .source_platform = "",
                                     .tenant = "",
                                     .has_record = true,
                                     .version = canonical->version,
                                     .data = canonical->data,
                                     .notes = canonical->notes};
    struct json *data = NULL;
    char type[32];

    snprintf(type, sizeof type, "%s_created", edits_entity(canonical->record)->name);
    msg_event_type(type, &source.type);
    delivery_data(&source, &data, error);
    return data;
}

/* Was something on its way to this platform given up? */
static bool died(const struct proof *proof, const struct canonical *canonical, const char *platform)
{
    struct buf sql = BUF_INIT;
    int64_t dead;

    (void)proof;
    buf_addf(&sql, "SELECT count(*) FROM deliveries WHERE record_id = '%s' AND target = '%s' AND state = 5",
             canonical->uuid, platform);
    dead = store_number(sql.data);
    buf_release(&sql);
    return dead != 0;
}

/* A platform that tells late of a change, and not what it was made on, is taken to have seen what it has got since: its own word may
 * stand in the record while it was overwritten at its home. */
static bool told_late(const struct proof *proof, const struct canonical *canonical, unsigned platform,
                      const char *field)
{
    const struct edit *last = NULL;

    for (size_t i = 0; i < edits_count(proof->edits); i++) {
        const struct edit *edit = edits_at(proof->edits, i);
        if (edit->record == canonical->record && edit->field && strcmp(edit->field->common, field) == 0 &&
            (!last || edit->seq > last->seq))
            last = edit;
    }
    return last && last->platform == platform && !last->base &&
           last->accepted_us - last->edited_us > BASE_GUARD_US;
}

static void check_field(struct proof *proof, const struct canonical *canonical, unsigned platform,
                        const char *common, const char *own, const struct json *should, const struct json *is)
{
    struct buf text = BUF_INIT;

    if (proof_edits_wait(proof->waiting, canonical->record, common)) {
        proof->edit_counts.waiting++;
        return;
    }
    proof->edit_counts.compared++;
    if (json_equal(should, is))
        return;
    if (told_late(proof, canonical, platform, common)) {
        proof->edit_counts.told_late++;
        return;
    }
    json_write(&text, should);
    buf_add_str(&text, ", not ");
    json_write(&text, is);
    proof_add(proof, CHECK_APART, "record %u, %s %s version %" PRId64 " at %s: %s should be %.200s",
              canonical->record, canonical->id, canonical->uuid, canonical->version,
              chaos_platforms[platform], own, text.data);
    buf_release(&text);
}

static bool is_stamp(const char *name)
{
    return *name == '_' || strcmp(name, "updated_at") == 0 || strcmp(name, "created_at") == 0;
}

static void check_platform(struct proof *proof, const struct platform_set *set,
                           const struct canonical *canonical, unsigned which)
{
    const struct platform *platform = platform_find(set, chaos_platforms[which]);
    const struct edit_entity *entity = edits_entity(canonical->record);
    struct buf url = BUF_INIT, error = BUF_INIT;
    struct json *should = as_the_platform_has_it(set, platform, canonical, &error), *there, *value;
    struct json_iter iter = {0};
    const char *own, *common;
    enum entity known = ENTITY_NONE;

    buf_addf(&url, "%s/records/%s/%s?tenant=%s", rules_url(chaos_platforms[which]), entity->name,
             canonical->id, edits_tenant(canonical->record));
    there = stack_ask("GET", url.data, NULL);
    msg_entity(entity->name, &known);
    if (died(proof, canonical, chaos_platforms[which]))
        proof->edit_counts.died += json_count(should);
    else if (!should)
        proof_add(proof, CHECK_APART, "record %u at %s cannot be: %s", canonical->record,
                  chaos_platforms[which], error.data);
    else
        while (json_next(should, &iter, &own, &value))
            if (!is_stamp(own)) {
                common = platform_common_field(platform, known, own);
                check_field(proof, canonical, which, common ? common : own, own, value,
                            json_get(json_get(there, "data"), own));
            }
    json_free(should);
    json_free(there);
    buf_release(&url);
    buf_release(&error);
}

void proof_agree(struct proof *proof, const void *waiting, struct json **data)
{
    struct platform_set *set = load();

    proof->waiting = waiting;
    for (unsigned record = 0; record < EDITS_RECORDS; record++) {
        struct canonical canonical;
        bool made = false;
        for (size_t i = 0; i < edits_count(proof->edits); i++)
            made |= edits_at(proof->edits, i)->record == record && edits_at(proof->edits, i)->seq;
        if (!made)
            continue;
        if (!read_canonical(proof, record, &canonical)) {
            proof_add(proof, CHECK_APART, "record %u, %s: there is none", record, canonical.id);
            continue;
        }
        for (unsigned platform = 0; platform < PLATFORMS; platform++)
            check_platform(proof, set, &canonical, platform);
        data[record] = canonical.data;
        json_free(canonical.notes);
    }
    platform_set_free(&set);
}
