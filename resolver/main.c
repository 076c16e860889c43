/*
 * resolver: decides what several platforms changed at once.
 *
 * SYNOPSIS  resolver [--check] [--help] [--version]
 *
 * Owns partitions by lease (stage) and reads conflicts:{pNN}: a reference to each event that contested fields. What the policies
 * decide by themselves comes back as an event of the service, which the router applies; the rest waits for a person. HUP reads
 * the policies again.
 */
#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "platform_conf.h"
#include "resolver.h"
#include "service.h"
#include "conf.h"
#include "sql.h"
#include "stats.h"
#include "store.h"
#include "stream.h"

#define HAND_MAX 1000

static void key(char text[MSG_KEY_MAX], enum priority priority, unsigned partition, void *arg)
{
    (void)priority;
    (void)arg;
    msg_key_conflicts(text, partition);
}

static void on_items(struct stage_item **items, size_t count, void *arg)
{
    turn_add(arg, items, count);
}

static void on_lost(unsigned partition, void *arg)
{
    turn_lose(arg, partition);
}

static void drained(void *arg)
{
    service_drained(arg);
}

static void drain(void *arg)
{
    struct resolver *resolver = arg;

    stage_drain(resolver->stage, drained, resolver->service);
}

int main(int argc, char **argv)
{
    static const struct service_spec spec = {
        .name = "resolver", .program = CONF_RESOLVER, .summary = "takes up conflicts between platforms"};
    struct resolver resolver = {.service = service_new(&spec, argc, argv)};
    struct conf *conf = service_conf(resolver.service);
    struct stream_config belt = {
        .url = conf->redis_url, .name = "resolver", .timeout_ms = 5000, .waiting_max = 10000};
    struct stage_spec stage = {.name = PROTO_STAGE_RESOLVER,
                               .priorities = 1,
                               .key = key,
                               .ready_sql = sql_ready_conflicts,
                               .hand_max = HAND_MAX,
                               .on_items = on_items,
                               .on_lost = on_lost,
                               .arg = &resolver};
    int code;

    resolver.store = store_new(resolver.service);
    resolver.belt = stream_new(service_base(resolver.service), &belt);
    resolver.stat_seen =
        stats_register(STATS_COUNTER, "sync_conflicts_seen_total", "", "Conflict references received");
    resolver.stage = stage_new(resolver.service, resolver.store, resolver.belt, &stage);
    service_on_drain(resolver.service, drain, &resolver);
    log_info("consuming", LOG_STR("streams", PROTO_CONFLICTS ":*"));

    code = service_run(resolver.service);

    store_free(&resolver.store); /* first: what is in a statement is answered while the rest still stands */
    stream_end(resolver.belt);   /* and what is in a command */
    stage_free(&resolver.stage);
    stream_free(&resolver.belt);
    service_free(&resolver.service);
    return code;
}
