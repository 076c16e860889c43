/*
 * stage_handover.c: replicas of a stage tell one another that partitions were given back, or that a new one is there, so that the
 * next owner has them at once instead of with its next beat.
 *
 * handover:<stage> is a stream of one entry; whoever sees a new one sends a beat. PostgreSQL alone says what is free: news that
 * is lost costs a second, news that is wrong costs a beat.
 */
#include "stage_internal.h"

#define NEWS_BLOCK_MS 4000
#define NEWS_TIMEOUT_MS 10000

static void listen_for_news(struct stage *stage);

static void on_news(const struct stream_reply *reply, void *arg)
{
    static const struct timeval second = {1, 0};
    struct stage *stage = arg;
    const struct stream_reply *entries = reply_at(reply_at(reply, 0), 1);
    const char *id = reply_text(reply_at(reply_at(entries, 0), 0), NULL);

    if (id) {
        snprintf(stage->news_last, sizeof stage->news_last, "%s", id);
        stage_beat(stage);
    }
    if (reply && reply_is_error(reply, NULL))
        evtimer_add(stage->news_rest, &second); /* loading, or the key is of another type */
    else if (reply)
        listen_for_news(stage);
}

static void listen_for_news(struct stage *stage)
{
    struct stream_command *command = stream_command("XREAD");

    stream_add(command, "BLOCK");
    stream_add_int(command, NEWS_BLOCK_MS);
    stream_add(command, "STREAMS");
    stream_add(command, stage->news_key);
    stream_add(command, stage->news_last);
    stream_send(stage->news, command, on_news, stage);
}

static void rest_over(evutil_socket_t fd, short what, void *arg)
{
    struct stage *stage = arg;

    (void)fd;
    (void)what;
    if (stream_up(stage->news))
        listen_for_news(stage);
}

/* After a loss of Redis ids may begin anew: only what is said from now on counts. */
static void on_state(bool up, void *arg)
{
    struct stage *stage = arg;

    evtimer_del(stage->news_rest);
    snprintf(stage->news_last, sizeof stage->news_last, "$");
    if (up)
        listen_for_news(stage);
}

static void on_told(const struct stream_reply *reply, void *arg)
{
    struct stage *stage = arg;

    (void)reply; /* refused for lack of memory, or lost: the others beat every second */
    stage->telling = false;
    stage_told(stage);
}

void stage_handover_tell(struct stage *stage)
{
    struct stream_command *command;

    if (stage->telling || !stream_up(stage->belt))
        return;
    stage->telling = true;
    command = stream_command("XADD");
    stream_add(command, stage->news_key);
    stream_add(command, "MAXLEN");
    stream_add(command, "1");
    stream_add(command, "*");
    stream_add(command, "by");
    stream_add(command, service_instance(stage->service));
    stream_send(stage->belt, command, on_told, stage);
}

void stage_handover_start(struct stage *stage)
{
    char name[80];
    struct stream_config config = {.url = service_conf(stage->service)->redis_url,
                                   .name = name,
                                   .timeout_ms = NEWS_TIMEOUT_MS,
                                   .waiting_max = 4};

    snprintf(stage->news_key, sizeof stage->news_key, PROTO_HANDOVER ":%s", stage->spec.name);
    snprintf(name, sizeof name, "%s-handover", stage->spec.name);
    stage->news_rest = evtimer_new(stage->base, rest_over, stage);
    stage->news = stream_new(stage->base, &config);
    stream_on_state(stage->news, on_state, stage);
}

void stage_handover_stop(struct stage *stage)
{
    stream_free(&stage->news);
    event_free(stage->news_rest);
}
