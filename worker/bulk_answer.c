/* bulk_answer.c: see bulk_answer.h. */
#include "bulk_answer.h"

#include <string.h>

enum bulk_meaning bulk_answer_meaning(const struct answer *answer)
{
    bool complete = answer->failure == ANSWER_OK || answer->failure == ANSWER_TOO_LARGE;

    if (complete && answer->status >= 200 && answer->status < 300)
        return BULK_ITEMS;
    if (answer->failure != ANSWER_OK)
        return BULK_WHOLE;
    switch (answer->status) {
    case 404:
    case 405:
    case 501:
        return BULK_ABSENT;
    case 401:
    case 403:
    case 408:
    case 425:
    case 429:
        return BULK_WHOLE;
    default:
        return answer->status >= 400 && answer->status < 500 ? BULK_SPLIT : BULK_WHOLE;
    }
}

static bool is_about(const struct json *result, const struct uuid *event)
{
    const char *id = json_get_text(result, "event_id");
    struct uuid uuid;

    return id && uuid_parse(&uuid, id, strlen(id)) == 0 && uuid_equal(&uuid, event);
}

/* The one result about the event: at its place, or wherever it stands. Two are none: nobody knows which one holds. */
static const struct json *find(const struct json *results, const struct uuid *event, size_t place)
{
    const struct json *found = NULL;

    if (place < json_count(results) && is_about(json_at(results, place), event))
        return json_at(results, place);
    for (size_t i = 0; i < json_count(results); i++)
        if (is_about(json_at(results, i), event)) {
            if (found)
                return NULL;
            found = json_at(results, i);
        }
    return found;
}

static int status_of(const struct json *result)
{
    int64_t status;

    if (json_int64(json_get(result, "status"), &status) != 0 || status < 200 || status > 599)
        return 0;
    return (int)status;
}

size_t bulk_answer_read(const struct answer *answer, const struct uuid *events, size_t count,
                        struct bulk_item *items, struct json **root, const char **why)
{
    struct json_error error;
    struct json *results = NULL;
    size_t unknown = 0;
    bool ok = false;

    memset(items, 0, count * sizeof *items);
    *root = NULL;
    *why = NULL;
    if (answer->failure == ANSWER_TOO_LARGE)
        *why = "it is larger than any that makes sense";
    else if (answer->html)
        *why = "HTML where JSON was due";
    else if (!(*root = json_parse(answer->body, answer->body_len, JSON_DEPTH_MAX, &error, &ok)) || !ok)
        *why = "it is no JSON";
    else if (json_type(results = json_get(*root, "results")) != JSON_ARRAY)
        *why = "it has no list \"results\"";
    if (*why)
        return count;
    for (size_t i = 0; i < count; i++) {
        const struct json *result = find(results, &events[i], i);
        if (result && (items[i].status = status_of(result)) > 0)
            items[i].json = result;
        else
            unknown++;
    }
    if (json_count(results) != count)
        *why = "its list \"results\" does not have one result for each event";
    else if (unknown > 0)
        *why = "its list \"results\" has other events than were sent, or a status that is no HTTP status";
    return unknown;
}

bool bulk_rest_is_over(const struct bulk_rest *rest, int64_t now_ms)
{
    return now_ms >= rest->until_ms;
}

void bulk_rest_absent(struct bulk_rest *rest, int64_t now_ms)
{
    rest->until_ms = now_ms + BULK_REST_MS;
    rest->strikes = 0;
}

void bulk_rest_answered(struct bulk_rest *rest, bool well, int64_t now_ms)
{
    rest->strikes = well ? 0 : rest->strikes + 1;
    if (rest->strikes >= BULK_STRIKES)
        bulk_rest_absent(rest, now_ms);
}
