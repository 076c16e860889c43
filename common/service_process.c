/* service_process.c: what a process allows itself, and its name among its like. */
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "service_parts.h"

#define HOST_MAX 30 /* bytes of the host's name in an instance */
#define MMAP_FROM (256 * 1024)
#define TRIM_FROM (1024 * 1024)

#if defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER true
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER true
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER false
#endif

/* What a surge took goes back to the system when it is over. glibc else raises both thresholds with what is freed, and keeps a
 * body's worth of memory at the top of the heap for ever. */
static void limit_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM);
    mallopt(M_TRIM_THRESHOLD, TRIM_FROM);
    mallopt(M_ARENA_MAX, 1);
}

/* No memory of ours, which holds secrets and bodies, goes into a file; as many descriptors as the system grants. */
void service_process_limit(const struct conf *conf)
{
    struct rlimit none = {0, 0}, files;

    limit_memory();
    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_CORE, &none);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (conf_production(conf) && !UNDER_SANITIZER) /* the leak check must be able to look into the process */
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void service_process_name(char instance[SERVICE_INSTANCE_LEN + 1])
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    char host[HOST_MAX + 1] = "";

    if (gethostname(host, sizeof host) || !*host)
        snprintf(host, sizeof host, "localhost");
    host[HOST_MAX] = '\0';
    for (char *c = host; *c; c++)
        if (!strchr(allowed, *c))
            *c = '-';
    snprintf(instance, SERVICE_INSTANCE_LEN + 1, "%s:%ld:%lld", host, (long)getpid(),
             (long long)clock_wall_ms());
}
