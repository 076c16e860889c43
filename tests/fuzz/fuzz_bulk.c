/*
 * fuzz_bulk.c: what a platform answers to a bulk: each event gets a status of HTTP or none, as many have none as it says, and what
 * is wrong with the answer is told.
 */
#include "../../worker/bulk_answer.h"
#include "../../worker/outcome.h"
#include "log.h"
#include "mem.h"

#define EVENTS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 01890000-0000-7000-8000-000000000000 and its successors, which the seeds name. */
static void name_events(struct uuid events[EVENTS])
{
    memset(events, 0, EVENTS * sizeof *events);
    for (uint8_t i = 0; i < EVENTS; i++) {
        events[i].bytes[0] = 0x01, events[i].bytes[1] = 0x89;
        events[i].bytes[6] = 0x70, events[i].bytes[8] = 0x80;
        events[i].bytes[15] = i;
    }
}

static void judge(const struct answer *answer)
{
    static const struct platform_route route = {.path = "/x", .takes = true, .success_field = "success"};
    struct outcome outcome;
    for (int verb = VERB_CREATE; verb <= VERB_DELETE; verb++) {
        outcome_judge(answer, (enum verb)verb, &route, &outcome);
        if (outcome.class != OUTCOME_DELIVERED && outcome.error[0] == '\0')
            bug("something failed and nobody knows why");
        if (strnlen(outcome.error, sizeof outcome.error) == sizeof outcome.error)
            bug("a reason without an end");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct uuid events[EVENTS];
    struct bulk_item items[EVENTS];
    struct json *root = NULL;
    const char *why = NULL;
    char *body = mem_strndup((const char *)data, size);
    struct answer answer = {.failure = ANSWER_OK,
                            .status = 200,
                            .retry_after_ms = -1,
                            .body = body,
                            .body_len = size,
                            .error = ""};
    name_events(events);
    size_t unknown = bulk_answer_read(&answer, events, EVENTS, items, &root, &why), none = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        none += items[i].status == 0;
        if (items[i].status != 0 && (items[i].status < 100 || items[i].status > 599))
            bug("an item with the status %d", items[i].status);
    }
    if (unknown != none || (unknown > 0 && why == NULL))
        bug("%zu items have no answer and %zu are said to have none", none, unknown);
    judge(&answer);
    answer.status = 422;
    judge(&answer);
    json_free(root);
    free(body);
    return 0;
}
