/*
 * graphql_answer.c: what a GraphQL server said: a verdict on the whole request, then data and errors of each part.
 *
 * Errors of a document that was refused have neither data beside them nor a path; those of one operation have its alias first
 * in their path. Everything is looked at with the type it should have and ignored when it has another: a proxy's answer, or
 * another release's, must not end the process.
 */
#include "graphql.h"
#include "graphql_message.h"
#include "json_number.h"
#include "log.h"
#include "mem.h"

#define CHUNK 2048
#define RETRY_AFTER_MAX_S 3600

struct part {
    const struct json *data;
    struct graphql_error errors[GRAPHQL_ERRORS_MAX];
    size_t error_count;
};

struct graphql_answer {
    struct arena *arena; /* of the messages */
    struct json *json;
    enum graphql_verdict verdict;
    const char *why;
    int culprit;
    int64_t cost, cost_max, retry_after_ms;
    size_t part_count;
    struct part parts[];
};

/* ---- kinds of errors ---- */

static bool is_one_of(const char *code, const char *const *codes)
{
    for (; *codes != NULL; codes++) {
        if (strcmp(code, *codes) == 0)
            return true;
    }
    return false;
}

/* Saleor names the exception's class; others have codes in capitals. */
static bool is_forbidden(const char *code)
{
    static const char *const codes[] = {"PermissionDenied",
                                        "InvalidTokenError",
                                        "ExpiredSignatureError",
                                        "InvalidSignatureError",
                                        "DecodeError",
                                        "InvalidAlgorithmError",
                                        "MissingRequiredClaimError",
                                        "PyJWTError",
                                        "UNAUTHENTICATED",
                                        "FORBIDDEN",
                                        "UNAUTHORIZED",
                                        NULL};
    return is_one_of(code, codes) || strncmp(code, "STOREFRONT_TRAFFIC", 18) == 0;
}

static bool is_throttled(const char *code, const char *message)
{
    static const char *const codes[] = {"THROTTLED",    "Throttled",           "TOO_MANY_REQUESTS",
                                        "RATE_LIMITED", "RATE_LIMIT_EXCEEDED", NULL};
    return is_one_of(code, codes) || strcmp(message, "Throttled") == 0;
}

/* The request's own fault carries one of these, or none. */
static bool is_request_error(const char *code)
{
    static const char *const codes[] = {"",
                                        "GraphQLError",
                                        "GraphQLSyntaxError",
                                        "GRAPHQL_VALIDATION_FAILED",
                                        "GRAPHQL_PARSE_FAILED",
                                        "BAD_USER_INPUT",
                                        "ValidationError",
                                        "QueryCostError",
                                        "InvalidIPAddress",
                                        NULL};
    return is_one_of(code, codes);
}

static const char *text_of(const struct json *object, const char *name)
{
    const char *text = json_get_text(object, name);
    return text != NULL ? text : "";
}

static const char *code_of(const struct json *error)
{
    const struct json *extensions = json_get(error, "extensions");
    const char *code = text_of(extensions, "code");
    return *code ? code : text_of(json_get(extensions, "exception"), "code");
}

static struct graphql_error read_error(struct graphql_answer *answer, const struct json *error)
{
    struct buf clean = BUF_INIT;
    struct graphql_error result = {.code = arena_strdup(answer->arena, code_of(error))};
    graphql_clean_message(&clean, text_of(error, "message"));
    result.message = arena_strdup(answer->arena, clean.data);
    buf_release(&clean);
    result.forbidden = is_forbidden(result.code);
    result.throttled = is_throttled(result.code, result.message);
    result.internal = !result.forbidden && !result.throttled && !is_request_error(result.code);
    return result;
}

/* ---- which part an error is about ---- */

/* "o12" or "o12_input" → 12; -1: nothing of ours, or no such part. */
static int part_of_alias(const struct graphql_answer *answer, const char *alias)
{
    size_t digits = alias[0] == 'o' ? strspn(alias + 1, "0123456789") : 0;
    int64_t number;
    if (digits == 0 || digits > 3 || json_number_int64(alias + 1, digits, &number) != 0)
        return -1;
    return number < (int64_t)answer->part_count ? (int)number : -1;
}

static int part_of_path(const struct graphql_answer *answer, const struct json *error)
{
    const struct json *path = json_get(error, "path");
    const struct json *first =
        json_type(path) == JSON_ARRAY && json_count(path) > 0 ? json_at(path, 0) : NULL;
    return json_type(first) == JSON_STRING ? part_of_alias(answer, json_text(first, NULL)) : -1;
}

/* A variable that was refused is named in the message alone: Variable "$o3_input" got invalid value … */
static int part_of_message(const struct graphql_answer *answer, const struct json *error)
{
    const char *variable = strstr(text_of(error, "message"), "$o");
    int part = part_of_path(answer, error);
    return part < 0 && variable != NULL ? part_of_alias(answer, variable + 1) : part;
}

/* The one part that all errors name. */
static int find_culprit(const struct graphql_answer *answer, const struct json *errors)
{
    int culprit = json_count(errors) > 0 ? part_of_message(answer, json_at(errors, 0)) : -1;
    for (size_t i = 1; i < json_count(errors); i++) {
        if (part_of_message(answer, json_at(errors, i)) != culprit)
            return -1;
    }
    return culprit;
}

/* ---- the whole ---- */

static void set(struct graphql_answer *answer, enum graphql_verdict verdict, const char *why)
{
    answer->verdict = verdict;
    answer->why = arena_strdup(answer->arena, why);
}

static int64_t number_of(const struct json *object, const char *name)
{
    const struct json *value = json_get(object, name);
    int64_t number;
    return json_type(value) == JSON_NUMBER && json_int64(value, &number) == 0 && number >= 0 ? number : -1;
}

static void read_cost(struct graphql_answer *answer, const struct json *extensions)
{
    const struct json *cost = json_get(extensions, "cost");
    int64_t seconds = number_of(extensions, "retryAfter");
    if (cost != NULL && json_type(cost) == JSON_OBJECT) {
        answer->cost = number_of(cost, "requestedQueryCost");
        answer->cost_max = number_of(cost, "maximumAvailable");
    }
    if (seconds >= 0)
        answer->retry_after_ms = (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
}

/* Limits that Saleor sets on documents; they have no code of their own. */
static bool is_too_much(const struct graphql_answer *answer, const char *message)
{
    return (answer->cost_max > 0 && answer->cost > answer->cost_max) ||
           strstr(message, "maximum cost") != NULL ||
           strncmp(message, "Number of mutations exceed", 26) == 0 ||
           strncmp(message, "Number of aliases exceed", 24) == 0;
}

static enum graphql_verdict judge_error(const struct graphql_answer *answer,
                                        const struct graphql_error *error, int http_status)
{
    if (error->throttled || http_status == 429)
        return GRAPHQL_THROTTLED;
    if (error->forbidden || http_status == 401 || http_status == 403)
        return GRAPHQL_FORBIDDEN;
    if (http_status == 413 || is_too_much(answer, error->message))
        return GRAPHQL_TOO_MUCH;
    return error->internal || http_status >= 500 ? GRAPHQL_BROKEN : GRAPHQL_REFUSED;
}

/* Nothing was done. What concerns the request as a whole (throttled, forbidden) counts before what concerns one part. */
static void judge_errors(struct graphql_answer *answer, const struct json *errors, int http_status)
{
    static const int weight[] = {[GRAPHQL_THROTTLED] = 5, [GRAPHQL_FORBIDDEN] = 4, [GRAPHQL_BROKEN] = 3,
                                 [GRAPHQL_TOO_MUCH] = 2,  [GRAPHQL_REFUSED] = 1,   [GRAPHQL_ANSWERED] = 0};
    for (size_t i = 0; i < json_count(errors) && i < GRAPHQL_PARTS_MAX; i++) {
        struct graphql_error error = read_error(answer, json_at(errors, i));
        enum graphql_verdict verdict = judge_error(answer, &error, http_status);
        if (weight[verdict] > weight[answer->verdict])
            set(answer, verdict, *error.message ? error.message : "the server gave no reason");
    }
    answer->culprit = find_culprit(answer, errors);
}

static void judge_status(struct graphql_answer *answer, int http_status)
{
    switch (http_status) {
    case 429:
        set(answer, GRAPHQL_THROTTLED, "429: the platform asks us to slow down");
        return;
    case 401:
    case 403:
        set(answer, GRAPHQL_FORBIDDEN, "the platform refuses our credential");
        return;
    case 413:
        set(answer, GRAPHQL_TOO_MUCH, "413: the document is too large for the platform");
        return;
    default:
        set(answer, GRAPHQL_BROKEN, "the platform's answer is no GraphQL answer: neither data nor errors");
    }
}

/* An error of no part in particular speaks for every part that got no data. */
static void give_error(struct graphql_answer *answer, const struct json *json)
{
    struct graphql_error error = read_error(answer, json);
    int named = part_of_path(answer, json);
    for (size_t i = 0; i < answer->part_count; i++) {
        struct part *part = &answer->parts[i];
        bool mine = named >= 0 ? (size_t)named == i : part->data == NULL;
        if (mine && part->error_count < GRAPHQL_ERRORS_MAX)
            part->errors[part->error_count++] = error;
    }
}

static void read_parts(struct graphql_answer *answer, const struct json *data, const struct json *errors)
{
    for (size_t i = 0; i < answer->part_count; i++) {
        char alias[24];
        snprintf(alias, sizeof alias, "o%zu", i);
        answer->parts[i].data = json_get(data, alias);
    }
    for (size_t i = 0; i < json_count(errors); i++)
        give_error(answer, json_at(errors, i));
}

struct graphql_answer *graphql_answer_read(const char *body, size_t len, int http_status, size_t parts)
{
    struct graphql_answer *answer;
    struct json_error error;
    bool ok = false;
    if (parts == 0 || parts > GRAPHQL_PARTS_MAX)
        bug("an answer to %zu parts", parts);
    answer = mem_alloc(sizeof *answer + parts * sizeof answer->parts[0]);
    answer->arena = arena_new(CHUNK);
    answer->why = "";
    answer->cost = answer->cost_max = answer->retry_after_ms = -1;
    answer->culprit = -1;
    answer->part_count = parts;
    answer->json = json_parse(body, len, JSON_DEPTH_MAX, &error, &ok);
    const struct json *data = json_get(answer->json, "data");
    const struct json *errors = json_get(answer->json, "errors");
    if (json_type(errors) != JSON_ARRAY)
        errors = NULL;
    read_cost(answer, json_get(answer->json, "extensions"));
    if (ok && json_type(data) == JSON_OBJECT && http_status != 429)
        read_parts(answer, data, errors);
    else if (ok && json_count(errors) > 0)
        judge_errors(answer, errors, http_status);
    else
        judge_status(answer, http_status);
    return answer;
}

void graphql_answer_free(struct graphql_answer **answer)
{
    if (*answer == NULL)
        return;
    json_free((*answer)->json);
    arena_free(&(*answer)->arena);
    free(*answer);
    *answer = NULL;
}

enum graphql_verdict graphql_answer_verdict(const struct graphql_answer *answer)
{
    return answer->verdict;
}

const char *graphql_answer_why(const struct graphql_answer *answer)
{
    return answer->why;
}

int graphql_answer_culprit(const struct graphql_answer *answer)
{
    return answer->culprit;
}

int64_t graphql_answer_cost(const struct graphql_answer *answer)
{
    return answer->cost;
}

int64_t graphql_answer_cost_max(const struct graphql_answer *answer)
{
    return answer->cost_max;
}

int64_t graphql_answer_retry_after_ms(const struct graphql_answer *answer)
{
    return answer->retry_after_ms;
}

static const struct part *part_at(const struct graphql_answer *answer, size_t part)
{
    if (part >= answer->part_count)
        bug("an answer of %zu parts has no part %zu", answer->part_count, part);
    return &answer->parts[part];
}

const struct json *graphql_answer_data(const struct graphql_answer *answer, size_t part)
{
    return part_at(answer, part)->data;
}

size_t graphql_answer_error_count(const struct graphql_answer *answer, size_t part)
{
    return part_at(answer, part)->error_count;
}

const struct graphql_error *graphql_answer_error(const struct graphql_answer *answer, size_t part,
                                                 size_t index)
{
    if (index >= part_at(answer, part)->error_count)
        bug("a part of an answer has no error %zu", index);
    return &answer->parts[part].errors[index];
}
