/* policy_conf.c: see policy_conf.h. */
#include "policy_conf.h"

#include "log.h"
#include "platform_conf.h"

struct policy_set *policy_conf_load(struct conf *conf, const struct platform_set *platforms,
                                    struct buf *errors)
{
    return policy_set_load(conf->policies_file, platforms, errors);
}

int policy_conf_check(struct conf *conf, struct buf *errors)
{
    struct platform_set *platforms = platform_conf_load(conf, errors);
    struct policy_set *policies = platforms ? policy_conf_load(conf, platforms, errors) : NULL;
    int result = policies ? 0 : -1;

    policy_set_free(&policies);
    platform_set_free(&platforms);
    return result;
}

void policy_conf_log(const struct policy_set *set)
{
    log_info("policies", LOG_STR("file", policy_file(set)), LOG_STR("version", policy_version(set)),
             LOG_INT("tenants", policy_tenant_count(set)));
}

struct policy_set *policy_conf_reload(struct conf *conf, const struct platform_set *platforms)
{
    struct buf errors = BUF_INIT;
    struct policy_set *set = policy_conf_load(conf, platforms, &errors);

    if (set)
        policy_conf_log(set);
    else
        log_error("policy file refused, the old one stays", LOG_STR("errors", errors.data));
    buf_release(&errors);
    return set;
}
