/*
 * api-gateway: the service's door: takes events, answers what became of them.
 *
 * SYNOPSIS  api-gateway [--check] [--help] [--version]
 *
 * Listens on LISTEN_ADDR. An event is answered with 200 after PostgreSQL has committed it (I1); then its reference is
 * published to events:<priority>:{pNN} as a hint. Redis may be away: events are accepted all the same. Starts without waiting
 * for PostgreSQL, and answers 503 until it is there. HUP reads keys and platform files again; TERM answers what is in hand.
 */
#include "changes.h"
#include "gateway.h"
#include "log.h"
#include "platform_conf.h"
#include "policy_conf.h"
#include "proto.h"

#define PLATFORM_CONNECTIONS_MAX 8 /* kept open to platforms, for keys and lists */

static void set_keys(struct gateway *gateway)
{
    const struct conf *conf = gateway->conf;
    const struct auth_keys keys = {.secret = conf->jwt_secret,
                                   .public_key = conf->jwt_public_key,
                                   .issuer = conf->jwt_issuer,
                                   .audience = conf->jwt_audience,
                                   .short_secret_ok = !conf_production(conf)};
    http_set_keys(gateway->http, &keys);
}

static void reload(void *arg)
{
    struct gateway *gateway = arg;
    struct platform_set *platforms = platform_conf_reload(gateway->conf);
    struct policy_set *policies = platforms ? policy_conf_reload(gateway->conf, platforms) : NULL;
    if (platforms) {
        platform_set_free(&gateway->platforms);
        gateway->platforms = platforms;
    }
    if (policies) {
        policy_set_free(&gateway->policies);
        gateway->policies = policies;
    }
    set_keys(gateway);
}

static void on_accepted_all(void *arg)
{
    struct gateway *gateway = arg;
    service_drained(gateway->service);
}

static void on_answered_all(void *arg)
{
    struct gateway *gateway = arg;
    accept_drain(gateway->accept, on_accepted_all, gateway);
}

static void drain(void *arg)
{
    struct gateway *gateway = arg;
    backfill_drain(gateway->backfill);
    http_drain(gateway->http, on_answered_all, gateway);
}

static struct http *open_http(const struct gateway *gateway)
{
    const struct conf *conf = gateway->conf;
    const struct http_config config = {.listen_addr = conf->listen_addr,
                                       .limits = {.body_max = (size_t)conf->body_max,
                                                  .bulk_body_max = (size_t)conf->bulk_body_max,
                                                  .header_max = (size_t)conf->header_max,
                                                  .unread_bodies_max = (size_t)conf->unread_bodies_max,
                                                  .unsent_answers_max = (size_t)conf->unsent_answers_max,
                                                  .connections_max = (unsigned)conf->connections_max,
                                                  .requests_max = (unsigned)conf->requests_max,
                                                  .json_depth_max = (unsigned)conf->json_depth_max,
                                                  .client_timeout_ms = conf->client_timeout,
                                                  .idle_timeout_ms = conf->idle_timeout},
                                       .auth_required = conf->auth_required,
                                       .environment = conf->environment};
    return http_new(service_base(gateway->service), &config);
}

int main(int argc, char **argv)
{
    static const struct service_spec spec = {.name = "api-gateway",
                                             .program = CONF_GATEWAY,
                                             .check = policy_conf_check,
                                             .summary =
                                                 "takes events over HTTP and answers what became of them"};
    struct gateway gateway = {.service = service_new(&spec, argc, argv)};
    struct conf *conf = gateway.conf = service_conf(gateway.service);
    struct stream_config belt = {
        .url = conf->redis_url, .name = "api-gateway", .timeout_ms = 5000, .waiting_max = 20000};
    struct buf errors = BUF_INIT;
    int code;

    gateway.platforms = platform_conf_load(conf, &errors);
    if (gateway.platforms)
        gateway.policies = policy_conf_load(conf, gateway.platforms, &errors);
    if (!gateway.policies)
        fatal("%s", errors.data);
    gateway.store = store_new(gateway.service);
    gateway.belt = stream_new(service_base(gateway.service), &belt);
    gateway.activity = belt_activity_new(service_base(gateway.service), gateway.belt, conf->activity_max);
    gateway.transfers = transfers_new(service_base(gateway.service), PLATFORM_CONNECTIONS_MAX);
    gateway.accept = accept_new(&gateway);
    gateway.changes = changes_new(service_base(gateway.service), gateway.store);
    gateway.backfill = backfill_new(&gateway);
    gateway.inbound = inbound_new(&gateway);
    gateway.status = status_new(&gateway);
    gateway.http = open_http(&gateway);
    set_keys(&gateway);
    http_add_routes(gateway.http, gateway_routes, gateway_route_count, &gateway);
    service_on_drain(gateway.service, drain, &gateway);
    service_on_reload(gateway.service, reload, &gateway);
    log_info("listening", LOG_STR("address", conf->listen_addr), LOG_INT("port", http_port(gateway.http)),
             LOG_STR("publishes", PROTO_EVENTS ":*"));

    code = service_run(gateway.service);

    store_free(&gateway.store); /* first: what is in a statement is answered while the rest still stands */
    accept_free(&gateway.accept);
    changes_free(&gateway.changes);
    backfill_free(&gateway.backfill);
    status_free(&gateway.status);
    transfers_free(&gateway.transfers);
    inbound_free(&gateway.inbound);
    http_free(&gateway.http);
    belt_activity_free(&gateway.activity);
    stream_free(&gateway.belt);
    policy_set_free(&gateway.policies);
    platform_set_free(&gateway.platforms);
    buf_release(&errors);
    service_free(&gateway.service);
    return code;
}
