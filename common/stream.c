/*
 * stream.c: the connection to Redis, and the only door to hiredis.
 *
 *            retry timer            every greeting answered
 *   WAITING ------------> GREETING ------------------------> UP
 *      ^                     |                                |
 *      +---------------------+--------------------------------+
 *        refused, closed, wrong password, no answer in time
 *
 * Replies come in the order of the commands, so that `sent` is a plain queue: each reply belongs to its head.
 * When a connection is given up its context's data becomes NULL: whatever hiredis still calls for it is ignored, and its
 * commands are answered NULL from the loop, never from within stream_send. The library has no time-outs; the watch is ours.
 *
 * Host names are resolved while connecting, and block: name Redis by address, or keep a resolver near.
 */
#include <event2/event.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "stream_internal.h"

#include "clock.h"
#include "log.h"
#include "mem.h"

#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 2000
#define COMPLAIN_EVERY_MS 60000
#define OUT_KEEP (256u << 10) /* of the writing buffer between commands */
#define FREE_ROUNDS 1000      /* commands sent by those that stream_free answers */

enum state { STATE_WAITING, STATE_GREETING, STATE_UP, STATE_FREEING };
static const char *const state_names[] = {"waiting", "greeting", "up", "freeing"};

/* A script that was used: told to Redis at every connect, so that EVALSHA suffices. Owner: the stream. */
struct script {
    struct script *next;
    const char *lua;
    char sha[41]; /* "" until Redis named it */
    bool asked;
};

struct stream {
    struct event_base *base;
    struct stream_url url;
    char *name;
    int64_t timeout_ms;
    unsigned waiting_max;
    enum state state;
    redisAsyncContext *context; /* NULL while WAITING */
    struct stream_queue sent, refused;
    struct script *scripts;
    struct event *retry, *watch, *answers;
    int64_t retry_ms;
    char complaint[160]; /* the last one logged, and when */
    int64_t complained_ms;
    struct buf out;
    void (*hook)(bool up, void *arg);
    void *hook_arg;
    bool mute;  /* the connection took no command: it is given up at the watch's next turn */
    bool *gone; /* set by stream_end for the loop that answers */
    bool freeing;
};

static void learn_script(struct stream *stream, struct script *script);

static void arm(struct event *timer, int64_t ms)
{
    struct timeval after = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(timer, &after);
}

static void enter(struct stream *stream, enum state state)
{
    log_debug("redis connection", LOG_STR("from", state_names[stream->state]),
              LOG_STR("to", state_names[state]));
    stream->state = state;
}

/* Says why Redis is away: each new reason at once, the same one every minute. */
static void complain(struct stream *stream, const char *why)
{
    int64_t now = clock_mono_ms();
    bool same = strncmp(stream->complaint, why, sizeof(stream->complaint) - 1) == 0;
    if (same && now - stream->complained_ms < COMPLAIN_EVERY_MS)
        return;
    snprintf(stream->complaint, sizeof(stream->complaint), "%s", why);
    stream->complained_ms = now;
    log_warn("redis away", LOG_STR("why", stream->complaint),
             LOG_STR("at", stream->url.host ? stream->url.host : stream->url.path),
             LOG_INT("port", stream->url.port));
}

static void retry_later(struct stream *stream)
{
    uint32_t random;
    evutil_secure_rng_get_bytes(&random, sizeof(random));
    arm(stream->retry, stream->retry_ms / 2 + random % (stream->retry_ms / 2 + 1));
    stream->retry_ms = stream->retry_ms * 2 < RETRY_MAX_MS ? stream->retry_ms * 2 : RETRY_MAX_MS;
}

static void answer(struct stream_command *command, const redisReply *reply)
{
    stream_cb callback = command->callback;
    void *arg = command->arg;
    stream_command_free(&command);
    if (callback)
        callback((const struct stream_reply *)reply, arg);
}

static void refuse(struct stream *stream, struct stream_command *command)
{
    stream_queue_push(&stream->refused, command);
    if (stream->state != STATE_FREEING && !evtimer_pending(stream->answers, NULL))
        arm(stream->answers, 0);
}

static void on_answers(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct stream *stream = arg;
    bool gone = false;
    stream->gone = &gone;
    /* Only those there are now: what their callbacks send waits for the next turn. */
    for (unsigned n = stream->refused.count; n > 0 && !gone; n--)
        answer(stream_queue_pop(&stream->refused), NULL);
    if (gone)
        return;
    stream->gone = NULL;
    if (stream->refused.count)
        arm(stream->answers, 0);
}

/* Gives the connection up. hang_up is false where hiredis is closing it already. The hook may free the stream. */
static void lose(struct stream *stream, const char *why, bool hang_up)
{
    redisAsyncContext *context = stream->context;
    bool was_up = stream->state == STATE_UP;
    complain(stream, why);
    context->data = NULL;
    stream->context = NULL;
    enter(stream, STATE_WAITING);
    for (struct stream_command *command; (command = stream_queue_pop(&stream->sent));)
        refuse(stream, command);
    evtimer_del(stream->watch);
    retry_later(stream);
    if (hang_up)
        redisAsyncFree(context);
    if (was_up && stream->hook)
        stream->hook(false, stream->hook_arg);
}

static const char *error_of(const redisAsyncContext *context)
{
    return context->c.errstr[0] ? context->c.errstr : "the connection was closed";
}

static struct script *find_script(struct stream *stream, const char *lua)
{
    struct script *script = stream->scripts;
    while (script && script->lua != lua)
        script = script->next;
    if (!script) {
        script = mem_alloc(sizeof(*script));
        script->lua = lua;
        script->next = stream->scripts;
        stream->scripts = script;
    }
    return script;
}

static void on_reply(redisAsyncContext *context, void *reply, void *unused);

static void transmit(struct stream *stream, struct stream_command *command, const char *sha)
{
    stream_command_write(command, sha, &stream->out);
    int failed =
        redisAsyncFormattedCommand(stream->context, on_reply, NULL, stream->out.data, stream->out.len);
    if (stream->out.cap > OUT_KEEP)
        buf_release(&stream->out);
    buf_reset(&stream->out);
    if (!command->script)
        buf_release(&command->words);
    if (failed) {
        arm(stream->watch, 0); /* given up from the loop: who sends must not be called back */
        stream->mute = true;
        refuse(stream, command);
        return;
    }
    command->sent_ms = clock_mono_ms();
    stream_queue_push(&stream->sent, command);
    if (!evtimer_pending(stream->watch, NULL))
        arm(stream->watch, stream->timeout_ms);
}

/* One reply. Nothing is touched after the callback: it may have freed the stream. */
static void on_reply(redisAsyncContext *context, void *reply, void *unused)
{
    (void)unused;
    struct stream *stream = context->data;
    if (!stream)
        return;
    if (!reply) {
        lose(stream, error_of(context), false);
        return;
    }
    struct stream_command *command = stream_queue_pop(&stream->sent);
    if (!command)
        bug("Redis answered a command that was never sent");
    if (command->script && reply_is_error(reply, "NOSCRIPT")) { /* SCRIPT FLUSH */
        struct script *script = find_script(stream, command->script);
        learn_script(stream, script);
        transmit(stream, command, "");
        return;
    }
    answer(command, reply);
}

/* The oldest command has waited too long: Redis hangs, or the network swallows. All later ones would wait behind it. */
static void on_watch(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct stream *stream = arg;
    if (!stream->sent.head && !stream->mute)
        return;
    int64_t left = stream->mute ? 0 : stream->sent.head->sent_ms + stream->timeout_ms - clock_mono_ms();
    if (left > 0)
        arm(stream->watch, left);
    else
        lose(stream, stream->mute ? "a command could not be sent" : "no answer in time", true);
}

static void on_connect(const redisAsyncContext *context, int status)
{
    if (status != REDIS_OK && context->data)
        lose(context->data, error_of(context), false);
}

static void on_disconnect(const redisAsyncContext *context, int status)
{
    (void)status;
    if (context->data)
        lose(context->data, error_of(context), false);
}

/* Sends one of our own commands, past the ceiling. */
static void send_own(struct stream *stream, struct stream_command *command, stream_cb callback, void *arg)
{
    command->callback = callback;
    command->arg = arg;
    transmit(stream, command, "");
}

static void on_script_loaded(const struct stream_reply *reply, void *arg)
{
    struct script *script = arg;
    size_t len = 0;
    const char *sha = reply_text(reply, &len);
    script->asked = false;
    if (sha && reply_type(reply) == REPLY_TEXT && len == sizeof(script->sha) - 1)
        memcpy(script->sha, sha, sizeof(script->sha));
}

static void learn_script(struct stream *stream, struct script *script)
{
    if (script->asked)
        return;
    script->asked = true;
    script->sha[0] = '\0';
    struct stream_command *command = stream_command("SCRIPT");
    stream_add(command, "LOAD");
    stream_add(command, script->lua);
    send_own(stream, command, on_script_loaded, script);
}

/* AUTH and SELECT must succeed: without them commands would be refused, or reach another database. */
static void on_required(const struct stream_reply *reply, void *arg)
{
    struct stream *stream = arg;
    if (reply_is_error(reply, NULL) && stream->context)
        lose(stream, reply_text(reply, NULL), true);
}

/* The last greeting. It is refused while Redis loads its file, and without a password that it wants. */
static void on_ping(const struct stream_reply *reply, void *arg)
{
    struct stream *stream = arg;
    if (!reply || stream->state != STATE_GREETING)
        return;
    if (reply_is_error(reply, "NOAUTH") || reply_is_error(reply, "LOADING")) {
        lose(stream, reply_text(reply, NULL), true);
        return;
    }
    stream->retry_ms = RETRY_MIN_MS;
    stream->complaint[0] = '\0';
    enter(stream, STATE_UP);
    if (stream->hook)
        stream->hook(true, stream->hook_arg);
}

static void greet(struct stream *stream)
{
    struct stream_command *command;
    if (stream->url.password) {
        command = stream_command("AUTH");
        if (stream->url.user)
            stream_add(command, stream->url.user);
        stream_add(command, stream->url.password);
        send_own(stream, command, on_required, stream);
    }
    if (stream->url.database) {
        command = stream_command("SELECT");
        stream_add_int(command, stream->url.database);
        send_own(stream, command, on_required, stream);
    }
    send_own(stream, stream_command_setname(stream->name), NULL, NULL);
    for (struct script *script = stream->scripts; script; script = script->next)
        learn_script(stream, script);
    send_own(stream, stream_command("PING"), on_ping, stream);
}

static void connect_now(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct stream *stream = arg;
    const struct stream_url *url = &stream->url;
    redisAsyncContext *context =
        url->host ? redisAsyncConnect(url->host, url->port) : redisAsyncConnectUnix(url->path);
    if (!context)
        fatal("out of memory");
    if (context->err || redisLibeventAttach(context, stream->base) != REDIS_OK) {
        complain(stream, error_of(context));
        redisAsyncFree(context);
        retry_later(stream);
        return;
    }
    context->data = stream;
    stream->mute = false;
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
    stream->context = context;
    enter(stream, STATE_GREETING);
    greet(stream);
}

struct stream *stream_new(struct event_base *base, const struct stream_config *config)
{
    const char *why = NULL;
    struct stream *stream = mem_alloc(sizeof(*stream));
    if (stream_url_parse(&stream->url, config->url, &why))
        fatal("%s", why);
    if (config->timeout_ms <= 0 || config->waiting_max == 0)
        bug("a stream needs a time-out and a ceiling");
    stream->base = base;
    stream->name = mem_strdup(config->name);
    stream->timeout_ms = config->timeout_ms;
    stream->waiting_max = config->waiting_max;
    stream->retry_ms = RETRY_MIN_MS;
    stream_queue_init(&stream->sent);
    stream_queue_init(&stream->refused);
    buf_init(&stream->out);
    stream->retry = evtimer_new(base, connect_now, stream);
    stream->watch = evtimer_new(base, on_watch, stream);
    stream->answers = evtimer_new(base, on_answers, stream);
    if (!stream->retry || !stream->watch || !stream->answers)
        fatal("out of memory");
    arm(stream->retry, 0);
    return stream;
}

/* Everything in flight is answered NULL, and what those callbacks send in turn as well. */
static void answer_all(struct stream *stream)
{
    for (struct stream_command *command; (command = stream_queue_pop(&stream->sent));)
        stream_queue_push(&stream->refused, command);
    unsigned limit = stream->refused.count + FREE_ROUNDS;
    for (struct stream_command *command; (command = stream_queue_pop(&stream->refused));) {
        answer(command, NULL);
        if (limit-- == 0)
            bug("commands are sent for ever while their stream is being freed");
    }
}

void stream_end(struct stream *stream)
{
    if (stream->state == STATE_FREEING)
        return;
    enter(stream, STATE_FREEING);
    evtimer_del(stream->retry);
    evtimer_del(stream->watch);
    evtimer_del(stream->answers);
    if (stream->gone)
        *stream->gone = true;
    if (stream->context) {
        stream->context->data = NULL;
        redisAsyncFree(stream->context);
    }
    answer_all(stream);
}

void stream_free(struct stream **stream_pointer)
{
    struct stream *stream = *stream_pointer;
    if (!stream || stream->freeing)
        return;
    stream->freeing = true;
    stream_end(stream);
    answer_all(stream);
    event_free(stream->retry);
    event_free(stream->watch);
    event_free(stream->answers);
    for (struct script *script; (script = stream->scripts);) {
        stream->scripts = script->next;
        free(script);
    }
    stream_url_release(&stream->url);
    buf_release(&stream->out);
    free(stream->name);
    free(stream);
    *stream_pointer = NULL;
}

bool stream_up(const struct stream *stream)
{
    return stream->state == STATE_UP;
}

void stream_on_state(struct stream *stream, void (*hook)(bool up, void *arg), void *arg)
{
    stream->hook = hook;
    stream->hook_arg = arg;
}

void stream_send(struct stream *stream, struct stream_command *command, stream_cb callback, void *arg)
{
    command->callback = callback;
    command->arg = arg;
    if (command->too_big)
        log_error("redis command too big", LOG_INT("bytes_max", STREAM_COMMAND_MAX));
    if (stream->state != STATE_UP || command->too_big ||
        stream->sent.count + stream->refused.count >= stream->waiting_max) {
        refuse(stream, command);
        return;
    }
    struct script *script = command->script ? find_script(stream, command->script) : NULL;
    if (script && !*script->sha)
        learn_script(stream, script);
    transmit(stream, command, script ? script->sha : "");
}
