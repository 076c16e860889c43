/* network.c: transfer.h: requests to the platforms, and what comes back: lost, late, without an answer. See simulation.h. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "simulation.h"
#include "worker/worker.h"

#define TIMEOUT_MS 30000
#define LATE_MS 9000 /* less than LATE_ARRIVAL */

enum fate { GOOD, NEVER_LEFT, ANSWER_LOST, LATE };
struct transfer {
    struct process *process; /* NULL: nobody waits for the answer */
    transfer_cb callback;
    void *arg;
    int side;
    char *url, *webhook_id;
    struct json *body;
    enum fate fate;
    bool travels, answered;      /* on its way there; its answer is known */
    int64_t began_ms, answer_ms; /* answer_ms: it is not given before */
    struct answer answer;
};
static struct transfer **transfers;
static size_t count, cap;

void network_reset(void)
{
    transfers = NULL;
    count = cap = 0;
}

size_t network_in_flight(void)
{
    return count;
}

struct transfers *transfers_new(struct event_base *base, unsigned connections_max)
{
    (void)connections_max;
    return (struct transfers *)base;
}

void transfers_free(struct transfers **pool)
{
    *pool = NULL;
}

static enum fate draw_fate(void)
{
    unsigned faults = world.options.faults;

    if (world.healing)
        return GOOD;
    if ((faults & FAULT_LOSS) && chance_in(15))
        return chance_in(2) ? NEVER_LEFT : ANSWER_LOST;
    if ((faults & FAULT_DELAY) && chance_in(15))
        return LATE;
    return GOOD;
}

static int64_t version_of(const struct json *body)
{
    int64_t version = 0;
    const struct json *number = json_get(json_get(json_get(body, "data"), "_sync_metadata"), "version");

    return number && json_int64(number, &version) == 0 ? version : 0;
}

static int record_of(const struct json *body)
{
    struct uuid id;
    const char *text = json_get_text(json_get(json_get(body, "data"), "_sync_metadata"), "record_id");

    return text && uuid_parse(&id, text, strlen(text)) == 0 ? (int)(tables_record(&id) - world.records) : 0;
}

static void told(const struct transfer *transfer, const struct transfer_request *request)
{
    static const char *const fates[] = {"", " (never gets there)", " (its answer is lost)",
                                        " (arrives late)"};

    if (world.trace)
        tell("%s sends %s r%d v%lld %s%s %.*s", transfer->process->instance, side_name(transfer->side),
             record_of(transfer->body), (long long)version_of(transfer->body),
             strrchr(transfer->url, '/') + 1, fates[transfer->fate], (int)request->body_len, request->body);
}

struct transfer *transfer_start(struct transfers *pool, const struct transfer_request *request,
                                transfer_cb callback, void *arg)
{
    struct transfer *transfer = mem_alloc(sizeof *transfer);
    bool ok = false;

    *transfer = (struct transfer){.process = (struct process *)pool, .callback = callback, .arg = arg};
    transfer->side = transfer->process->stage;
    transfer->url = mem_strdup(request->url);
    for (size_t i = 0; request->headers[i]; i++)
        if (strncmp(request->headers[i], "webhook-id: ", 12) == 0)
            transfer->webhook_id = mem_strdup(request->headers[i] + 12);
    transfer->body = json_parse(request->body, request->body_len, JSON_DEPTH_MAX, NULL, &ok);
    transfer->fate = draw_fate();
    transfer->travels = transfer->fate != NEVER_LEFT;
    transfer->began_ms = world.now_ms;
    transfer->answer = (struct answer){.failure = ANSWER_TRANSPORT, .error = "refused", .retry_after_ms = -1};
    if (transfer->fate == ANSWER_LOST || transfer->fate == LATE) {
        transfer->answer.failure = ANSWER_TIMEOUT_SENT;
        transfer->answer_ms = world.now_ms + TIMEOUT_MS;
    }
    transfer->answered = transfer->fate != GOOD;
    if (!ok)
        fail("body", "a body that is no JSON");
    told(transfer, request);
    check_started(transfer->side, record_of(transfer->body), strrchr(transfer->url, '/') + 1,
                  transfer->webhook_id, version_of(transfer->body), json_get(transfer->body, "data"));
    if (count == cap) {
        cap = cap ? 2 * cap : 16;
        transfers = mem_realloc(transfers, cap * sizeof *transfers);
    }
    return transfers[count++] = transfer;
}

static void drop(size_t at)
{
    json_free(transfers[at]->body);
    free(transfers[at]->url);
    free(transfers[at]->webhook_id);
    free(transfers[at]);
    transfers[at] = transfers[--count];
}

bool transfer_abort(struct transfers *pool, struct transfer *transfer)
{
    bool reached = transfer->fate != NEVER_LEFT;

    (void)pool;
    transfer->process = NULL;
    return reached;
}

void network_forget(const struct process *process)
{
    for (size_t i = 0; i < count; i++)
        if (transfers[i]->process == process)
            transfers[i]->process = NULL;
}

/* A time-out is over for those on their way; who comes later than that was late. */
static bool may_arrive(const struct transfer *transfer)
{
    return transfer->travels && (transfer->fate != LATE || world.now_ms >= transfer->began_ms + 20);
}

bool network_arrive(void)
{
    size_t from = count ? chance_below((unsigned)count) : 0;

    for (size_t i = 0; i < count; i++) {
        struct transfer *transfer = transfers[(from + i) % count];
        if (!may_arrive(transfer) || (transfer->fate == LATE && !world.healing &&
                                      world.now_ms < transfer->began_ms + TIMEOUT_MS && !chance_in(6)))
            continue;
        transfer->travels = false;
        if (transfer->fate == GOOD) {
            transfer->answer = (struct answer){.failure = ANSWER_OK, .retry_after_ms = -1};
            transfer->answered = true;
        }
        int status = 0;
        platform_take(transfer->side, transfer->url, transfer->webhook_id, json_get(transfer->body, "data"),
                      &status);
        if (transfer->fate == GOOD) {
            transfer->answer.status = status;
            transfer->answer.duration_us = (world.now_ms - transfer->began_ms) * 1000;
            if (status == 503)
                transfer->answer.retry_after_ms = 1000;
        }
        return true;
    }
    return false;
}

bool network_answer(void)
{
    size_t from = count ? chance_below((unsigned)count) : 0;

    for (size_t i = 0; i < count; i++) {
        size_t at = (from + i) % count;
        struct transfer *transfer = transfers[at];
        if (!transfer->process && !transfer->travels) {
            drop(at);
            return true;
        }
        if (!transfer->process || !transfer->answered || transfer->answer_ms > world.now_ms)
            continue;
        struct answer answer = transfer->answer;
        transfer_cb callback = transfer->callback;
        void *arg = transfer->arg;
        transfer->process = NULL;
        if (!transfer->travels)
            drop(at);
        callback(&answer, arg);
        return true;
    }
    return false;
}

/* Time does not pass over what must happen before. */
int64_t network_next_ms(void)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < count; i++) {
        const struct transfer *transfer = transfers[i];
        int64_t at = transfer->began_ms + TIMEOUT_MS - 100;
        if (transfer->travels && transfer->fate == LATE)
            at = transfer->began_ms + TIMEOUT_MS + LATE_MS;
        else if (!transfer->travels && transfer->answer_ms > 0)
            at = transfer->answer_ms;
        if (at < next)
            next = at;
    }
    return next;
}
