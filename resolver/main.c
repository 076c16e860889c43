/*
 * resolver: decides what several platforms changed at once.
 *
 * SYNOPSIS  resolver [--check] [--help] [--version]
 *
 * Owns partitions by lease (stage) and reads conflicts:{pNN}: a reference to each event that contested fields. What the policies
 * decide by themselves comes back as an event of the service, which the router applies; the rest waits for a person. Policies
 * are those of POLICIES_FILE, which HUP reads again (one with a mistake leaves the old ones in force), and over them a tenant's own.
 */
#include <event2/event.h>

#include "conf.h"
#include "log.h"
#include "mem.h"
#include "persons.h"
#include "platform_conf.h"
#include "policy_conf.h"
#include "resolver.h"
#include "service.h"
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

static void start_cb(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    turn_start(arg);
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

/* Both or neither: a policy names platforms. */
static void reload(void *arg)
{
    struct resolver *resolver = arg;
    struct conf *conf = service_conf(resolver->service);
    struct platform_set *platforms = platform_conf_reload(conf);
    struct policy_set *policies = platforms ? policy_conf_reload(conf, platforms) : NULL;

    if (!policies) {
        platform_set_free(&platforms);
        return;
    }
    policies_reload(resolver->policies, policies, platforms);
    platform_set_free(&resolver->platforms);
    resolver->platforms = platforms;
}

static struct policy_set *load(struct resolver *resolver)
{
    struct conf *conf = service_conf(resolver->service);
    struct buf errors = BUF_INIT;
    struct policy_set *policies = NULL;

    resolver->window = conf->stream_window;
    resolver->platforms = platform_conf_load(conf, &errors);
    if (resolver->platforms)
        policies = policy_conf_load(conf, resolver->platforms, &errors);
    if (!policies)
        fatal("%s", errors.data);
    policy_conf_log(policies);
    buf_release(&errors);
    return policies;
}

static void begin(struct resolver *resolver, const struct stage_spec *spec, struct policy_set *policies)
{
    struct stream_config belt = {.url = service_conf(resolver->service)->redis_url,
                                 .name = "resolver",
                                 .timeout_ms = 5000,
                                 .waiting_max = 10000};

    resolver->store = store_new(resolver->service);
    resolver->policies = policies_new(resolver->service, resolver->store, policies, resolver->platforms,
                                      (size_t)service_conf(resolver->service)->policy_tenants);
    resolver->belt = stream_new(service_base(resolver->service), &belt);
    resolver->start_timer = evtimer_new(service_base(resolver->service), start_cb, resolver);
    resolver->stat_decided =
        stats_register(STATS_COUNTER, "sync_conflicts_decided_total", "", "Conflicts decided by policies");
    resolver->stat_waiting = stats_register(STATS_COUNTER, "sync_conflicts_for_people_total", "",
                                            "Conflicts of which fields wait for a person");
    turn_init(resolver);
    resolver->stage = stage_new(resolver->service, resolver->store, resolver->belt, spec);
    resolver->persons = persons_new(resolver);
    log_info("consuming", LOG_STR("streams", PROTO_CONFLICTS ":*"));
}

static void end(struct resolver *resolver)
{
    store_free(&resolver->store); /* first: what is in a statement is answered while the rest still stands */
    stream_end(resolver->belt);   /* and what is in a command */
    persons_free(&resolver->persons);
    stage_free(&resolver->stage);
    stream_free(&resolver->belt);
    event_free(resolver->start_timer);
    free(resolver->queue);
    free(resolver->turn);
    policies_free(&resolver->policies);
    platform_set_free(&resolver->platforms);
    service_free(&resolver->service);
}

int main(int argc, char **argv)
{
    static const struct service_spec service = {.name = "resolver",
                                                .program = CONF_RESOLVER,
                                                .check = policy_conf_check,
                                                .summary = "decides conflicts between platforms"};
    struct resolver resolver = {.service = service_new(&service, argc, argv)};
    struct stage_spec stage = {.name = PROTO_STAGE_RESOLVER,
                               .priorities = 1,
                               .key = key,
                               .ready_sql = sql_ready_conflicts,
                               .hand_max = HAND_MAX,
                               .on_items = on_items,
                               .on_lost = on_lost,
                               .arg = &resolver};
    int code;

    begin(&resolver, &stage, load(&resolver));
    service_on_drain(resolver.service, drain, &resolver);
    service_on_reload(resolver.service, reload, &resolver);

    code = service_run(resolver.service);

    end(&resolver);
    return code;
}
