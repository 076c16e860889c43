/* ledger.c: see ledger.h. */
#include "ledger.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "mem.h"

static const char *const tenants[LEDGER_TENANTS] = {"chaos-a", "chaos-b", "chaos-c"};

const char *record_tenant(unsigned record)
{
    return tenants[record % LEDGER_TENANTS];
}

const char *record_source(unsigned record)
{
    return record % 2 ? "coreldove" : "bizoholic";
}

const char *record_target(unsigned record, unsigned which)
{
    return which ? "bizosaas" : record % 2 ? "bizoholic" : "coreldove";
}

void record_id(const struct ledger *ledger, unsigned record, char id[32])
{
    snprintf(id, 32, "s%llu-%u", (unsigned long long)ledger->seed % 1000000, record);
}

void entry_key_text(const struct ledger *ledger, const struct entry *entry, char key[48])
{
    snprintf(key, 48, "s%llu-e%u", (unsigned long long)ledger->seed % 1000000, entry->number);
}

int entry_retries(const struct entry *entry)
{
    return entry->record % 10 == 9 ? 1 : 60;
}

void entry_body(const struct ledger *ledger, const struct entry *entry, struct buf *body)
{
    static const char *const verbs[] = {"created", "updated", "deleted"};
    char record[32], key[48];

    record_id(ledger, entry->record, record);
    entry_key_text(ledger, entry, key);
    buf_addf(body,
             "{\"event_type\":\"user_%s\",\"source_platform\":\"%s\",\"target_platforms\":[\"%s\",\"%s\"],"
             "\"tenant_id\":\"%s\",\"priority\":%d,\"max_retries\":%d,",
             verbs[entry->verb], record_source(entry->record), record_target(entry->record, 0),
             record_target(entry->record, 1), record_tenant(entry->record), entry->priority,
             entry_retries(entry));
    if (entry->key == KEY_OWN_ID)
        buf_addf(body, "\"id\":\"%s\",", key);
    buf_addf(body, "\"data\":{\"user_id\":\"%s\",\"chaos_n\":%u", record, entry->number);
    if (entry->verb != ENTRY_DELETE)
        buf_addf(body, ",\"email\":\"%s@example.com\",\"name\":\"n%u\"", record, entry->number);
    for (int i = 0; i < LEDGER_FIELDS; i++)
        if (entry->verb != ENTRY_DELETE && (entry->fields >> i & 1))
            buf_addf(body, ",\"chaos_%c\":%u", 'a' + i, entry->number);
    buf_add_str(body, "}}");
}

struct ledger *ledger_new(uint64_t seed)
{
    struct ledger *ledger = mem_alloc(sizeof *ledger);

    ledger->seed = seed;
    ledger->draw.state = seed * 2; /* the schedule draws from another one: the load cannot change it */
    ledger->by_id = map_new();
    buf_init(&ledger->contradiction);
    return ledger;
}

void ledger_free(struct ledger **ledger)
{
    if (!*ledger)
        return;
    for (size_t i = 0; i < (*ledger)->count; i++)
        free((*ledger)->entries[i]);
    free((*ledger)->entries);
    map_free(&(*ledger)->by_id);
    buf_release(&(*ledger)->contradiction);
    free(*ledger);
    *ledger = NULL;
}

static struct entry *entry_new(struct ledger *ledger, unsigned record)
{
    struct entry *entry = mem_alloc(sizeof *entry);
    const struct record_state *state = &ledger->records[record];
    struct draw *draw = &ledger->draw;

    entry->number = (unsigned)ledger->count + 1;
    entry->record = record;
    entry->verb = !state->made || state->deleted ? ENTRY_CREATE
                  : draw_chance(draw, 4)         ? ENTRY_DELETE
                                                 : ENTRY_UPDATE;
    entry->key =
        (enum entry_key)(draw_chance(draw, 20) ? KEY_NONE : draw_between(draw, KEY_HEADER, KEY_OWN_ID));
    entry->fields =
        entry->verb == ENTRY_CREATE ? (1u << LEDGER_FIELDS) - 1 : draw_below(draw, 1u << LEDGER_FIELDS);
    entry->priority = draw_chance(draw, 70) ? 1 + (int)(record * 7 % 10) : (int)draw_between(draw, 1, 10);
    if ((ledger->count & (ledger->count - 1)) == 0)
        ledger->entries =
            mem_realloc(ledger->entries, (ledger->count ? ledger->count * 2 : 1) * sizeof(struct entry *));
    ledger->entries[ledger->count++] = entry;
    return entry;
}

struct entry *ledger_draw(struct ledger *ledger)
{
    for (int tries = 0; tries < 20; tries++) {
        unsigned record = draw_below(&ledger->draw, LEDGER_RECORDS);
        struct entry *entry;

        if (ledger->records[record].open)
            continue;
        entry = entry_new(ledger, record);
        ledger->records[record].open++;
        return entry;
    }
    return NULL;
}

struct entry *ledger_draw_repeat(struct ledger *ledger)
{
    struct entry *entry;

    if (ledger->count == 0)
        return NULL;
    entry = ledger->entries[draw_below(&ledger->draw, (unsigned)ledger->count)];
    if (entry->state != ENTRY_ACCEPTED || entry->key == KEY_NONE || entry->in_flight)
        return NULL;
    entry->asked_again = true;
    return entry;
}

struct entry *ledger_find(const struct ledger *ledger, const char *event_id)
{
    return map_get(ledger->by_id, event_id, strlen(event_id));
}

/* Its fate is known, or will not be known before the end: the record's next event may be posted. */
static void settle(struct ledger *ledger, struct entry *entry, enum entry_state state)
{
    struct record_state *record = &ledger->records[entry->record];

    entry->state = state;
    entry->answered_us = clock_wall_us();
    record->open--;
    if (state == ENTRY_REFUSED)
        return;
    record->made |= entry->verb != ENTRY_DELETE;
    record->deleted = entry->verb == ENTRY_DELETE;
}

void ledger_accepted(struct ledger *ledger, struct entry *entry, const char *event_id)
{
    if (entry->state == ENTRY_ACCEPTED) {
        if (strcmp(entry->answer, event_id) != 0) {
            ledger->contradictions++;
            buf_addf(&ledger->contradiction, "event %u was answered with %s, then with %s\n", entry->number,
                     entry->answer, event_id);
        }
        return;
    }
    snprintf(entry->answer, sizeof entry->answer, "%s", event_id);
    settle(ledger, entry, ENTRY_ACCEPTED);
}

void ledger_refused(struct ledger *ledger, struct entry *entry)
{
    if (entry->state == ENTRY_POSTED && entry->key == KEY_NONE)
        settle(ledger, entry, ENTRY_REFUSED);
}

void ledger_unknown(struct ledger *ledger, struct entry *entry)
{
    if (entry->state == ENTRY_POSTED && entry->key == KEY_NONE)
        settle(ledger, entry, ENTRY_UNKNOWN);
}

bool entry_wants_retry(const struct entry *entry)
{
    return entry->state == ENTRY_POSTED && entry->key != KEY_NONE;
}
