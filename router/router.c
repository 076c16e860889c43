/*
 * router.c: life of the router: references come from the stage into its queue, batches take them from there; partitions come
 * and go; scheduled events come due.
 */
#include "router.h"

#include <event2/event.h>

#include "alert.h"
#include "conf.h"
#include "hints.h"
#include "links.h"
#include "mem.h"
#include "service.h"
#include "sql.h"
#include "stats.h"
#include "store.h"

#define HAND_MAX 4000
#define DUE_EVENTS_MS 500
#define BRAKES_MS 1000
#define TURNS_MAX 10000

static void start_cb(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    batch_start(arg);
}

/* Turns that are over tell nothing. */
static void forget_turns(struct router *router)
{
    struct map_iter iter = {0};
    const void *key;
    void *turn;
    size_t len;

    while (map_next(router->turns, &iter, &key, &len, &turn))
        if ((uintptr_t)turn <= router->turn[*(const char *)key - '0'])
            map_remove(router->turns, key, len);
}

/* The tenant's next turn: one behind its last, or behind what left the queue last. A turn takes one event of each tenant. */
static uint64_t next_turn(struct router *router, const struct stage_item *item)
{
    char key[1 + MSG_TENANT_MAX + 1];
    size_t len = (size_t)snprintf(key, sizeof key, "%d%s", (int)item->priority, item->ref.tenant);
    uint64_t turn = (uintptr_t)map_get(router->turns, key, len);

    if (turn < router->turn[item->priority])
        turn = router->turn[item->priority];
    if (map_count(router->turns) >= TURNS_MAX)
        forget_turns(router);
    map_put(router->turns, key, len, (void *)(uintptr_t)(turn + 1)); // NOLINT(performance-no-int-to-ptr)
    return turn + 1;
}

/* Behind those of its own priority and of higher ones, but before those of tenants who had more turns: a fresh event waits neither
 * until a first sync's are routed nor for another tenant's backlog. Low ones are not starved: once the hand is full of them, no more
 * is read before some are done. */
static void enqueue(struct router *router, struct stage_item *item)
{
    struct queued queued = {.item = item, .turn = next_turn(router, item)};
    size_t at = router->queued++;

    for (; at > 0; at--) {
        const struct queued *before = &router->queue[at - 1];
        if (before->item->priority < item->priority ||
            (before->item->priority == item->priority && before->turn <= queued.turn))
            break;
        router->queue[at] = *before;
    }
    router->queue[at] = queued;
}

static void on_items(struct stage_item **items, size_t count, void *arg)
{
    struct router *router = arg;

    /* hand_max bounds what is read, a last reading may exceed it: the queue grows with it, never by more than that. */
    router->queue =
        mem_realloc(router->queue, (stage_in_hand(router->stage) + count + 1) * sizeof *router->queue);
    for (size_t i = 0; i < count; i++)
        enqueue(router, items[i]);
    batch_start_in(router, 0);
}

static void on_lost(unsigned partition, void *arg)
{
    struct router *router = arg;
    size_t kept = 0;

    for (size_t i = 0; i < router->queued; i++)
        if (router->queue[i].item->partition == partition)
            stage_drop(router->stage, router->queue[i].item);
        else
            router->queue[kept++] = router->queue[i];
    router->queued = kept;
    for (size_t i = 0; i < router->count; i++)
        if (router->decisions[i].item && router->decisions[i].item->partition == partition)
            batch_drop(router, &router->decisions[i]);
}

static void key(char text[MSG_KEY_MAX], enum priority priority, unsigned partition, void *arg)
{
    (void)arg;
    msg_key_events(text, priority, partition);
}

static void on_due(enum db_status status, const struct db_result *result, void *arg)
{
    struct router *router = arg;

    router->due_running = false;
    if (status == DB_OK && db_rows(result) > 0)
        stage_ready_in(router->stage, 0); /* they are ready rows now */
}

/* Scheduled events whose time has come. */
static void find_due(void *arg)
{
    struct router *router = arg;
    struct db_params *params;

    if (router->due_running || !store_up(router->store) || stage_partitions_held(router->stage) == 0)
        return;
    router->due_running = true;
    params = db_params_new();
    db_add_text(params, PROTO_STAGE_ROUTER);
    db_add_text(params, service_instance(router->service));
    stage_add_fences(router->stage, params);
    db_add_int(params, ROUTER_BATCH_MAX);
    db_query(store_db(router->store), DB_WRITER, sql_due_events, params, on_due, router);
}

struct router *router_new(struct service *service, struct store *store, struct stream *belt,
                          struct platform_set *platforms, struct policies *policies)
{
    struct router *router = mem_alloc(sizeof *router);
    struct stage_spec spec = {.name = PROTO_STAGE_ROUTER,
                              .priorities = PRIORITIES,
                              .key = key,
                              .ready_sql = sql_ready_events,
                              .hand_max = HAND_MAX,
                              .on_items = on_items,
                              .on_lost = on_lost,
                              .arg = router};

    router->service = service;
    router->store = store;
    router->belt = belt;
    router->platforms = platforms;
    router->policies = policies;
    router->window = service_conf(service)->stream_window;
    router->limit = ROUTER_BATCH_MAX;
    router->turns = map_new();
    router->hints = hints_new(router->window);
    router->alerts = alerts_new(service_base(service), store, belt, NULL);
    router->decisions = mem_array(ROUTER_BATCH_MAX, sizeof *router->decisions);
    router->start_timer = evtimer_new(service_base(service), start_cb, router);
    router->activity = belt_activity_new(service_base(service), belt, service_conf(service)->activity_max);
    router->stat_routed = stats_register(STATS_COUNTER, "sync_events_routed_total", "", "Events routed");
    router->stat_batch = stats_register(STATS_HISTOGRAM, "sync_router_batch_size_micro", "",
                                        "Events in a batch, in millionths");
    router->stage = stage_new(service, store, belt, &spec);
    service_every(service, DUE_EVENTS_MS, find_due, router);
    service_every(service, BRAKES_MS, brakes_look, router);
    return router;
}

void router_set_platforms(struct router *router, struct platform_set *platforms)
{
    struct platform_set **place = router->busy ? &router->next_platforms : &router->platforms;

    platform_set_free(place);
    *place = platforms;
}

void router_drain(struct router *router, void (*drained)(void *arg), void *arg)
{
    stage_drain(router->stage, drained, arg);
}

void router_free(struct router **routerp)
{
    struct router *router = *routerp;

    if (!router)
        return;
    stage_free(&router->stage);
    belt_activity_free(&router->activity);
    routing_free(&router->routing);
    link_step_free(&router->step);
    event_free(router->start_timer);
    platform_set_free(&router->platforms);
    platform_set_free(&router->next_platforms);
    free(router->condemned);
    map_free(&router->turns);
    hints_free(&router->hints);
    alerts_free(&router->alerts);
    free(router->decisions);
    free(router->queue);
    free(router);
    *routerp = NULL;
}
