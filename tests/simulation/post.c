/* post.c: what people do on the platforms, and how it reaches the gateway: posts in order, webhooks in any. See simulation.h. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "simulation.h"

#define PROMPT_MS 1900 /* less than BASE_GUARD: a post that does not say what it had seen comes in time */
#define WEBHOOK_MS 240000

struct post {
    struct event_row_model event;
    int64_t deadline_ms; /* accepted before */
    bool ordered;        /* behind the earlier ones of its platform and record */
    struct post *next;
};
static struct post *first, **last;
static size_t count;

void post_reset(void)
{
    first = NULL;
    last = &first;
    count = 0;
}

size_t post_in_flight(void)
{
    return count;
}

int64_t post_deadline_ms(void)
{
    int64_t deadline = INT64_MAX;

    for (const struct post *post = first; post; post = post->next)
        if (post->deadline_ms < deadline)
            deadline = post->deadline_ms;
    return deadline;
}

static void add(const struct event_row_model *event, int64_t deadline_ms)
{
    struct post *post = mem_alloc(sizeof *post);

    *post = (struct post){.event = *event, .deadline_ms = deadline_ms, .ordered = !event->webhook};
    *last = post;
    last = &post->next;
    count++;
}

static bool is_behind(const struct post *post)
{
    for (const struct post *other = first; other != post; other = other->next)
        if (post->ordered && other->ordered && other->event.source == post->event.source &&
            other->event.record == post->event.record)
            return true;
    return false;
}

static struct ref ref_of(int index)
{
    return (struct ref){.event = world.events[index].id,
                        .record = world.records[world.events[index].record].id,
                        .seq = world.events[index].seq,
                        .type = world.events[index].type,
                        .tenant = TENANT};
}

static void accept_event(const struct event_row_model *event)
{
    int index = tables_add_event(event);
    struct ref ref = ref_of(index);

    tell("accepted #%lld %s: %s r%d base %lld %.*s", (long long)world.events[index].seq,
         side_name(event->source), msg_event_type_name(event->type), event->record,
         (long long)event->base_version, (int)event->data_len - 1, event->data + 1);
    if (!(world.options.faults & FAULT_FLUSH) || chance_below(4) > 0)
        belt_add(STAGE_ROUTER, &ref, (enum priority)event->priority); /* a hint */
}

bool post_arrive(void)
{
    size_t nth = count ? chance_below((unsigned)count) : 0;
    struct post **at = &first, *post;

    if (count == 0)
        return false;
    while (nth-- > 0)
        at = &(*at)->next;
    if (is_behind(*at))
        for (at = &first; is_behind(*at); at = &(*at)->next)
            ;
    post = *at;
    *at = post->next;
    if (!*at)
        last = at;
    count--;
    accept_event(&post->event);
    return true;
}

/* ── edits ── */

enum field { NAME, DESCRIPTION, PRICE, INVENTORY, STATUS, IMAGES, FIELDS };
static const char *const common_names[FIELDS] = {"name",      "description", "price",
                                                 "inventory", "status",      "images"};
static const char *const coreldove_names[FIELDS] = {"product_name",      "description", "product_price",
                                                    "product_inventory", "status",      "images"};

static bool is_coreldove(int side)
{
    return strcmp(side_name(side), "coreldove") == 0;
}

static const char *own_name(int side, enum field field)
{
    return (is_coreldove(side) ? coreldove_names : common_names)[field];
}

/* No two edits say the same, where the field's kind allows it. */
static struct json *new_value(int side, enum field field, const struct json *now)
{
    static const char *const words[2][3] = {{"active", "inactive", "pending"},
                                            {"published", "draft", "pending_review"}};
    unsigned edit = world.edits;
    struct buf text = BUF_INIT;
    struct json *value;
    int64_t number = 0;

    switch (field) {
    case PRICE:
        buf_addf(&text, "%u.%02u", (is_coreldove(side) ? 83 : 1) * (1 + edit), chance_below(100));
        value = json_new_number(text.data);
        break;
    case INVENTORY:
        if (now)
            json_int64(now, &number);
        value = json_new_int(number + 1 + chance_below(20));
        break;
    case STATUS:
        value = json_new_text(words[is_coreldove(side)][chance_below(3)]);
        break;
    case IMAGES:
        value = now ? json_copy(now) : json_new_array();
        if (json_count(value) > 3) {
            json_free(value);
            value = json_new_array();
        }
        buf_addf(&text, "i%u", edit);
        json_append(value, json_new_text(text.data));
        break;
    default:
        buf_addf(&text, "%c%u", field == NAME ? 'n' : 'd', edit);
        value = json_new_text(text.data);
    }
    buf_release(&text);
    return value;
}

static const char *targets_of(int side)
{
    static char list[64];
    size_t len = 0;

    for (int i = 0; i < SIDES; i++)
        if (i != side)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? "," : "", side_name(i));
    return list;
}

static void fill_data(struct event_row_model *event, const struct json *data)
{
    struct buf text = BUF_INIT;

    buf_add_ch(&text, BODY_PLAIN);
    json_write(&text, data);
    event->data_len = text.len;
    event->data = buf_detach(&text, NULL);
}

static struct event_row_model event_of(int side, int record, enum event_type type)
{
    return (struct event_row_model){.record = record,
                                    .source = side,
                                    .type = type,
                                    .priority = (int)chance_below(PRIORITIES),
                                    .occurred_ms = world.now_ms + world.sides[side].clock_wrong_ms,
                                    .targets = mem_strdup(targets_of(side))};
}

static void post(struct event_row_model *event, const struct copy_model *copy, const struct json *data)
{
    const struct side_model *side = &world.sides[event->source];
    bool told = side->tells_base && copy->version > 0;

    if (told)
        event->base_version = copy->version;
    fill_data(event, data);
    add(event, told ? INT64_MAX : world.now_ms + PROMPT_MS);
}

static const char *id_name(int side)
{
    return is_coreldove(side) ? "product_id" : "id";
}

static void delete_copy(int side, int record, struct copy_model *copy)
{
    struct event_row_model event = event_of(side, record, EVENT_PRODUCT_DELETED);
    struct json *data = json_new_object();

    json_set(data, id_name(side), json_new_text(world.records[record].entity_id));
    tell("edit %u on %s: r%d is deleted", world.edits, side_name(side), record);
    copy->there = false;
    json_free(copy->data);
    copy->data = NULL;
    post(&event, copy, data);
    json_free(data);
}

static void change(int side, int record, struct copy_model *copy, struct json *data, enum field field)
{
    const char *name = own_name(side, field);
    struct json *value = new_value(side, field, json_get(copy->data, name));

    json_set(data, name, json_copy(value));
    json_set(copy->data, name, value);
    if (field == PRICE && is_coreldove(side))
        json_set(copy->data, "price_inr", json_copy(value)); /* what it keeps twice */
    check_edit(side, record, name, value);
}

bool post_edit(void)
{
    int side = (int)chance_below(SIDES), record = (int)chance_below(world.options.records);
    struct copy_model *copy = platform_copy(side, record);
    bool creates = !copy->there;
    struct json *data;
    struct event_row_model event;

    if (!(world.options.faults & FAULT_CONTENTION) && record % SIDES != side)
        return false;
    if (world.edits >= EDITS_MAX || count > 6)
        return false;
    /* What is not there is edited by nobody, but made: by one platform, or by several that do not know of each other. */
    if (creates && world.records[record].there && !chance_in(10))
        return false;
    world.edits++;
    if (!creates && (world.options.faults & FAULT_DELETES) && chance_in(25)) {
        delete_copy(side, record, copy);
        return true;
    }
    event = event_of(side, record, creates ? EVENT_PRODUCT_CREATED : EVENT_PRODUCT_UPDATED);
    data = json_new_object();
    json_set(data, id_name(side), json_new_text(world.records[record].entity_id));
    if (creates) {
        copy->there = true;
        copy->data = json_copy(data);
    }
    for (int i = creates ? FIELDS : 1 + (int)chance_below(2); i-- > 0;)
        change(side, record, copy, data, creates ? (enum field)i : (enum field)chance_below(FIELDS));
    if (world.trace) {
        struct buf text = BUF_INIT;
        json_write(&text, data);
        tell("edit %u on %s: r%d %s", world.edits, side_name(side), record, text.data);
        buf_release(&text);
    }
    post(&event, copy, creates || chance_in(3) ? copy->data : data);
    json_free(data);
    return true;
}

/* ── webhooks: the whole object, by the platform's own clock ── */

void post_webhook(int side, int record, bool deleted)
{
    struct event_row_model event =
        event_of(side, record, deleted ? EVENT_PRODUCT_DELETED : EVENT_PRODUCT_UPDATED);
    const struct copy_model *copy = platform_copy(side, record);

    if (deleted || !copy->data)
        return;
    event.webhook = true;
    fill_data(&event, copy->data);
    add(&event, world.now_ms + (int64_t)chance_below(WEBHOOK_MS));
    if (chance_in(20))
        add(&event, world.now_ms + (int64_t)chance_below(WEBHOOK_MS));
}

/* ── people ── */

/* Somebody decides each open field for one of its sides. */
bool post_person(void)
{
    for (size_t i = 0; i < world.conflict_count; i++) {
        struct conflict_model *conflict = &world.conflicts[i];
        struct event_row_model event;
        struct json *detail, *data;
        bool ok;
        if (conflict->status != CONFLICT_WAITING)
            continue;
        detail = json_parse(conflict->detail + 1, conflict->detail_len - 1, JSON_DEPTH_MAX, NULL, &ok);
        data = json_new_object();
        for (size_t k = 0; k < json_count(detail); k++) {
            const struct json *sides = json_get(json_at(detail, k), "sides"), *side;
            const char *field = json_get_text(json_at(detail, k), "field"), *currency;
            if (!strstr(conflict->open_fields, field))
                continue;
            side = json_at(sides, chance_below((unsigned)json_count(sides)));
            json_set(data, field, json_copy(json_get(side, "x")));
            if ((currency = json_get_text(side, "c"))) {
                if (!json_get(data, "_currencies"))
                    json_set(data, "_currencies", json_new_object());
                json_set(json_get(data, "_currencies"), field, json_new_text(currency));
            }
        }
        event = event_of(0, conflict->record, EVENT_PRODUCT_UPDATED);
        event.source = SIDES;
        event.occurred_ms = INT64_MIN;
        event.targets = world.records[conflict->record].audience;
        event.decides = event.by_person = true;
        event.contest = world.events[conflict->event].id;
        fill_data(&event, data);
        conflict->status = CONFLICT_DECIDING;
        conflict->open_fields = mem_strdup("");
        accept_event(&event);
        json_free(detail);
        json_free(data);
        return true;
    }
    return false;
}

/* As retry_event.sql: each dead delivery, as a new one. */
bool post_retry_dead(void)
{
    bool any = false;

    for (unsigned r = 0; r < world.options.records; r++)
        for (int side = 0; side < SIDES; side++)
            for (size_t i = 0; i < world.records[r].delivery_count[side]; i++) {
                struct delivery_model *delivery = &world.records[r].deliveries[side][i];
                if (delivery->state != DELIVERY_DEAD)
                    continue;
                delivery->state = DELIVERY_OPEN;
                delivery->generation++;
                delivery->attempts = delivery->sendings = 0;
                delivery->ended = false;
                delivery->next_attempt_ms = 0;
                world.records[r].delivery_first[side] = 0;
                any = true;
            }
    return any;
}
