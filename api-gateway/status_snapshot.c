/* status_snapshot.c: asks PostgreSQL and Redis how the service is, at most once a second; see status_snapshot.h. */
#include "status_snapshot.h"

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "msg.h"
#include "sql.h"

struct waiter {
    struct waiter *next;
    snapshot_cb callback;
    void *arg;
};

/* The sets of all streams, while they are being counted. Owner: the last answer. */
struct count {
    struct snapshots *snapshots; /* NULL: nobody wants it any more */
    size_t open;
    bool failed;
    struct snapshot_stream *streams;
    size_t stream_count;
};

/* One set's answer. */
struct part {
    struct count *count;
    struct snapshot_stream *stream;
};

struct snapshots {
    struct gateway *gateway;
    struct snapshot last;
    int64_t taken_ms; /* of the last one that was complete */
    unsigned parts;   /* answers still due */
    struct waiter *waiters;
    struct event *timer;
    struct count *count;
};

static void tell_waiters(struct snapshots *snapshots, const struct snapshot *snapshot)
{
    struct waiter *waiter = snapshots->waiters;
    snapshots->waiters = NULL;
    while (waiter) {
        struct waiter *next = waiter->next;
        waiter->callback(snapshot, waiter->arg);
        free(waiter);
        waiter = next;
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct snapshots *snapshots = arg;
    tell_waiters(snapshots, &snapshots->last);
}

static void end_part(struct snapshots *snapshots)
{
    if (--snapshots->parts > 0)
        return;
    snapshots->taken_ms = clock_mono_ms();
    evtimer_del(snapshots->timer);
    tell_waiters(snapshots, &snapshots->last);
}

/* ---- PostgreSQL ---- */

static void take_text(struct buf *buf, const struct db_result *result, const char *column)
{
    size_t len;
    const char *text = db_get_text(result, 0, db_column(result, column), &len);
    buf_reset(buf);
    buf_add(buf, text, len);
}

static void take_rows(struct snapshot *last, const struct db_result *result)
{
    last->waiting = db_get_int(result, 0, db_column(result, "waiting"));
    last->backoff = db_get_int(result, 0, db_column(result, "backoff"));
    last->pending = db_get_int(result, 0, db_column(result, "pending"));
    last->processing = db_get_int(result, 0, db_column(result, "processing"));
    last->active = db_get_bool(result, 0, db_column(result, "active"));
    take_text(&last->replicas, result, "replicas");
    take_text(&last->stages, result, "stages");
    take_text(&last->leases, result, "leases");
    take_text(&last->platforms, result, "platforms");
}

static void on_rows(enum db_status status, const struct db_result *result, void *arg)
{
    struct snapshots *snapshots = arg;
    snapshots->last.database_answers = status == DB_OK;
    if (status == DB_OK)
        take_rows(&snapshots->last, result);
    else if (status == DB_REFUSED)
        log_error("status cannot be read", LOG_STR("sqlstate", db_sqlstate(result)),
                  LOG_STR("error", db_message(result)));
    if (status != DB_OK)
        snapshots->last.active = false;
    end_part(snapshots);
}

/* ---- Redis ---- */

static void count_end(struct count *count)
{
    struct snapshots *snapshots = count->snapshots;
    if (snapshots) {
        snapshots->count = NULL;
        snapshots->last.belt_answers = !count->failed;
        free(snapshots->last.streams);
        snapshots->last.streams = count->streams;
        snapshots->last.stream_count = count->stream_count;
    } else {
        free(count->streams);
    }
    free(count);
    if (snapshots)
        end_part(snapshots);
}

static void on_size(const struct stream_reply *reply, void *arg)
{
    struct part part = *(struct part *)arg;
    free(arg);
    if (reply_type(reply) != REPLY_INT) {
        part.count->failed = true;
        part.stream->depth = -1;
    } else if (part.stream->depth >= 0) {
        part.stream->depth += reply_int(reply);
    }
    if (--part.count->open == 0)
        count_end(part.count);
}

static void ask_size(struct count *count, struct snapshot_stream *stream, const char *key)
{
    char set[MSG_KEY_MAX];
    struct part *part = mem_alloc(sizeof *part);
    struct stream_command *command = stream_command("SCARD");
    *part = (struct part){count, stream};
    msg_key_set(set, key);
    stream_add(command, set);
    count->open++;
    stream_send(count->snapshots->gateway->belt, command, on_size, part);
}

static void on_probe(const struct stream_reply *reply, void *arg)
{
    struct count *count = arg;
    char *why = count->snapshots ? count->snapshots->last.belt_refusal : NULL;
    const char *text = reply_is_error(reply, NULL) ? reply_text(reply, NULL) : "";
    if (why)
        snprintf(why, sizeof count->snapshots->last.belt_refusal, "%.*s", (int)strcspn(text, "\r\n"), text);
    if (--count->open == 0)
        count_end(count);
}

/* Redis counts a write of nothing as a write, and refuses it like any other; there is no key afterwards. */
static void ask_probe(struct count *count)
{
    struct stream_command *command = stream_command("SETRANGE");
    stream_add(command, PROTO_PROBE);
    stream_add_int(command, 0);
    stream_add(command, "");
    count->open++;
    stream_send(count->snapshots->gateway->belt, command, on_probe, count);
}

/* Asks every partition's stream of one name. platform NULL: the router's. */
static void ask_stream(struct count *count, const char *platform, enum priority priority)
{
    struct snapshot_stream *stream = &count->streams[count->stream_count++];
    int64_t partitions = store_partitions(count->snapshots->gateway->store);
    for (unsigned p = 0; p < (unsigned)partitions; p++) {
        char key[MSG_KEY_MAX];
        if (platform)
            msg_key_deliver(key, platform, priority, p);
        else
            msg_key_events(key, priority, p);
        if (p == 0)
            snprintf(stream->name, sizeof stream->name, "%.*s", (int)(strrchr(key, ':') - key), key);
        ask_size(count, stream, key);
    }
}

static void ask_belt(struct snapshots *snapshots)
{
    const struct platform_set *platforms = snapshots->gateway->platforms;
    struct count *count = mem_alloc(sizeof *count);
    count->snapshots = snapshots;
    count->streams = mem_array((platform_count(platforms) + 1) * PRIORITIES, sizeof *count->streams);
    snapshots->count = count;
    snapshots->parts++;
    ask_probe(count);
    for (enum priority priority = 0; priority < PRIORITIES; priority++)
        ask_stream(count, NULL, priority);
    for (size_t i = 0; i < platform_count(platforms); i++)
        for (enum priority priority = 0; priority < PRIORITIES; priority++)
            ask_stream(count, platform_name(platform_at(platforms, i)), priority);
}

/* ---- when ---- */

static void refresh(struct snapshots *snapshots)
{
    struct gateway *gateway = snapshots->gateway;
    snapshots->parts = 1; /* ours, until everything is asked */
    if (store_up(gateway->store)) {
        snapshots->parts++;
        db_query_tenant(store_db(gateway->store), AUTH_ALL_TENANTS, sql_status, NULL, on_rows, snapshots);
        if (stream_up(gateway->belt))
            ask_belt(snapshots);
    } else {
        snapshots->last.database_answers = snapshots->last.active = false;
    }
    end_part(snapshots);
}

void snapshots_ask(struct snapshots *snapshots, snapshot_cb callback, void *arg)
{
    static const struct timeval wait = {0, SNAPSHOT_WAIT_MS * 1000};
    bool fresh = snapshots->taken_ms > 0 && clock_mono_ms() - snapshots->taken_ms < SNAPSHOT_FRESH_MS;
    if (fresh && snapshots->parts == 0) {
        callback(&snapshots->last, arg);
        return;
    }
    struct waiter *waiter = mem_alloc(sizeof *waiter);
    *waiter = (struct waiter){snapshots->waiters, callback, arg};
    snapshots->waiters = waiter;
    if (!evtimer_pending(snapshots->timer, NULL))
        evtimer_add(snapshots->timer, &wait);
    if (snapshots->parts == 0)
        refresh(snapshots);
}

struct snapshots *snapshots_new(struct gateway *gateway)
{
    struct snapshots *snapshots = mem_alloc(sizeof *snapshots);
    snapshots->gateway = gateway;
    snapshots->timer = evtimer_new(service_base(gateway->service), on_timer, snapshots);
    buf_init(&snapshots->last.replicas);
    buf_init(&snapshots->last.stages);
    buf_init(&snapshots->last.leases);
    buf_init(&snapshots->last.platforms);
    return snapshots;
}

/* After the store is gone and before the belt: counts still open end with the belt and find nobody. */
void snapshots_free(struct snapshots **snapshots)
{
    struct snapshot *last = &(*snapshots)->last;
    tell_waiters(*snapshots, NULL);
    if ((*snapshots)->count)
        (*snapshots)->count->snapshots = NULL;
    event_free((*snapshots)->timer);
    buf_release(&last->replicas);
    buf_release(&last->stages);
    buf_release(&last->leases);
    buf_release(&last->platforms);
    free(last->streams);
    free(*snapshots);
    *snapshots = NULL;
}
