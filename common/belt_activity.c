/*
 * belt_activity.c: the activity stream: lines are gathered for a few milliseconds and leave 64 to an entry.
 *
 * Best effort: it tells people what happens, and nothing depends on it. Lines are dropped while Redis is away,
 * and the oldest ones when it cannot keep up. Free it before its stream; entries in flight are then answered to
 * nobody.
 */
#include "belt.h"

#include <event2/event.h>

#include "belt_repair.h"
#include "clock.h"
#include "log.h"
#include "mem.h"

#define FLUSH_AFTER_MS 5
#define WAITING_MAX 10000 /* lines */
#define IN_FLIGHT_MAX 16  /* entries: the connection is there for the belt first */
#define COMPLAIN_EVERY_MS 60000

struct line {
    struct line *next;
    size_t len;
    char text[];
};

struct belt_activity {
    struct stream *stream; /* NULL once freed: entries in flight keep the rest until they are answered */
    int64_t max_lines;
    int64_t packed_16ths; /* lines of an entry as of late: an idle service packs one, a busy one 64 */
    struct event *flush;
    struct line *head, **tail;
    unsigned waiting;
    unsigned in_flight;
    int64_t dropped, dropped_logged;
    int64_t complained_ms;
    struct buf json;
};

static struct line *pop(struct belt_activity *activity)
{
    struct line *line = activity->head;
    activity->head = line->next;
    if (!activity->head)
        activity->tail = &activity->head;
    activity->waiting--;
    return line;
}

static void drop(struct belt_activity *activity)
{
    free(pop(activity));
    activity->dropped++;
}

static void complain(struct belt_activity *activity)
{
    int64_t now = clock_mono_ms();
    if (activity->dropped == activity->dropped_logged || now - activity->complained_ms < COMPLAIN_EVERY_MS)
        return;
    log_warn("activity dropped", LOG_INT("lines", activity->dropped - activity->dropped_logged));
    activity->dropped_logged = activity->dropped;
    activity->complained_ms = now;
}

static void arm(struct belt_activity *activity)
{
    struct timeval after = {0, FLUSH_AFTER_MS * 1000};
    if (!evtimer_pending(activity->flush, NULL))
        evtimer_add(activity->flush, &after);
}

static void on_added(const struct stream_reply *reply, void *arg)
{
    struct belt_activity *activity = arg;
    activity->in_flight--;
    if (!activity->stream) {
        if (activity->in_flight == 0)
            free(activity);
        return;
    }
    if (reply_is_error(reply, "WRONGTYPE"))
        belt_set_aside(activity->stream, &(struct belt_name){PROTO_ACTIVITY, "stream"}, 1, NULL, NULL);
    if (reply_is_error(reply, NULL))
        belt_refused("activity", reply_text(reply, NULL));
    if (activity->waiting)
        arm(activity);
}

/* Redis counts entries, the ceiling counts lines: packed entries are 64 times as large. */
static int64_t max_entries(struct belt_activity *activity)
{
    int64_t lines = activity->waiting < PROTO_REFS_MAX ? activity->waiting : PROTO_REFS_MAX;
    activity->packed_16ths += lines - activity->packed_16ths / 16;
    return activity->max_lines * 16 / activity->packed_16ths + 1;
}

static void send_entry(struct belt_activity *activity)
{
    struct stream_command *command = stream_command("XADD");
    stream_add(command, PROTO_ACTIVITY);
    stream_add(command, "MAXLEN");
    stream_add(command, "~");
    stream_add_int(command, max_entries(activity));
    stream_add(command, "*");
    stream_add(command, PROTO_FIELD_VERSION);
    stream_add_int(command, PROTO_ENTRY_VERSION);
    for (unsigned n = 0; n < PROTO_REFS_MAX && activity->head; n++) {
        struct line *line = pop(activity);
        stream_add(command, PROTO_FIELD_ACTIVITY);
        stream_add_len(command, line->text, line->len);
        free(line);
    }
    activity->in_flight++;
    stream_send(activity->stream, command, on_added, activity);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct belt_activity *activity = arg;
    while (activity->head && !stream_up(activity->stream))
        drop(activity);
    while (activity->head && activity->in_flight < IN_FLIGHT_MAX)
        send_entry(activity);
    complain(activity);
}

struct belt_activity *belt_activity_new(struct event_base *base, struct stream *stream, int64_t max_lines)
{
    struct belt_activity *activity = mem_alloc(sizeof(*activity));
    activity->stream = stream;
    activity->max_lines = max_lines;
    activity->packed_16ths = 16;
    activity->tail = &activity->head;
    activity->complained_ms = clock_mono_ms() - COMPLAIN_EVERY_MS;
    buf_init(&activity->json);
    activity->flush = evtimer_new(base, on_flush, activity);
    if (!activity->flush)
        fatal("out of memory");
    return activity;
}

void belt_activity_free(struct belt_activity **activity_pointer)
{
    struct belt_activity *activity = *activity_pointer;
    if (!activity)
        return;
    *activity_pointer = NULL;
    on_flush(-1, 0, activity);
    while (activity->head)
        drop(activity);
    event_free(activity->flush);
    buf_release(&activity->json);
    activity->stream = NULL;
    if (activity->in_flight == 0)
        free(activity);
}

static void write_line(struct buf *json, const struct ref *ref, const char *state, const char *platform)
{
    char event[UUID_TEXT_LEN + 1], record[UUID_TEXT_LEN + 1];
    uuid_format(&ref->event, event);
    uuid_format(&ref->record, record);
    buf_reset(json);
    buf_addf(json, "{\"t\":%lld,\"event\":\"%s\",\"tenant\":", (long long)clock_db_ms(), event);
    buf_add_json(json, ref->tenant, strlen(ref->tenant));
    buf_addf(json, ",\"type\":\"%s\",\"state\":\"%s\"", msg_event_type_name(ref->type), state);
    if (platform) {
        buf_add_str(json, ",\"platform\":");
        buf_add_json(json, platform, strlen(platform));
    }
    buf_addf(json, ",\"record\":\"%s\"}", record);
}

void belt_activity_add(struct belt_activity *activity, const struct ref *ref, const char *state,
                       const char *platform)
{
    if (!stream_up(activity->stream)) {
        activity->dropped++;
        return;
    }
    if (activity->waiting == WAITING_MAX)
        drop(activity);
    write_line(&activity->json, ref, state, platform);
    struct line *line = mem_alloc(sizeof(*line) + activity->json.len);
    line->len = activity->json.len;
    memcpy(line->text, activity->json.data, line->len);
    *activity->tail = line;
    activity->tail = &line->next;
    activity->waiting++;
    arm(activity);
}
