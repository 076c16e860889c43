/* mapping_fixture.c: the shipped platforms, and records on their way to them. */
#include "mapping_fixture.h"

#include "mem.h"

struct platform_set *mapping_set;

static const char *no_variable(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return NULL;
}

void mapping_load(void)
{
    struct buf errors = BUF_INIT;
    mapping_set = platform_set_load("config/platforms", no_variable, NULL, &errors);
    ck_assert_msg(mapping_set != NULL, "%s", errors.data);
    buf_release(&errors);
}

void mapping_unload(void)
{
    platform_set_free(&mapping_set);
}

const struct platform *mapping_platform(const char *name)
{
    const struct platform *found = platform_find(mapping_set, name);
    ck_assert_ptr_nonnull(found);
    return found;
}

struct json *mapping_parse(const char *text)
{
    struct json_error error;
    bool ok = true;
    struct json *json = text != NULL ? json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok) : NULL;
    ck_assert_msg(ok, "%s: %s", text, error.detail);
    return json;
}

void mapping_check_equal(const struct json *is, const char *expected, const char *what)
{
    struct json *wanted = mapping_parse(expected);
    struct buf text = BUF_INIT;
    json_write(&text, is);
    ck_assert_msg(json_equal(is, wanted), "%s\n  is:       %s\n  expected: %s", what, text.data, expected);
    buf_release(&text);
    json_free(wanted);
}

/* To the letter: digits and order too. */
void mapping_check_text(const struct json *is, const char *expected)
{
    struct buf text = BUF_INIT;
    json_write(&text, is);
    ck_assert_str_eq(text.data, expected);
    buf_release(&text);
}

/* Notes as the router writes them: every field came from `source`. */
struct json *mapping_notes(const struct platform *source, const struct json *common)
{
    struct json *notes = json_new_object();
    struct json_iter iter = {NULL};
    const char *field;
    while (json_next(common, &iter, &field, NULL)) {
        struct json *note = json_new_object();
        const char *currency = mapping_currency(source, field, common);
        json_set(note, "o", json_new_text(platform_name(source)));
        json_set(note, "t", json_new_int(1));
        json_set(note, "s", json_new_int(1));
        if (currency != NULL)
            json_set(note, "c", json_new_text(currency));
        json_set(notes, field, note);
    }
    return notes;
}

static enum event_type type_of(enum entity entity, enum verb verb)
{
    for (int type = 0; type < EVENT_TYPES; type++) {
        if (msg_event_entity(type) == entity && msg_event_verb(type) == verb)
            return type;
    }
    ck_abort_msg("no such type");
}

/* The record as it came from the source, on its way to the target; NULL is a refusal, told in error. */
struct json *mapping_send(const struct mapping_trip *trip, const struct json *record, const struct json *base,
                          struct json *changed, struct buf *error)
{
    struct json *notes = mapping_notes(mapping_platform(trip->source), record);
    struct mapping_request request = {
        .target = mapping_platform(trip->target),
        .platforms = mapping_set,
        .entity = trip->entity,
        .verb = trip->verb,
        .type = type_of(trip->entity, trip->verb),
        .record = record,
        .notes = notes,
        .base = base,
    };
    struct json *out = mapping_out(&request, changed, error);
    json_free(notes);
    return out;
}

void mapping_check_send(const struct mapping_trip *trip, const char *record_text, const char *base_text,
                        const char *expected, const char *expected_changed)
{
    struct json *record = mapping_parse(record_text), *base = mapping_parse(base_text),
                *changed = json_new_array();
    struct buf error = BUF_INIT, what = BUF_INIT;
    struct json *out = mapping_send(trip, record, base, changed, &error);
    buf_addf(&what, "%s %s from %s to %s: %s", msg_verb_name(trip->verb), msg_entity_name(trip->entity),
             trip->source, trip->target, error.data);
    ck_assert_msg(out != NULL, "%s", what.data);
    mapping_check_equal(out, expected, what.data);
    if (expected_changed != NULL)
        mapping_check_equal(changed, expected_changed, what.data);
    json_free(out), json_free(record), json_free(base), json_free(changed);
    buf_release(&error), buf_release(&what);
}
