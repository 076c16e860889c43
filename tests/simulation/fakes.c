/* fakes.c: what the programs find around them: clocks, the loop's timers, the store, and what only watches. See simulation.h. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "alert.h"
#include "belt.h"
#include "clock.h"
#include "conf.h"
#include "credential.h"
#include "mem.h"
#include "service.h"
#include "simulation.h"
#include "stats.h"
#include "store.h"
#include "worker/sharing.h"
#include "worker/worker.h"

/* ── time and chance ── */

#define MONO_BEHIND_MS INT64_C(1699000000000)

int64_t clock_db_ms(void)
{
    return world.now_ms;
}

int64_t clock_mono_ms(void)
{
    return world.now_ms - MONO_BEHIND_MS;
}

int64_t clock_mono_us(void)
{
    return clock_mono_ms() * 1000;
}

int64_t clock_wall_ms(void)
{
    return world.now_ms;
}

int64_t clock_wall_us(void)
{
    return world.now_ms * 1000;
}

int64_t clock_db_offset_ms(void)
{
    return 0;
}

void clock_set_db_offset_ms(int64_t offset_ms)
{
    (void)offset_ms;
}

/* The linker leads calls of these here (--wrap). */
void __wrap_uuid_v7(struct uuid *uuid, int64_t unix_ms);
void __wrap_uuid_v7(struct uuid *uuid, int64_t unix_ms)
{
    (void)unix_ms;
    sim_uuid(uuid, 0x80000000u | ++world.ids);
}

void __wrap_digest_random(void *bytes, size_t len);
void __wrap_digest_random(void *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += 8) {
        uint64_t word = chance_next();
        memcpy((char *)bytes + at, &word, len - at < 8 ? len - at : 8);
    }
}

ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags)
{
    (void)flags;
    memset(bytes, 42, len);
    return (ssize_t)len;
}

/* ── timers ── */

struct event {
    struct process *process;
    event_callback_fn callback;
    void *arg;
    bool pending;
    int64_t due_ms;
    int64_t every_ms; /* 0: once */
};
static struct event **timers;
static size_t timer_count, timer_cap;

void timers_reset(void)
{
    timers = NULL;
    timer_count = timer_cap = 0;
}

static struct event *timer_new(void *base, event_callback_fn callback, void *arg)
{
    struct event *event = mem_alloc(sizeof *event);

    *event = (struct event){.process = base, .callback = callback, .arg = arg};
    if (timer_count == timer_cap) {
        timer_cap = timer_cap ? 2 * timer_cap : 32;
        timers = mem_realloc(timers, timer_cap * sizeof *timers);
    }
    return timers[timer_count++] = event;
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn callback,
                        void *arg)
{
    (void)fd;
    (void)what;
    return timer_new(base, callback, arg);
}

int event_add(struct event *event, const struct timeval *after)
{
    event->pending = true;
    event->due_ms = world.now_ms + after->tv_sec * 1000 + after->tv_usec / 1000;
    return 0;
}

int event_del(struct event *event)
{
    event->pending = false;
    return 0;
}

int event_pending(const struct event *event, short what, struct timeval *when)
{
    (void)when;
    return event->pending ? what : 0;
}

void event_free(struct event *event)
{
    event->pending = false;
}

bool timers_fire(void)
{
    size_t from = timer_count ? chance_below((unsigned)timer_count) : 0;

    for (size_t i = 0; i < timer_count; i++) {
        struct event *event = timers[(from + i) % timer_count];
        if (!event->pending || event->due_ms > world.now_ms)
            continue;
        event->pending = event->every_ms > 0;
        event->due_ms = world.now_ms + event->every_ms;
        event->callback(-1, 0, event->arg);
        return true;
    }
    return false;
}

int64_t timers_next_ms(void)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < timer_count; i++)
        if (timers[i]->pending && timers[i]->due_ms < next && timers[i]->every_ms == 0)
            next = timers[i]->due_ms;
    return next;
}

void timers_forget(const struct process *process)
{
    for (size_t i = 0; i < timer_count;)
        if (timers[i]->process == process)
            timers[i] = timers[--timer_count];
        else
            i++;
}

/* ── service and store: both are the process ── */

struct event_base *service_base(struct service *service)
{
    return (struct event_base *)service;
}

struct conf *service_conf(struct service *service)
{
    (void)service;
    return &the_conf;
}

const char *service_instance(struct service *service)
{
    return ((struct process *)service)->instance;
}

struct every {
    service_hook hook;
    void *arg;
};

static void every_cb(evutil_socket_t fd, short what, void *arg)
{
    struct every *every = arg;

    (void)fd;
    (void)what;
    every->hook(every->arg);
}

/* The router's is about scheduled events: there are none. */
void service_every(struct service *service, int64_t interval_ms, service_hook hook, void *arg)
{
    struct every *every;
    struct event *event;

    if (((struct process *)service)->stage >= SIDES)
        return;
    every = mem_alloc(sizeof *every);
    *every = (struct every){hook, arg};
    event = timer_new(service, every_cb, every);
    event->every_ms = interval_ms;
    event->due_ms = world.now_ms + interval_ms;
    event->pending = true;
}

struct db *store_db(struct store *store)
{
    return (struct db *)store;
}

bool store_up(const struct store *store)
{
    (void)store;
    return true;
}

void store_on_state(struct store *store, void (*hook)(bool up, void *arg), void *arg)
{
    (void)store;
    (void)hook;
    (void)arg;
}

const uint8_t *store_fingerprint_key(const struct store *store)
{
    static const uint8_t key[32] = {1};

    (void)store;
    return key;
}

int64_t store_partitions(const struct store *store)
{
    (void)store;
    return 1;
}

/* ── what only watches ── */

struct stat *stats_register(enum stats_kind kind, const char *name, const char *labels, const char *help)
{
    (void)kind;
    (void)name;
    (void)labels;
    (void)help;
    return NULL;
}

void stats_add(struct stat *stat, int64_t delta)
{
    (void)stat;
    (void)delta;
}

void stats_set(struct stat *stat, int64_t value)
{
    (void)stat;
    (void)value;
}

void stats_observe_us(struct stat *stat, int64_t us)
{
    (void)stat;
    (void)us;
}

struct belt_activity *belt_activity_new(struct event_base *base, struct stream *stream, int64_t max_lines)
{
    (void)base;
    (void)stream;
    (void)max_lines;
    return NULL;
}

void belt_activity_free(struct belt_activity **activity)
{
    (void)activity;
}

void belt_activity_add(struct belt_activity *activity, const struct ref *ref, const char *state,
                       const char *platform)
{
    (void)activity;
    (void)ref;
    (void)state;
    (void)platform;
}

struct alerts *alerts_new(struct event_base *base, struct store *store, struct stream *belt,
                          const char *scope)
{
    (void)base;
    (void)store;
    (void)belt;
    (void)scope;
    return NULL;
}

void alerts_free(struct alerts **alerts)
{
    (void)alerts;
}

void alerts_raise(struct alerts *alerts, const struct alert *alert)
{
    (void)alerts;
    (void)alert;
}

void alerts_resolve(struct alerts *alerts, const char *key, const char *note)
{
    (void)alerts;
    (void)key;
    (void)note;
}

void alerts_resolve_own(struct alerts *alerts, const char *key, const char *note)
{
    alerts_resolve(alerts, key, note);
}

bool alerts_any(const struct alerts *alerts)
{
    (void)alerts;
    return false;
}

void alerts_refresh(struct alerts *alerts)
{
    (void)alerts;
}

void credential_add(struct credential *credential, const struct conf *conf, const struct platform *platform,
                    struct buf *header)
{
    (void)credential;
    (void)conf;
    (void)platform;
    buf_add_str(header, "Authorization: none");
}

void credential_release(struct credential *credential)
{
    (void)credential;
}

void credential_sign(const char *secret, const char *id, int64_t timestamp_s, const struct buf *body,
                     struct buf *header)
{
    (void)secret;
    (void)id;
    (void)timestamp_s;
    (void)body;
    buf_add_str(header, "webhook-signature: none");
}

/* Each worker has its gate for itself. */
struct sharing *sharing_new(struct worker *worker)
{
    (void)worker;
    return NULL;
}

void sharing_free(struct sharing **sharing)
{
    (void)sharing;
}

void sharing_beat_in(struct worker *worker, int64_t ms)
{
    (void)worker;
    (void)ms;
}

void sharing_hold(struct worker *worker, int64_t wait_ms)
{
    (void)worker;
    (void)wait_ms;
}

void sharing_look(struct worker *worker)
{
    (void)worker;
}

void sharing_leave(struct worker *worker, void (*left)(struct worker *worker))
{
    left(worker);
}
