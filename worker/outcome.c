/* outcome.c: see outcome.h. */
#include "outcome.h"

#include <stdio.h>
#include <string.h>

#include "json.h"
#include "mem.h"

const char *outcome_name(enum outcome_class class)
{
    static const char *const names[] = {"delivered", "retry", "unknown", "as_update",
                                        "as_create", "route", "dead"};

    return names[class];
}

static void set(struct outcome *outcome, enum outcome_class class, const char *error)
{
    outcome->class = class;
    snprintf(outcome->error, sizeof outcome->error, "%s", error ? error : "");
}

static void judge_failure(const struct answer *answer, struct outcome *outcome)
{
    switch (answer->failure) {
    case ANSWER_TIMEOUT_SENT:
        set(outcome, OUTCOME_UNKNOWN, answer->error);
        outcome->costs = true;
        outcome->platform_failed = true;
        break;
    case ANSWER_TOO_LARGE: /* the platform's answer is absurd, what it did is not known */
        set(outcome, OUTCOME_UNKNOWN, answer->error);
        outcome->costs = true;
        break;
    case ANSWER_TLS:
    case ANSWER_FORBIDDEN_ADDRESS:
        set(outcome, OUTCOME_ROUTE, answer->error);
        outcome->everywhere = true;
        break;
    default:
        set(outcome, OUTCOME_RETRY, answer->error);
        outcome->platform_failed = true;
        break;
    }
}

/* The section's test on a 2xx answer's body: a member that must be true, or have one value. */
static bool passes_test(const struct answer *answer, const struct platform_route *route)
{
    struct json_error error;
    struct json *json, *member = NULL;
    const char *text;
    bool ok, passes = false;

    if (!route->success_field)
        return true;
    json = json_parse(answer->body, answer->body_len, JSON_DEPTH_MAX, &error, &ok);
    if (ok && json_find(json, route->success_field, &member)) {
        if (!route->success_value)
            passes = json_type(member) == JSON_BOOL && json_bool(member);
        else
            passes = (text = json_text(member, NULL)) && strcmp(text, route->success_value) == 0;
    }
    json_free(json);
    return passes;
}

static void judge_missing(enum verb verb, struct outcome *outcome)
{
    outcome->platform_ok = verb != VERB_CREATE && verb != VERB_REPORT;
    if (verb == VERB_UPDATE)
        set(outcome, OUTCOME_AS_CREATE, "404: the platform does not know the record");
    else if (verb == VERB_DELETE)
        set(outcome, OUTCOME_DELIVERED, NULL); /* gone is what was asked for */
    else
        set(outcome, OUTCOME_ROUTE, "404: the platform has no such route");
}

static void judge_rejection(const struct answer *answer, enum verb verb, struct outcome *outcome)
{
    char text[64];

    snprintf(text, sizeof text, "%d from the platform", answer->status);
    switch (answer->status) {
    case 401:
    case 403:
        outcome->everywhere = answer->status == 401;
        set(outcome, OUTCOME_ROUTE,
            answer->status == 401 ? "401: the platform refuses our credential"
                                  : "403: the platform forbids this to our credential");
        return;
    case 404:
        judge_missing(verb, outcome);
        return;
    case 405:
        set(outcome, OUTCOME_ROUTE, "405: the platform's route takes no such method");
        return;
    case 408:
    case 425:
        set(outcome, OUTCOME_RETRY, text);
        outcome->costs = true;
        return;
    case 429:
        set(outcome, OUTCOME_RETRY, "429: the platform asks us to slow down");
        return;
    case 409:
    case 412:
        outcome->platform_ok = true;
        set(outcome, verb == VERB_CREATE ? OUTCOME_AS_UPDATE : OUTCOME_DEAD,
            verb == VERB_CREATE ? "409: the platform has the record already" : text);
        return;
    case 410:
        outcome->platform_ok = true;
        set(outcome, OUTCOME_DEAD, "410: the platform says that the record is gone for good");
        return;
    default:
        outcome->platform_ok = true;
        set(outcome, OUTCOME_DEAD, text);
    }
}

void outcome_judge(const struct answer *answer, enum verb verb, const struct platform_route *route,
                   struct outcome *outcome)
{
    char text[64];

    memset(outcome, 0, sizeof *outcome);
    snprintf(text, sizeof text, "%d from the platform", answer->status);
    if (answer->failure != ANSWER_OK) {
        judge_failure(answer, outcome);
    } else if (answer->status >= 500) {
        set(outcome, OUTCOME_RETRY, text);
        outcome->costs = !(answer->status == 503 && answer->retry_after_ms >= 0);
        outcome->platform_failed = true;
    } else if (answer->status >= 400) {
        judge_rejection(answer, verb, outcome);
    } else if (answer->status >= 300 || answer->status < 200) {
        set(outcome, OUTCOME_ROUTE, "a redirect: give the platform's final address in its base URL");
    } else if (answer->html) {
        set(outcome, OUTCOME_ROUTE, "HTML where JSON was due: the base URL leads to a page, not to the API");
    } else if (!passes_test(answer, route)) {
        outcome->platform_ok = true;
        set(outcome, OUTCOME_DEAD,
            "the platform answered 2xx, but its body fails the success test of its file");
    } else {
        outcome->platform_ok = true;
        set(outcome, OUTCOME_DELIVERED, NULL);
    }
}
