/*
 * stats_process.c: the process_* metrics under the names that every Prometheus client gives them, from getrusage and /proc.
 *
 * A value that cannot be read is left out: a wrong number would be believed.
 */
#include "stats_process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "version.h"

static void write_head(struct buf *out, const char *name, const char *kind, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void write_cpu(struct buf *out)
{
    struct rusage usage;
    long long us;

    if (getrusage(RUSAGE_SELF, &usage))
        return;
    us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
    write_head(out, "process_cpu_seconds_total", "counter", "User and system CPU time spent in seconds");
    buf_addf(out, "process_cpu_seconds_total %lld.%06lld\n", us / 1000000, us % 1000000);
}

/* The content of a small file under /proc, as text; -1 when it cannot be read. */
static int read_proc(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(text, 1, size - 1, file) : 0;

    if (file)
        fclose(file);
    text[len] = '\0';
    return len ? 0 : -1;
}

static void write_memory(struct buf *out)
{
    long page = sysconf(_SC_PAGESIZE);
    unsigned long total, resident;
    char text[256];

    if (read_proc("/proc/self/statm", text, sizeof text) || sscanf(text, "%lu %lu", &total, &resident) != 2)
        return;
    write_head(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes");
    buf_addf(out, "process_virtual_memory_bytes %lu\n", total * (unsigned long)page);
    write_head(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes");
    buf_addf(out, "process_resident_memory_bytes %lu\n", resident * (unsigned long)page);
}

static void write_descriptors(struct buf *out)
{
    DIR *dir = opendir("/proc/self/fd");
    struct rlimit limit;
    int count = -3; /* ".", ".." and the one that reads this */

    if (dir) {
        while (readdir(dir))
            count++;
        closedir(dir);
        write_head(out, "process_open_fds", "gauge", "Number of open file descriptors");
        buf_addf(out, "process_open_fds %d\n", count);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    write_head(out, "process_max_fds", "gauge", "Maximum number of open file descriptors");
    buf_addf(out, "process_max_fds %llu\n", (unsigned long long)limit.rlim_cur);
}

/* Field 22 of /proc/self/stat is in clock ticks since the machine started. */
static long long start_time_ms(void)
{
    unsigned long long ticks;
    struct timespec now, up;
    const char *field;
    char text[1024];

    if (read_proc("/proc/self/stat", text, sizeof text) || !(field = strrchr(text, ')')))
        return -1;
    if (sscanf(field + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) != 1)
        return -1;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &up);
    return (long long)(now.tv_sec - up.tv_sec) * 1000 + (now.tv_nsec - up.tv_nsec) / 1000000 +
           (long long)(ticks * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static void write_start(struct buf *out)
{
    static long long start_ms; /* read once: a clock that is set would move it */

    if (start_ms == 0)
        start_ms = start_time_ms();
    if (start_ms < 0)
        return;
    write_head(out, "process_start_time_seconds", "gauge", "Start time of the process since 1970 in seconds");
    buf_addf(out, "process_start_time_seconds %lld.%03lld\n", start_ms / 1000, start_ms % 1000);
}

void stats_process_write(struct buf *out)
{
    write_head(out, "sync_build_info", "gauge", "The release that runs");
    buf_add_str(out, "sync_build_info{version=\"" VERSION "\"} 1\n");
    write_cpu(out);
    write_memory(out);
    write_descriptors(out);
    write_start(out);
}
