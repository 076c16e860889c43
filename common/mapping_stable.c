/*
 * mapping_stable.c: does reading undo writing? Checked when platform files are loaded, by sending made-up records through every
 * mapping: out, in, out, in.
 *
 * What comes back the first time must count as unchanged, or an echo of ours would be taken for somebody's change; what comes
 * back the second time must equal the first exactly, or two platforms would correct each other for ever. 1.00 INR goes out as
 * 0.01 USD and comes back as 0.01 USD, which is no change; it must not become 0.83 INR.
 */
#include "log.h"
#include "mapping_fields.h"

#define CURRENCIES_MAX 4 /* of one probe: loading must take milliseconds however many files there are */
#define SHOWN_MAX 80

/* What every platform must be able to tell apart. */
static const char *const fields_of[ENTITY_NONE][8] = {
    [ENTITY_USER] = {"name", "email", "phone", "status", "currency"},
    [ENTITY_LEAD] = {"name", "email", "phone", "score", "status", "currency"},
    [ENTITY_ORDER] = {"amount", "status", "items", "currency"},
    [ENTITY_CAMPAIGN] = {"name", "budget", "status", "currency"},
    [ENTITY_PRODUCT] = {"name", "price", "inventory", "status", "variants", "currency"},
};

static const char *const amounts[] = {"0",         "-0",      "-0.0",
                                      "0.00",      "0.01",    "-0.01",
                                      "0.1",       "0.005",   "0.015",
                                      "1",         "1.00",    "-1",
                                      "12.50",     "12.345",  "33.333333333",
                                      "999999.99", "1000000", "1e2",
                                      "83",        "0.83",    "0.30000000000000004"};
static const char *const texts[] = {
    "", " ", "a", "Asha Rao", "5", "null", "\xf0\x9f\x98\x80\xe2\x80\x8f", "a\"b\\c/d"};
#define COUNT(rows) (sizeof rows / sizeof *rows)

struct probe {
    const struct platform_set *set;
    const struct platform *platform;
    const struct platform_entity *rules;
    enum entity entity;
    struct buf *errors;
    const char *currency; /* of the money in the record */
    const char *word;     /* its status; NULL: no record yet */
    unsigned round;
    bool failed;
};

/* ---- the record ---- */

static struct json *amount_of(const struct probe *probe, unsigned more)
{
    return json_new_number(amounts[(probe->round + more) % COUNT(amounts)]);
}

static struct json *list_of(const struct probe *probe)
{
    struct json *list = json_new_array();
    for (unsigned i = 0; i < 2; i++) {
        struct json *item = json_new_object();
        json_set(item, "sku", json_new_int(i));
        json_set(item, i == 0 ? "price" : "total", amount_of(probe, i));
        json_append(list, item);
    }
    return list;
}

static struct json *value_of(const struct probe *probe, const char *field)
{
    if (strcmp(field, "email") == 0)
        return json_new_text("a@example.com");
    if (strcmp(field, "currency") == 0)
        return json_new_text(probe->currency);
    if (strcmp(field, "status") == 0)
        return json_new_text(probe->word);
    if (strcmp(field, "score") == 0 || strcmp(field, "inventory") == 0)
        return json_new_int((int64_t)probe->round - 2);
    if (mapping_is_money(field))
        return amount_of(probe, 0);
    if (mapping_is_money_list(field))
        return list_of(probe);
    return json_new_text(texts[probe->round % COUNT(texts)]);
}

static void add_field(const struct probe *probe, struct json *record, const char *field)
{
    struct json *value;
    if (!json_find(record, field, &value))
        json_set(record, field, value_of(probe, field));
}

/* Everything that a table names, and a member that none does. */
static struct json *record_of(const struct probe *probe)
{
    struct json *record = json_new_object();
    const struct platform_entity *rules = probe->rules;
    json_set(record, "id", json_new_text("r-1"));
    for (size_t i = 0; fields_of[probe->entity][i] != NULL; i++) {
        /* Every other record says its currency only in its notes, as most do. */
        if (strcmp(fields_of[probe->entity][i], "currency") != 0 || probe->round % 2 == 1)
            add_field(probe, record, fields_of[probe->entity][i]);
    }
    for (size_t i = 0; i < rules->name_count; i++)
        add_field(probe, record, rules->names[i].field);
    for (size_t i = 0; i < rules->required_count; i++)
        add_field(probe, record, rules->required[i]);
    for (size_t i = 0; i < rules->also_count; i++)
        add_field(probe, record, rules->also[i].field);
    add_field(probe, record, "of no table");
    return record;
}

static struct json *notes_of(const struct json *record, const char *currency)
{
    struct json *notes = json_new_object();
    struct json_iter iter = {NULL};
    const char *field;
    while (json_next(record, &iter, &field, NULL)) {
        struct json *note = json_new_object();
        if (mapping_is_money(field) || mapping_is_money_list(field))
            json_set(note, "c", json_new_text(currency));
        json_set(notes, field, note);
    }
    return notes;
}

/* ---- complaints ---- */

static unsigned line_of(const struct probe *probe, const char *field)
{
    const struct platform_name *name = platform_names(probe->platform, probe->entity, field);
    bool words = probe->word != NULL && strcmp(field, "status") == 0 && probe->rules->words;
    for (size_t i = 0; words && i < probe->platform->word_count; i++) {
        const struct platform_word *word = &probe->platform->words[i];
        if (strcmp(word->own, probe->word) == 0 || strcmp(word->common, probe->word) == 0)
            return word->line;
    }
    if (name != NULL)
        return name->line;
    return probe->rules->line > 0 ? probe->rules->line : 1;
}

static void begin(struct probe *probe, const char *field)
{
    probe->failed = true;
    buf_addf(probe->errors, "%s:%u: %s.%s is not stable: ", probe->platform->file, line_of(probe, field),
             msg_entity_name(probe->entity), field);
}

static void show(struct buf *errors, const struct json *object, const char *member)
{
    struct buf text = BUF_INIT;
    struct json *value;
    if (!json_find(object, member, &value)) {
        buf_add_str(errors, "nothing");
        return;
    }
    json_write(&text, value);
    buf_addf(errors, "%.*s%s", SHOWN_MAX, text.data, text.len > SHOWN_MAX ? "..." : "");
    buf_release(&text);
}

/* before ── out ──▶ sent ── in ──▶ after */
static void complain(struct probe *probe, const char *field, const struct json *before,
                     const struct json *sent, const struct json *after)
{
    begin(probe, field);
    show(probe->errors, before, field);
    buf_addf(probe->errors, "%s%s goes out as ",
             json_get(before, field) && (mapping_is_money(field) || mapping_is_money_list(field)) ? " " : "",
             mapping_is_money(field) || mapping_is_money_list(field) ? probe->currency : "");
    show(probe->errors, sent, platform_own_name(probe->platform, probe->entity, field));
    buf_add_str(probe->errors, " and comes back as ");
    show(probe->errors, after, field);
    buf_add_ch(probe->errors, '\n');
}

/* ---- the trips ---- */

static enum event_type type_of(enum entity entity)
{
    for (int type = 0; type < EVENT_TYPES; type++) {
        if (msg_event_entity(type) == entity && msg_event_verb(type) == VERB_CREATE)
            return type;
    }
    bug("no event type creates entity %d", entity);
}

/* NULL after a complaint. */
static struct json *send(struct probe *probe, const struct json *record, const struct json *notes)
{
    struct buf error = BUF_INIT;
    struct mapping_request request = {.target = probe->platform,
                                      .platforms = probe->set,
                                      .entity = probe->entity,
                                      .type = type_of(probe->entity),
                                      .verb = VERB_CREATE,
                                      .record = record,
                                      .notes = notes};
    struct json *sent = mapping_out(&request, NULL, &error);
    if (sent == NULL) {
        probe->failed = true;
        buf_addf(probe->errors, "%s:%u: a complete %s cannot be sent: %s\n", probe->platform->file,
                 probe->rules->line > 0 ? probe->rules->line : 1, msg_entity_name(probe->entity), error.data);
    }
    buf_release(&error);
    return sent;
}

/* What must come back as it went out, and not only look the same from there: all but money. */
static bool is_exact(const char *field)
{
    return !mapping_is_money(field) && !mapping_is_money_list(field) && strcmp(field, "currency") != 0;
}

static void check_first(struct probe *probe, const struct json *record, const struct json *notes,
                        const struct json *sent, const struct json *back)
{
    struct json_iter iter = {NULL};
    const char *field;
    struct json *value;
    while (!probe->failed && json_next(record, &iter, &field, &value)) {
        struct json *returned = NULL;
        bool there = json_find(back, field, &returned);
        if (!platform_holds(probe->platform, probe->entity, field))
            continue;
        if (!there || (is_exact(field) && !json_equal(value, returned)) ||
            !mapping_unchanged(probe->platform, probe->entity, field, value, json_get(notes, field),
                               returned))
            complain(probe, field, record, sent, back);
    }
}

static void check_second(struct probe *probe, const struct json *first, const struct json *sent,
                         const struct json *second)
{
    struct json_iter iter = {NULL};
    const char *field;
    struct json *value;
    while (!probe->failed && json_next(first, &iter, &field, &value)) {
        struct json *returned = NULL;
        if (!json_find(second, field, &returned) || !json_equal(value, returned))
            complain(probe, field, first, sent, second);
    }
    if (!probe->failed && json_count(first) != json_count(second)) {
        begin(probe, "id");
        buf_add_str(probe->errors, "the second trip brings other members than the first\n");
    }
}

static void check_id(struct probe *probe, const struct json *sent)
{
    struct buf id = BUF_INIT;
    const char *member = "";
    if (probe->failed)
        return;
    if (mapping_entity_id(probe->platform, probe->entity, sent, &id, &member) != 0 ||
        strcmp(id.data, "r-1") != 0) {
        begin(probe, "id");
        buf_addf(probe->errors, "\"r-1\" comes back as \"%s\", which stands in %s\n", id.data, member);
    }
    buf_release(&id);
}

/* strict: also the first trip must bring the same back. */
static void check_trips(struct probe *probe, const struct json *record, bool strict)
{
    struct json *notes = notes_of(record, probe->currency), *own = NULL, *back = NULL, *again = NULL;
    struct json *sent = send(probe, record, notes), *resent = NULL;
    if (sent != NULL) {
        back = mapping_in(probe->platform, probe->entity, sent);
        own = notes_of(back, probe->platform->currency);
        check_id(probe, sent);
        if (strict)
            check_first(probe, record, notes, sent, back);
        resent = probe->failed ? NULL : send(probe, back, own);
    }
    if (resent != NULL) {
        again = mapping_in(probe->platform, probe->entity, resent);
        check_second(probe, back, resent, again);
    }
    json_free(notes), json_free(own), json_free(sent), json_free(resent), json_free(back), json_free(again);
}

static void check_record(struct probe *probe, bool strict)
{
    struct json *record = record_of(probe);
    check_trips(probe, record, strict);
    json_free(record);
}

/* ---- what is probed ---- */

static size_t currencies_of(const struct probe *probe, const char **currencies)
{
    size_t count = 1;
    currencies[0] = probe->platform->currency;
    for (size_t i = 0; i < platform_count(probe->set) && count < CURRENCIES_MAX; i++) {
        const char *currency = platform_at(probe->set, i)->currency;
        size_t at = 0;
        while (at < count && strcmp(currencies[at], currency) != 0)
            at++;
        if (at == count)
            currencies[count++] = currency;
    }
    return count;
}

static void check_money(struct probe *probe)
{
    const char *currencies[CURRENCIES_MAX];
    size_t count = currencies_of(probe, currencies);
    probe->word = "new";
    for (size_t i = 0; i < count; i++) {
        probe->currency = currencies[i];
        for (probe->round = 0; probe->round < COUNT(amounts) && !probe->failed; probe->round++)
            check_record(probe, true);
    }
}

/* The common words of all files must survive; a word that is the platform's own may become the common one, once. */
static void check_words(struct probe *probe)
{
    probe->currency = probe->platform->currency;
    probe->round = 0;
    for (size_t i = 0; i < platform_count(probe->set); i++) {
        const struct platform *other = platform_at(probe->set, i);
        for (size_t j = 0; j < other->word_count && !probe->failed; j++) {
            probe->word = other->words[j].common;
            check_record(probe, other == probe->platform || other->entities[probe->entity].words);
            probe->word = other->words[j].own;
            if (!probe->failed)
                check_record(probe, false);
        }
    }
}

/* A name that every platform must be able to tell apart is taken for another field. */
static void check_taken(struct probe *probe)
{
    for (size_t i = 0; fields_of[probe->entity][i] != NULL; i++) {
        const char *field = fields_of[probe->entity][i];
        const char *means = platform_common_name(probe->platform, probe->entity, field);
        if (means != NULL && strcmp(means, field) != 0) {
            begin(probe, means);
            buf_addf(probe->errors, "it is called %s there, which is a field of its own\n", field);
        } else if (platform_adds(probe->platform, probe->entity, field)) {
            begin(probe, field);
            buf_add_str(probe->errors, "the name is taken by an addition (also)\n");
        }
    }
}

static void check_defaults(struct probe *probe)
{
    struct json *defaults = json_new_object(), *mistakes = json_new_array();
    const struct platform_entity *rules = probe->rules;
    for (size_t i = 0; i < rules->default_count; i++)
        json_set(defaults, rules->defaults[i].field, json_ref(rules->defaults[i].value));
    mapping_check(probe->platform, probe->entity, defaults, defaults, mistakes);
    for (size_t i = 0; i < json_count(mistakes); i++) {
        const char *detail = json_get_text(json_at(mistakes, i), "detail");
        unsigned line = rules->line;
        for (size_t j = 0; j < rules->default_count; j++) {
            size_t len = strlen(rules->defaults[j].field);
            if (strncmp(detail, rules->defaults[j].field, len) == 0 && detail[len] == ' ')
                line = rules->defaults[j].line;
        }
        buf_addf(probe->errors, "%s:%u: the default is no good value: %s\n", probe->platform->file, line,
                 detail);
        probe->failed = true;
    }
    json_free(defaults);
    json_free(mistakes);
}

void mapping_check_stable(const struct platform_set *set, struct buf *errors)
{
    for (size_t i = 0; i < platform_count(set); i++) {
        for (int entity = 0; entity < ENTITY_NONE; entity++) {
            const struct platform *platform = platform_at(set, i);
            struct probe probe = {.set = set,
                                  .platform = platform,
                                  .rules = &platform->entities[entity],
                                  .entity = (enum entity)entity,
                                  .errors = errors};
            check_defaults(&probe);
            check_taken(&probe);
            if (!probe.failed)
                check_money(&probe);
            if (!probe.failed)
                check_words(&probe);
        }
    }
}
