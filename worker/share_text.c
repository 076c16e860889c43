/*
 * share_text.c: the document of share.h as JSON, as it stands in platform_status.shared, where people may read it too. What is
 * missing or of another release counts as not said; what cannot be read at all is an empty document, and limits begin anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "share.h"

#define DEPTH_MAX 4

static struct json *new_real(double value)
{
    char text[64];

    snprintf(text, sizeof text, "%.3f", value);
    return json_new_number(text);
}

static int64_t get_int(const struct json *object, const char *key)
{
    struct json *value = json_get(object, key);
    int64_t number;

    return value && json_int64(value, &number) == 0 ? number : 0;
}

static unsigned get_count(const struct json *object, const char *key)
{
    int64_t number = get_int(object, key);

    return number > 0 && number <= INT32_MAX ? (unsigned)number : 0;
}

static double get_real(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, key);

    return json_type(value) == JSON_NUMBER ? strtod(json_text(value, NULL), NULL) : 0;
}

static void get_text(const struct json *object, const char *key, char *text, size_t size)
{
    const char *value = json_get_text(object, key);

    snprintf(text, size, "%s", value ? value : "");
}

static struct json *replicas_json(const struct share *share)
{
    struct json *list = json_new_array();

    for (size_t i = 0; i < share->replica_count; i++) {
        const struct share_replica *replica = &share->replicas[i];
        struct json *row = json_new_object();
        json_set(row, "owner", json_new_text(replica->owner));
        json_set(row, "until", json_new_int(replica->until_ms));
        json_set(row, "need", json_new_int(replica->need));
        json_set(row, "lent", json_new_int(replica->lent));
        json_set(row, "repeats", json_new_int(replica->repeats));
        json_set(row, "seen", json_new_int(replica->seen));
        json_set(row, "ok", json_new_int(replica->ok));
        json_append(list, row);
    }
    return list;
}

static struct json *rates_json(const struct share *share)
{
    struct json *object = json_new_object();

    for (size_t i = 0; i < share->rate_count; i++) {
        struct json *row = json_new_object();
        json_set(row, "per_minute", json_new_int(share->rates[i].rate.per_minute));
        json_set(row, "full_us", json_new_int(share->rates[i].rate.full_us));
        json_set(object, share->rates[i].name, row);
    }
    return object;
}

void share_write(struct buf *out, const struct share *share)
{
    struct json *json = json_new_object();

    json_set(json, "breaker", json_new_text(gate_state_name(share->breaker)));
    json_set(json, "open_until", json_new_int(share->open_until_ms));
    json_set(json, "open_wait", json_new_int(share->open_wait_ms));
    json_set(json, "prober", json_new_text(share->prober));
    json_set(json, "probe_until", json_new_int(share->probe_until_ms));
    json_set(json, "closed", json_new_int(share->closed_ms));
    json_set(json, "held_until", json_new_int(share->held_until_ms));
    json_set(json, "window", new_real(share->window));
    json_set(json, "proven", new_real(share->proven));
    json_set(json, "steep", json_new_bool(share->steep));
    json_set(json, "shrunk", json_new_int(share->shrunk_ms));
    json_set(json, "replicas", replicas_json(share));
    json_set(json, "rates", rates_json(share));
    json_write(out, json);
    json_free(json);
}

static void read_replicas(struct share *share, const struct json *list)
{
    for (size_t i = 0; i < json_count(list) && share->replica_count < SHARE_REPLICAS_MAX; i++) {
        const struct json *row = json_at(list, i);
        struct share_replica *replica = &share->replicas[share->replica_count++];
        get_text(row, "owner", replica->owner, sizeof replica->owner);
        replica->until_ms = get_int(row, "until");
        replica->need = get_count(row, "need");
        replica->lent = get_count(row, "lent");
        replica->repeats = get_count(row, "repeats");
        replica->seen = get_count(row, "seen");
        replica->ok = get_count(row, "ok");
    }
}

static void read_rates(struct share *share, const struct json *object)
{
    struct json_iter iter = {0};
    const char *name;
    struct json *row;

    while (json_type(object) == JSON_OBJECT && json_next(object, &iter, &name, &row)) {
        struct share_rate *rate = &share->rates[share->rate_count];
        if (share->rate_count == SHARE_RATES_MAX || strlen(name) >= sizeof rate->name)
            continue;
        snprintf(rate->name, sizeof rate->name, "%s", name);
        rate->rate.per_minute = get_int(row, "per_minute");
        rate->rate.full_us = get_int(row, "full_us");
        share->rate_count++;
    }
}

static enum gate_state read_state(const struct json *json)
{
    const char *name = json_get_text(json, "breaker");

    for (enum gate_state state = GATE_CLOSED; name && state <= GATE_HALF_OPEN; state++)
        if (strcmp(gate_state_name(state), name) == 0)
            return state;
    return GATE_CLOSED;
}

int share_read(struct share *share, const char *text, size_t len)
{
    struct json_error error;
    struct json *json;
    bool ok;

    memset(share, 0, sizeof *share);
    json = json_parse(text, len, DEPTH_MAX, &error, &ok);
    if (!ok || json_type(json) != JSON_OBJECT) {
        json_free(json);
        return -1;
    }
    share->breaker = read_state(json);
    share->open_until_ms = get_int(json, "open_until");
    share->open_wait_ms = get_int(json, "open_wait");
    get_text(json, "prober", share->prober, sizeof share->prober);
    share->probe_until_ms = get_int(json, "probe_until");
    share->closed_ms = get_int(json, "closed");
    share->held_until_ms = get_int(json, "held_until");
    share->window = get_real(json, "window");
    share->proven = get_real(json, "proven");
    share->steep = json_type(json_get(json, "steep")) == JSON_BOOL && json_bool(json_get(json, "steep"));
    share->shrunk_ms = get_int(json, "shrunk");
    if (json_type(json_get(json, "replicas")) == JSON_ARRAY)
        read_replicas(share, json_get(json, "replicas"));
    read_rates(share, json_get(json, "rates"));
    json_free(json);
    return 0;
}
