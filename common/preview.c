/* preview.c: see preview.h. */
#include "preview.h"

#include "delivery.h"
#include "mapping.h"
#include "mem.h"
#include "parents.h"
#include "saleor.h"

void preview_change(const struct preview_event *event, struct record *record)
{
    enum entity entity = msg_event_entity(event->type);
    struct merge merge;

    if (entity == ENTITY_NONE) {
        json_free(record->data);
        record->data = json_copy(event->data);
        return;
    }
    struct json *common = mapping_in(event->source, entity, event->data);
    struct change change = {.source = event->source,
                            .entity = entity,
                            .verb = msg_event_verb(event->type),
                            .entity_id = event->entity_id,
                            .event_id = "preview",
                            .seq = INT64_MAX, /* nothing was accepted after it */
                            .time_ms = merge_time_ms(event->now_ms, event->occurred_ms, common),
                            .base_version = event->base_version > 0 ? event->base_version : record->version,
                            .data = common};
    merge_init(&merge);
    merge_apply(record, &change, &merge);
    merge_release(&merge);
    json_free(common);
}

static const char *method_name(enum platform_method method)
{
    static const char *const names[] = {"POST", "PUT", "PATCH", "DELETE", "GET"};

    return names[method];
}

static struct json *failed(struct json *answer, const struct buf *sentence, const struct buf *field)
{
    json_set(answer, "failed", json_new_text(sentence->data));
    if (field->len > 0)
        json_set(answer, "field", json_new_text(field->data));
    return answer;
}

static struct json *skipped(struct json *answer, const char *why)
{
    json_set(answer, "skipped", json_new_text(why));
    return answer;
}

static struct json *base_of(const struct delivery_source *source, const struct preview_holding *holding)
{
    struct json *base = source->base ? json_new_object() : NULL;

    if (base)
        json_set(base, "version", json_new_int(holding->version));
    return base;
}

/* What money was converted by. */
static struct json *rate_of(const struct platform *target)
{
    struct money_rate rate = platform_per_usd(target);
    struct json *json = json_new_object();
    struct buf text = BUF_INIT;

    money_format(&text, (struct money){rate.value, rate.exponent});
    json_set(json, "currency", json_new_text(platform_currency(target)));
    json_set(json, "per_usd", json_new_text(text.data));
    json_set(json, "date", json_new_text(platform_rate_date(target)));
    buf_release(&text);
    return json;
}

static struct json *parse(const struct buf *body)
{
    bool ok;

    return json_parse(body->data, body->len, JSON_DEPTH_MAX + 2, NULL, &ok);
}

static void show_rest(struct json *answer, const struct delivery_source *source, const struct buf *body)
{
    const struct platform_route *route = platform_route(source->target, source->type, source->verb);
    struct buf path = BUF_INIT, url = BUF_INIT;
    char id[MSG_KEY_MAX];

    delivery_path(source, &path);
    if (platform_base_url(source->target))
        buf_addf(&url, "%s%s", platform_base_url(source->target), path.data);
    delivery_webhook_id(source, id);
    json_set(answer, "method", json_new_text(method_name(route->method)));
    json_set(answer, "path", json_new_text(path.data));
    json_set(answer, "url", url.len > 0 ? json_new_text(url.data) : NULL);
    json_set(answer, "webhook_id", json_new_text(id));
    json_set(answer, "body", parse(body));
    if (url.len == 0) /* only the worker needs to know it */
        json_set(answer, "remark",
                 json_new_text("the platform's base URL is not set here: a worker that has none skips this"));
    buf_release(&path);
    buf_release(&url);
}

static struct json *preview_rest(struct json *answer, const struct delivery_source *source,
                                 const struct preview_holding *holding)
{
    struct buf body = BUF_INIT, error = BUF_INIT;

    switch (delivery_body(source, &body, &error)) {
    case DELIVERY_BUILT:
        json_set(answer, "protocol", json_new_text("rest"));
        json_set(answer, "verb", json_new_text(msg_verb_name(source->verb)));
        json_set(answer, "base", base_of(source, holding));
        json_set(answer, "rate", rate_of(source->target));
        show_rest(answer, source, &body);
        break;
    case DELIVERY_NOTHING:
        skipped(answer, error.data);
        break;
    case DELIVERY_IMPOSSIBLE:
        failed(answer, &error, source->field);
        break;
    }
    buf_release(&body);
    buf_release(&error);
    return answer;
}

/* What the record names, by our ids; texts live as long as `found`. */
struct named {
    struct parents found;
    char (*ids)[UUID_TEXT_LEN + 1];
    struct saleor_parent *list;
};

static void find_named(struct named *named, const struct delivery_source *source)
{
    struct parents *found = &named->found;

    *found = (struct parents){0};
    parents_find(found, source->target, msg_event_entity(source->type), source->tenant, source->data,
                 source->notes);
    named->ids = mem_array(found->count + 1, sizeof *named->ids);
    named->list = mem_array(found->count + 1, sizeof *named->list);
    for (size_t i = 0; i < found->count; i++) {
        uuid_format(&found->list[i].record, named->ids[i]);
        named->list[i] = (struct saleor_parent){
            .entity = found->list[i].entity, .path = found->list[i].path, .record_id = named->ids[i]};
    }
}

static void forget_named(struct named *named)
{
    parents_release(&named->found);
    free(named->ids);
    free(named->list);
}

static struct json *preview_graphql(struct json *answer, const struct delivery_source *source,
                                    const struct preview_holding *holding)
{
    enum entity entity = msg_event_entity(source->type);
    char record[UUID_TEXT_LEN + 1];
    struct buf remark = BUF_INIT, error = BUF_INIT;
    struct named named;
    find_named(&named, source);
    struct saleor_request request = {.target = source->target,
                                     .platforms = source->platforms,
                                     .entity = entity,
                                     .type = source->type,
                                     .verb = source->verb,
                                     .record_id = record,
                                     .platform_id = holding->platform_id,
                                     .version = source->version,
                                     .record = source->data,
                                     .notes = source->notes,
                                     .base = source->base,
                                     .base_seq = source->base_seq,
                                     .parents = named.list,
                                     .parent_count = named.found.count,
                                     .now_ms = source->created_ms};
    uuid_format(&source->record, record);
    enum delivery_built wanted = delivery_wanted(source, &error);
    struct json *operations = wanted == DELIVERY_BUILT ? saleor_preview(&request, &remark, &error) : NULL;

    if (wanted == DELIVERY_NOTHING) {
        skipped(answer, error.data);
    } else if (!operations) {
        failed(answer, &error, source->field);
    } else if (json_count(operations) == 0) {
        skipped(answer, remark.len > 0 ? remark.data : "the platform has this already");
        json_free(operations);
    } else {
        json_set(answer, "protocol", json_new_text("graphql"));
        json_set(answer, "verb", json_new_text(msg_verb_name(source->verb)));
        json_set(answer, "url", json_new_text(platform_graphql(source->target, entity)->url));
        json_set(answer, "base", base_of(source, holding));
        json_set(answer, "rate", rate_of(source->target));
        json_set(answer, "operations", operations);
        if (remark.len > 0)
            json_set(answer, "remark", json_new_text(remark.data));
    }
    forget_named(&named);
    buf_release(&remark);
    buf_release(&error);
    return answer;
}

static struct delivery_source source_of(const struct preview_event *event, const struct record *record,
                                        const struct platform *target, const struct preview_holding *holding)
{
    enum verb verb = delivery_verb(event->type, record->deleted, holding->version, holding->deleted,
                                   msg_event_verb(event->type) == VERB_CREATE);
    bool update = verb == VERB_UPDATE && !platform_route(target, event->type, verb)->full;

    return (struct delivery_source){.target = target,
                                    .platforms = event->platforms,
                                    .event = event->id,
                                    .type = event->type,
                                    .verb = verb,
                                    .generation = 1,
                                    .source_platform = platform_name(event->source),
                                    .tenant = event->tenant,
                                    .user_id = event->user_id,
                                    .created_ms = event->now_ms,
                                    .has_record = msg_event_entity(event->type) != ENTITY_NONE,
                                    .record = event->record_id,
                                    .version = record->version,
                                    .data = record->data,
                                    .notes = record->notes,
                                    .base = update ? holding->base : NULL,
                                    .base_seq = update ? holding->base_seq : 0,
                                    .platform_id = holding->platform_id};
}

struct json *preview_target(const struct preview_event *event, const struct record *record,
                            const struct platform *target, const struct preview_holding *holding)
{
    struct json *answer = json_new_object();
    struct delivery_source source = source_of(event, record, target, holding);
    struct buf field = BUF_INIT;

    source.field = &field;
    json_set(answer, "platform", json_new_text(platform_name(target)));
    if (target == event->source)
        skipped(answer, "the event came from this platform");
    else if (!platform_route(target, event->type, msg_event_verb(event->type))->takes ||
             !platform_route(target, event->type, source.verb)->takes)
        skipped(answer, "this platform does not take this type of event");
    else if (platform_graphql(target, msg_event_entity(event->type)))
        preview_graphql(answer, &source, holding);
    else
        preview_rest(answer, &source, holding);
    buf_release(&field);
    return answer;
}
