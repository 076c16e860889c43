/* platform_conf.c: see platform_conf.h. */
#include "platform_conf.h"

#include "log.h"

static const char *lookup(void *arg, const char *variable)
{
    return conf_variable(arg, variable);
}

struct platform_set *platform_conf_load(struct conf *conf, struct buf *errors)
{
    return platform_set_load(conf->platform_dir, lookup, conf, errors);
}

int platform_conf_check(struct conf *conf, struct buf *errors)
{
    struct platform_set *set = platform_conf_load(conf, errors);

    if (!set)
        return -1;
    platform_set_free(&set);
    return 0;
}

struct platform_set *platform_conf_reload(struct conf *conf)
{
    struct buf errors = BUF_INIT;
    struct platform_set *set = platform_conf_load(conf, &errors);

    if (!set)
        log_error("platform files refused, the old ones stay", LOG_STR("errors", errors.data));
    buf_release(&errors);
    return set;
}
