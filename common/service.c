/*
 * service.c: the life of a service around its loop; see service.h.
 *
 *   service_new ──▶ starting ──all checks pass──▶ ready ◀──▶ not ready        (READY=1 the first time)
 *                       └──────────── TERM or INT ────────────▶ draining ──service_drained() or DRAIN_TIMEOUT──▶ ended
 *                                                                  └── a second TERM or INT ends the process at once
 */
#include "service.h"

#include <event2/event.h>
#include <signal.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "service_parts.h"
#include "version.h"

#define START_TICK_MS 100  /* how often readiness is asked until it is reached … */
#define READY_TICK_MS 1000 /* … and afterwards */

struct hook {
    struct hook *next;
    service_hook call;
    void *arg;
    struct event *timer; /* of service_every alone */
};

struct check {
    struct check *next;
    const char *name;
    service_ready_hook call;
    void *arg;
};

struct service {
    const struct service_spec *spec;
    struct conf conf;
    struct event_base *base;
    struct service_http *http;
    struct event *term, *interrupt, *hangup, *tick, *drain_end;
    struct hook *on_drain, *on_reload, *on_scrape, *timers;
    struct check *checks;
    bool ready, was_ready, draining;
    char instance[SERVICE_INSTANCE_LEN + 1];
};

static void libevent_log_cb(int severity, const char *message)
{
    if (severity >= EVENT_LOG_WARN)
        log_warn("libevent", LOG_STR("message", message));
}

static void libevent_fatal_cb(int code)
{
    bug("libevent gives up with %d", code);
}

static struct event_base *make_base(void)
{
    static const struct timeval turn = {
        0, 5000}; /* then it is looked whether something SERVICE_FIRST has come due */
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    event_set_log_callback(libevent_log_cb);
    event_set_fatal_callback(libevent_fatal_cb);
    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0 &&
        event_config_set_max_dispatch_interval(config, &turn, -1, SERVICE_FIRST + 1) == 0)
        base = event_base_new_with_config(config);
    if (!base || event_base_priority_init(base, SERVICE_FIRST + 2) != 0)
        fatal("the event loop cannot be made");
    event_config_free(config);
    return base;
}

static struct timeval interval(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* ---- readiness ---- */

bool service_readiness(struct service *service, struct buf *out)
{
    bool ready = !service->draining;
    struct buf list;

    buf_init(&list);
    for (struct check *check = service->checks; check; check = check->next) {
        bool passes = check->call(check->arg);

        if (list.len)
            buf_add_ch(&list, ',');
        buf_add_json(&list, check->name, strlen(check->name));
        buf_add_str(&list, passes ? ":true" : ":false");
        ready = ready && passes;
    }
    buf_addf(out, "{\"ready\":%s,\"checks\":{%s}}", ready ? "true" : "false", list.data);
    buf_release(&list);
    return ready;
}

static void tick_cb(evutil_socket_t fd, short what, void *arg)
{
    struct service *service = arg;
    struct timeval next;
    struct buf state;
    bool ready;

    (void)fd, (void)what;
    buf_init(&state);
    ready = service_readiness(service, &state);
    if (ready && !service->was_ready)
        service_notify("READY=1");
    if (ready && !service->ready)
        log_info("ready", LOG_STR("instance", service->instance));
    if (!ready && service->ready && !service->draining)
        log_warn("not ready", LOG_STR("state", state.data));
    service->ready = ready;
    service->was_ready = service->was_ready || ready;
    buf_release(&state);
    next = interval(service->was_ready ? READY_TICK_MS : START_TICK_MS);
    event_add(service->tick, &next);
}

/* ---- signals ---- */

static void end_at_once(int signal_number)
{
    _exit(128 + signal_number);
}

static void call_all(struct hook *hook)
{
    for (; hook; hook = hook->next)
        hook->call(hook->arg);
}

static void drain_end_cb(evutil_socket_t fd, short what, void *arg)
{
    struct service *service = arg;

    (void)fd, (void)what;
    log_warn("drain", LOG_STR("state", "cut off"), LOG_INT("after_ms", service->conf.drain_timeout));
    event_base_loopbreak(service->base);
}

static void term_cb(evutil_socket_t fd, short what, void *arg)
{
    struct service *service = arg;
    struct sigaction at_once = {.sa_handler = end_at_once};
    struct timeval limit = interval(service->conf.drain_timeout);

    (void)fd, (void)what;
    service->draining = true;
    event_del(service->term);
    event_del(service->interrupt);
    sigaction(SIGTERM, &at_once,
              NULL); /* a handler, not the default: process 1 of a container has no default */
    sigaction(SIGINT, &at_once, NULL);
    log_info("drain", LOG_STR("state", "begins"), LOG_INT("limit_ms", service->conf.drain_timeout));
    service_notify("STOPPING=1");
    event_add(service->drain_end, &limit);
    call_all(service->on_drain);
    if (!service->on_drain)
        service_drained(service);
}

static void log_sentences(const struct buf *sentences, const char *what)
{
    const char *line = sentences->data;

    while (*line) {
        char text[512];
        size_t len = strcspn(line, "\n");

        snprintf(text, sizeof text, "%.*s", (int)len, line);
        log_warn(what, LOG_STR("says", text));
        line += len + (line[len] == '\n');
    }
}

static void hangup_cb(evutil_socket_t fd, short what, void *arg)
{
    struct service *service = arg;
    struct buf errors;

    (void)fd, (void)what;
    buf_init(&errors);
    if (conf_reload(&service->conf, service->spec->program, &errors)) {
        log_sentences(&errors, "reload refused");
    } else {
        log_open(service->spec->name, service_log_level(&service->conf), service_log_format(&service->conf));
        log_set_lines_per_second((unsigned)service->conf.log_lines);
        log_sentences(&errors, "reload");
        call_all(service->on_reload);
        log_info("reload", LOG_STR("says", "done"));
    }
    buf_release(&errors);
}

static void watchdog_hook(void *arg)
{
    (void)arg;
    service_notify("WATCHDOG=1");
}

/* ---- building and freeing ---- */

static struct event *new_event(struct service *service, int fd, short what, event_callback_fn callback)
{
    struct event *event = event_new(service->base, fd, what, callback, service);

    if (!event)
        fatal("out of memory");
    return event;
}

static void watch_signals(struct service *service)
{
    service->term = new_event(service, SIGTERM, EV_SIGNAL | EV_PERSIST, term_cb);
    service->interrupt = new_event(service, SIGINT, EV_SIGNAL | EV_PERSIST, term_cb);
    service->hangup = new_event(service, SIGHUP, EV_SIGNAL | EV_PERSIST, hangup_cb);
    service->drain_end = new_event(service, -1, 0, drain_end_cb);
    service->tick = new_event(service, -1, 0, tick_cb);
    if (event_add(service->term, NULL) || event_add(service->interrupt, NULL) ||
        event_add(service->hangup, NULL))
        fatal("the signals cannot be watched");
}

struct service *service_new(const struct service_spec *spec, int argc, char **argv)
{
    struct service *service = mem_alloc(sizeof *service);

    service->spec = spec;
    service_options_read(spec, argc, argv, &service->conf);
    service_process_limit(&service->conf);
    service_process_name(service->instance);
    log_info("start", LOG_STR("version", VERSION), LOG_STR("instance", service->instance));
    service->base = make_base();
    watch_signals(service);
    service->http = service_http_new(service);
    if (service_notify_watchdog_ms())
        service_every(service, service_notify_watchdog_ms(), watchdog_hook, NULL);
    return service;
}

static void free_hooks(struct hook **list)
{
    while (*list) {
        struct hook *next = (*list)->next;

        if ((*list)->timer)
            event_free((*list)->timer);
        free(*list);
        *list = next;
    }
}

void service_free(struct service **service)
{
    struct service *old = *service;

    if (!old)
        return;
    service_http_free(&old->http);
    free_hooks(&old->on_drain);
    free_hooks(&old->on_reload);
    free_hooks(&old->on_scrape);
    free_hooks(&old->timers);
    while (old->checks) {
        struct check *next = old->checks->next;

        free(old->checks);
        old->checks = next;
    }
    event_free(old->term);
    event_free(old->interrupt);
    event_free(old->hangup);
    event_free(old->drain_end);
    event_free(old->tick);
    event_base_free(old->base);
    conf_release(&old->conf);
    free(old);
    *service = NULL;
}

struct event_base *service_base(struct service *service)
{
    return service->base;
}

struct conf *service_conf(struct service *service)
{
    return &service->conf;
}

const char *service_instance(struct service *service)
{
    return service->instance;
}

/* At the end of the list: hooks are called in the order in which they were given. */
static struct hook *add_hook(struct hook **list, service_hook call, void *arg)
{
    while (*list)
        list = &(*list)->next;
    *list = mem_alloc(sizeof **list);
    (*list)->call = call;
    (*list)->arg = arg;
    return *list;
}

void service_on_drain(struct service *service, service_hook hook, void *arg)
{
    add_hook(&service->on_drain, hook, arg);
}

void service_on_reload(struct service *service, service_hook hook, void *arg)
{
    add_hook(&service->on_reload, hook, arg);
}

void service_on_scrape(struct service *service, service_hook hook, void *arg)
{
    add_hook(&service->on_scrape, hook, arg);
}

void service_scrape(struct service *service)
{
    call_all(service->on_scrape);
}

void service_add_check(struct service *service, const char *name, service_ready_hook hook, void *arg)
{
    struct check **place = &service->checks;

    while (*place)
        place = &(*place)->next;
    *place = mem_alloc(sizeof **place);
    (*place)->name = name;
    (*place)->call = hook;
    (*place)->arg = arg;
}

static void timer_cb(evutil_socket_t fd, short what, void *arg)
{
    struct hook *hook = arg;

    (void)fd, (void)what;
    hook->call(hook->arg);
}

void service_every(struct service *service, int64_t interval_ms, service_hook hook, void *arg)
{
    struct hook *timer = add_hook(&service->timers, hook, arg);
    struct timeval every = interval(interval_ms);

    timer->timer = event_new(service->base, -1, EV_PERSIST, timer_cb, timer);
    if (!timer->timer || event_add(timer->timer, &every))
        fatal("out of memory");
}

bool service_draining(const struct service *service)
{
    return service->draining;
}

void service_drained(struct service *service)
{
    event_base_loopexit(service->base, NULL);
}

int service_run(struct service *service)
{
    struct timeval now = {0, 0};
    int result;

    event_add(service->tick, &now);
    result = event_base_dispatch(service->base);
    log_info("end", LOG_STR("instance", service->instance));
    return result < 0 ? 1 : 0;
}
