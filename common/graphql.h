/*
 * graphql.h: GraphQL over HTTP, for whoever speaks it to a platform; pure.
 *
 * A stored document (common/graphql/<name>.graphql, embedded as graphql_<name> in "graphql_documents.h") holds one named operation
 * with one root field. Several of them, with their variables, make one request: the root fields get the aliases o0, o1, … in
 * the order of the parts, variables are renamed per part ($input becomes $o1_input), their definitions are joined. Even one
 * part alone gets its alias, so that there is one way to read an answer.
 *
 *   parts ── graphql_compose ──▶ body ── HTTP ──▶ answer ── graphql_answer_read ──▶ a verdict on the whole, then each part's
 *                                                                                    data and errors
 *
 * Mutations of one document run one after the other, in order, and each for itself: when the second fails, the first has
 * happened and the third happens. Saleor takes 4 mutations and 100 aliases per document unless told otherwise.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "json.h"

#define GRAPHQL_PARTS_MAX 50

struct graphql_part {
    const char *document;         /* text of a stored document */
    const struct json *variables; /* an object, or NULL when the document has none */
};

/* The body of a request, {"operationName":…,"query":…,"variables":…}: 1 to GRAPHQL_PARTS_MAX parts, all of them queries or all
 * of them mutations. A document that is not of the form above is a bug(). */
void graphql_compose(struct buf *body, const struct graphql_part *parts, size_t count);
bool graphql_is_mutation(const char *document);
const char *graphql_operation_name(const char *document,
                                   size_t *len); /* "CustomerCreate"; not ended by NUL */

enum graphql_verdict {
    GRAPHQL_ANSWERED,  /* there is data: look at each part; one part's failure is no other's */
    GRAPHQL_THROTTLED, /* too many requests: all of it again later, no part is at fault */
    GRAPHQL_TOO_MUCH, /* the document costs too much or has too many operations: halves; alone, the part is dead */
    GRAPHQL_REFUSED, /* the document or a variable is wrong, nothing was done: halves; alone, the part is dead */
    GRAPHQL_FORBIDDEN, /* the credential: nothing was done, pause the route */
    GRAPHQL_BROKEN /* no GraphQL answer, or the server failed as a whole: again later; what was done is not known */
};

struct graphql_error {
    const char *message; /* cleaned: cut at 300 bytes, without the values that servers quote from variables */
    const char *code;    /* extensions.code, else extensions.exception.code; "" when neither is there */
    bool forbidden;      /* PermissionDenied, an invalid or expired token … */
    bool internal;       /* the server's own failure, not the request's: worth another try */
    bool throttled;
};
#define GRAPHQL_ERRORS_MAX 8 /* of one part; more are not kept */

struct graphql_answer;
/* body: an HTTP answer of any status (0: unknown), of `parts` parts. Never NULL: what is no GraphQL answer is BROKEN, and an HTTP
 * status of 429 is THROTTLED, 401 and 403 are FORBIDDEN, 413 is TOO_MUCH. */
struct graphql_answer *graphql_answer_read(const char *body, size_t len, int http_status, size_t parts);
void graphql_answer_free(struct graphql_answer **answer);

enum graphql_verdict graphql_answer_verdict(const struct graphql_answer *answer);
/* Why the verdict is not ANSWERED: a sentence for people and logs, without personal data. "" otherwise. */
const char *graphql_answer_why(const struct graphql_answer *answer);
/* REFUSED or TOO_MUCH: the part that the errors name by its alias or its variable, so that the others need no halving; -1: they
 * name none, or several. */
int graphql_answer_culprit(const struct graphql_answer *answer);
/* extensions.cost: what the document cost, and what one may cost; -1 each when the answer does not say. */
int64_t graphql_answer_cost(const struct graphql_answer *answer);
int64_t graphql_answer_cost_max(const struct graphql_answer *answer);
/* What the server says it will take again when THROTTLED (extensions.retryAfter in seconds …); -1: it does not. */
int64_t graphql_answer_retry_after_ms(const struct graphql_answer *answer);

/* Of one part, when ANSWERED. Data: what stands under its alias, lent; NULL: null (its errors say why). */
const struct json *graphql_answer_data(const struct graphql_answer *answer, size_t part);
size_t graphql_answer_error_count(const struct graphql_answer *answer, size_t part);
const struct graphql_error *graphql_answer_error(const struct graphql_answer *answer, size_t part,
                                                 size_t index);
