/* hop_alerts.c: people are told of fields that go to and fro, once per tenant, platform and field. */
#include <stdio.h>

#include "alert.h"
#include "rows.h"

void routing_tell_hop(struct routing *routing, const struct event_row *event, enum entity entity,
                      const char *field)
{
    struct json *hop = json_new_object();

    json_set(hop, "tenant", json_new_text(event->tenant));
    json_set(hop, "platform", json_new_text(event->source));
    json_set(hop, "entity", json_new_text(msg_entity_name(entity)));
    json_set(hop, "field", json_new_text(field));
    json_set(hop, "id", json_new_text(event->entity_id));
    json_append(routing->hops, hop);
}

void routing_raise(const struct routing *routing, struct alerts *alerts)
{
    for (size_t i = 0; i < json_count(routing->hops); i++) {
        const struct json *hop = json_at(routing->hops, i);
        const char *platform = json_get_text(hop, "platform"), *entity = json_get_text(hop, "entity"),
                   *field = json_get_text(hop, "field"), *tenant = json_get_text(hop, "tenant");
        char key[512], title[256], message[512];
        struct alert alert = {.key = key,
                              .level = ALERT_WARNING,
                              .title = title,
                              .message = message,
                              .platform = platform,
                              .tenant = tenant};

        snprintf(key, sizeof key, "%s hops %s %s %s", platform, tenant, entity, field);
        snprintf(title, sizeof title, "%s: %s of %ss goes to and fro", platform, field, entity);
        snprintf(message, sizeof message,
                 "%s answers what it is sent with another value of %s (%s %s): the third time within a "
                 "minute it was "
                 "stopped, and the record keeps its value. Correct the platform's mapping or its rule for "
                 "this field.",
                 platform, field, entity, json_get_text(hop, "id"));
        alerts_raise(alerts, &alert);
    }
}
