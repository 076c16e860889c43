/*
 * worker: delivers to one platform.
 *
 * SYNOPSIS  worker --platform NAME [--check] [--help] [--version]
 *
 * Owns partitions by lease (stage), reads deliver:<platform>:<priority>:{pNN}, builds each body from the record as it is now,
 * sends it signed and with credentials, and records the outcome: delivered, superseded, skipped, dead, or again later under
 * the same webhook-id. One version of a record at a time.
 */
#include "worker.h"

#include <string.h>

#include "bulk.h"
#include "digest.h"
#include "log.h"
#include "platform_conf.h"
#include "policy_conf.h"
#include "service.h"

struct program {
    struct service *service;
    struct store *store;
    struct stream *belt;
    struct worker *worker;
    struct policies *policies;
};

static const char *platform_option;

static int check(struct conf *conf, struct buf *errors)
{
    struct platform_set *set = platform_conf_load(conf, errors);
    struct backoff backoff;
    struct policy_set *policies = set ? policy_conf_load(conf, set, errors) : NULL;
    struct buf key = BUF_INIT;
    const char *why = "";
    int result = policies ? 0 : -1;

    if (set && platform_option && !platform_find(set, platform_option)) {
        buf_addf(errors, "--platform %s: there is no file of that name in %s\n", platform_option,
                 conf->platform_dir);
        result = -1;
    }
    if (set && bulk_check(conf, set, errors) != 0)
        result = -1;
    if (strncmp(conf->webhook_secret, "whsec_", 6) == 0 &&
        digest_base64_decode(&key, conf->webhook_secret + 6, strlen(conf->webhook_secret + 6)) != 0) {
        buf_add_str(errors, "WEBHOOK_SECRET begins with whsec_ but what follows is not base64\n");
        result = -1;
    }
    buf_release(&key);
    if (backoff_parse(&backoff, conf->retry_schedule, &why) != 0) {
        buf_addf(errors, "%s\n", why);
        result = -1;
    }
    policy_set_free(&policies);
    platform_set_free(&set);
    return result;
}

static void reload(void *arg)
{
    struct program *program = arg;
    struct conf *conf = service_conf(program->service);
    struct platform_set *set = platform_conf_reload(conf);
    struct policy_set *policies = set ? policy_conf_reload(conf, set) : NULL;

    if (policies && worker_reload(program->worker, set) == 0) {
        policies_reload(program->policies, policies, set);
        return;
    }
    if (policies)
        log_error("there is no file for this platform any more, the old one stays",
                  LOG_STR("platform", platform_option));
    policy_set_free(&policies);
    platform_set_free(&set);
}

static void drained(void *arg)
{
    service_drained(arg);
}

static void drain(void *arg)
{
    struct program *program = arg;

    worker_drain(program->worker, drained, program->service);
}

int main(int argc, char **argv)
{
    static const struct service_option options[] = {
        {"platform", "the platform to deliver to: the name of its file in PLATFORM_DIR", &platform_option,
         true},
        {0},
    };
    static const struct service_spec spec = {.name = "worker",
                                             .program = CONF_WORKER,
                                             .check = check,
                                             .options = options,
                                             .summary = "delivers to one platform"};
    struct program program = {.service = service_new(&spec, argc, argv)};
    struct conf *conf = service_conf(program.service);
    struct stream_config belt = {
        .url = conf->redis_url, .name = "worker", .timeout_ms = 5000, .waiting_max = 20000};
    struct buf errors = BUF_INIT;
    struct platform_set *platforms = platform_conf_load(conf, &errors);
    struct policy_set *policies = platforms ? policy_conf_load(conf, platforms, &errors) : NULL;
    int code;

    if (!policies)
        fatal("%s", errors.data);
    program.store = store_new(program.service);
    program.belt = stream_new(service_base(program.service), &belt);
    program.worker = worker_new(program.service, program.store, program.belt, platforms, platform_option);
    program.policies =
        policies_new(program.service, program.store, policies, platforms, (size_t)conf->policy_tenants);
    program.worker->policies = program.policies;
    service_on_drain(program.service, drain, &program);
    service_on_reload(program.service, reload, &program);
    log_info("consuming", LOG_STR("streams", PROTO_DELIVER ":*"), LOG_STR("platform", platform_option));

    code = service_run(program.service);

    store_free(&program.store); /* first: what is in a statement is answered while the rest still stands */
    stream_end(program.belt);   /* and what is in a command */
    worker_free(&program.worker);
    policies_free(&program.policies);
    stream_free(&program.belt);
    buf_release(&errors);
    service_free(&program.service);
    return code;
}
