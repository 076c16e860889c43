/* stages.c: see stages.h. For when PostgreSQL, which knows what has ever run, does not answer. */
#include "stages.h"

#include "mem.h"
#include "platform_conf.h"

int stages_each(struct conf *conf, void (*each)(const char *stage, void *arg), void *arg)
{
    struct buf errors = BUF_INIT;
    struct platform_set *platforms = platform_conf_load(conf, &errors);
    char name[sizeof PROTO_STAGE_WORKER + MSG_PLATFORM_MAX];
    bool read = platforms != NULL;

    each(PROTO_STAGE_ROUTER, arg);
    for (size_t i = 0; platforms && i < platform_count(platforms); i++) {
        snprintf(name, sizeof name, PROTO_STAGE_WORKER "%s", platform_name(platform_at(platforms, i)));
        each(name, arg);
    }
    each(PROTO_STAGE_RESOLVER, arg);
    platform_set_free(&platforms);
    buf_release(&errors);
    return read ? 0 : -1;
}
