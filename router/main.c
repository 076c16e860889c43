/*
 * router: decides what each accepted event makes of its record, and who gets it.
 *
 * SYNOPSIS  router [--check] [--help] [--version]
 *
 * Owns partitions by lease (stage), reads events:<priority>:{pNN}, critical first; validates against the entity's schema,
 * writes record, version and deliveries in one statement, then hands over to deliver:<platform>:<priority>:{pNN} and
 * acknowledges in one script per partition. It is the only writer of records.
 */
#include "conf.h"
#include "log.h"
#include "platform_conf.h"
#include "policy_conf.h"
#include "router.h"
#include "service.h"
#include "store.h"

struct program {
    struct service *service;
    struct store *store;
    struct stream *belt;
    struct router *router;
    struct policies *policies;
};

static void reload(void *arg)
{
    struct program *program = arg;
    struct conf *conf = service_conf(program->service);
    struct platform_set *set = platform_conf_reload(conf);
    struct policy_set *policies = set ? policy_conf_reload(conf, set) : NULL;

    if (!policies) { /* both or neither: a policy names platforms */
        platform_set_free(&set);
        return;
    }
    router_set_platforms(program->router, set);
    policies_reload(program->policies, policies, set);
}

static void drained(void *arg)
{
    service_drained(arg);
}

static void drain(void *arg)
{
    struct program *program = arg;

    router_drain(program->router, drained, program->service);
}

int main(int argc, char **argv)
{
    static const struct service_spec spec = {.name = "router",
                                             .program = CONF_ROUTER,
                                             .check = policy_conf_check,
                                             .summary = "writes records and decides who gets each event"};
    struct program program = {.service = service_new(&spec, argc, argv)};
    struct conf *conf = service_conf(program.service);
    struct stream_config belt = {
        .url = conf->redis_url, .name = "router", .timeout_ms = 5000, .waiting_max = 20000};
    struct buf errors = BUF_INIT;
    struct platform_set *platforms;
    struct policy_set *policies;
    int code;

    platforms = platform_conf_load(conf, &errors);
    policies = platforms ? policy_conf_load(conf, platforms, &errors) : NULL;
    if (!policies)
        fatal("%s", errors.data);
    program.store = store_new(program.service);
    program.policies =
        policies_new(program.service, program.store, policies, platforms, (size_t)conf->policy_tenants);
    program.belt = stream_new(service_base(program.service), &belt);
    program.router = router_new(program.service, program.store, program.belt, platforms, program.policies);
    service_on_drain(program.service, drain, &program);
    service_on_reload(program.service, reload, &program);
    log_info("consuming", LOG_STR("streams", PROTO_EVENTS ":*"), LOG_INT("partitions", conf->partitions));

    code = service_run(program.service);

    store_free(&program.store); /* first: what is in a statement is answered while the rest still stands */
    stream_end(program.belt);   /* and what is in a command */
    router_free(&program.router);
    policies_free(&program.policies);
    stream_free(&program.belt);
    buf_release(&errors);
    service_free(&program.service);
    return code;
}
