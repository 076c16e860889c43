/*
 * resolver: takes up conflicts that fields of two platforms are in.
 *
 * SYNOPSIS  resolver [--check] [--help] [--version]
 *
 * Keeps the policies of POLICIES_FILE; HUP reads them again, and one with a mistake leaves the old ones in force.
 *
 * Owns partitions by lease (stage) and reads conflicts:{pNN}. The router settles every conflict by the latest change for now
 * and records it, so that nothing is published here yet: a reference that does arrive is counted and acknowledged.
 */
#include "conf.h"
#include "log.h"
#include "platform_conf.h"
#include "policy_conf.h"
#include "service.h"
#include "sql.h"
#include "stage.h"
#include "stats.h"
#include "store.h"

#define HAND_MAX 1000

struct resolver {
    struct service *service;
    struct store *store;
    struct stream *belt;
    struct stage *stage;
    struct stat *stat_seen;
    struct platform_set *platforms;
    struct policy_set *policies;
};

static void key(char text[MSG_KEY_MAX], enum priority priority, unsigned partition, void *arg)
{
    (void)priority;
    (void)arg;
    msg_key_conflicts(text, partition);
}

static void on_items(struct stage_item **items, size_t count, void *arg)
{
    struct resolver *resolver = arg;

    stats_add(resolver->stat_seen, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        stage_done(resolver->stage, items[i]);
}

/* Items never outlive on_items: nothing to let go of. */
static void on_lost(unsigned partition, void *arg)
{
    (void)partition;
    (void)arg;
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
    policy_set_free(&resolver->policies);
    platform_set_free(&resolver->platforms);
    resolver->policies = policies;
    resolver->platforms = platforms;
}

static void load(struct resolver *resolver)
{
    struct conf *conf = service_conf(resolver->service);
    struct buf errors = BUF_INIT;

    resolver->platforms = platform_conf_load(conf, &errors);
    if (resolver->platforms)
        resolver->policies = policy_conf_load(conf, resolver->platforms, &errors);
    if (!resolver->policies)
        fatal("%s", errors.data);
    policy_conf_log(resolver->policies);
    buf_release(&errors);
}

int main(int argc, char **argv)
{
    static const struct service_spec spec = {.name = "resolver",
                                             .program = CONF_RESOLVER,
                                             .check = policy_conf_check,
                                             .summary = "takes up conflicts between platforms"};
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

    load(&resolver);
    resolver.store = store_new(resolver.service);
    resolver.belt = stream_new(service_base(resolver.service), &belt);
    resolver.stat_seen =
        stats_register(STATS_COUNTER, "sync_conflicts_seen_total", "", "Conflict references received");
    resolver.stage = stage_new(resolver.service, resolver.store, resolver.belt, &stage);
    service_on_drain(resolver.service, drain, &resolver);
    service_on_reload(resolver.service, reload, &resolver);
    log_info("consuming", LOG_STR("streams", PROTO_CONFLICTS ":*"));

    code = service_run(resolver.service);

    store_free(&resolver.store); /* first: what is in a statement is answered while the rest still stands */
    stream_end(resolver.belt);   /* and what is in a command */
    stage_free(&resolver.stage);
    stream_free(&resolver.belt);
    policy_set_free(&resolver.policies);
    platform_set_free(&resolver.platforms);
    service_free(&resolver.service);
    return code;
}
