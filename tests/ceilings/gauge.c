/* gauge.c: memory and processor time of the process that is watched, from /proc. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static FILE *open_proc(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    return fopen(path, "r");
}

/* The number behind `name` in a file of lines; -1 when there is none. */
static long number_in(pid_t pid, const char *file_name, const char *name)
{
    char line[256];
    long number = -1;
    FILE *file = open_proc(pid, file_name);
    while (file != NULL && number < 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            number = strtol(line + strlen(name), NULL, 10);
    if (file != NULL)
        fclose(file);
    return number;
}

void gauge_start(struct gauge *gauge, pid_t pid)
{
    char path[64];
    *gauge = (struct gauge){.pid = pid};
    snprintf(path, sizeof path, "/proc/%ld/clear_refs", (long)pid);
    int fd = open(path, O_WRONLY);
    if (fd >= 0) {
        if (write(fd, "5", 1) != 1)
            fprintf(stderr, "the peak of before stays in the figures\n");
        close(fd);
    }
    gauge_look(gauge);
}

void gauge_look(struct gauge *gauge)
{
    long pss = number_in(gauge->pid, "smaps_rollup", "Pss:");
    if (pss > gauge->pss_max_kib)
        gauge->pss_max_kib = pss;
}

long gauge_peak_kib(const struct gauge *gauge)
{
    long resident = number_in(gauge->pid, "status", "VmHWM:"),
         file = number_in(gauge->pid, "status", "RssFile:");
    return resident - file + number_in(gauge->pid, "smaps_rollup", "Pss_File:");
}

static int64_t cpu_us(pid_t pid)
{
    unsigned long user = 0, system = 0;
    FILE *file = open_proc(pid, "stat");
    if (file != NULL) {
        if (fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
            user = system = 0;
        fclose(file);
    }
    return (int64_t)(user + system) * 1000000 / sysconf(_SC_CLK_TCK);
}

void gauge_cpu_start(struct gauge *gauge)
{
    gauge->cpu_us = cpu_us(gauge->pid);
    gauge->since_us = now_us();
}

double gauge_cpu_percent(const struct gauge *gauge)
{
    return 100.0 * (double)(cpu_us(gauge->pid) - gauge->cpu_us) / (double)(now_us() - gauge->since_us);
}
