/*
 * flow_ceilings.c: connections that are idle, slow, greedy or too many, one kind at a time and all at once: the gateway stays
 * small, and who behaves is served.
 *
 * The figures come from ceilings-load (tests/ceilings). Its honest load is sent without attackers first: what takes long then
 * is the machine's doing, and is allowed for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "flow_fixture.h"

#define PEAK_KIB (64 * 1024)
#define P99_MS 1000
#define RATE 50

static double alone_p99_ms;
static char figures[4096];

/* A figure of the last load. */
static double figure(const char *name)
{
    const char *at = strstr(figures, api_text("\n%s ", name));
    ck_assert_msg(at != NULL, "no %s in: %s", name, figures);
    return strtod(at + strlen(name) + 2, NULL);
}

static int seconds(void)
{
    return (int)flow_size(1, 20);
}

static void load(int rate, const char *kinds)
{
    const char *command =
        api_text("%s --port %d --token %s --pid %d --rate %d --seconds %d %s", stack_bin("ceilings-load"),
                 stack_port("API_URL"), api_token(API_TENANT, "service"), (int)stack_pid("api-gateway"), rate,
                 seconds(), kinds);
    FILE *out = popen(command, "r");
    figures[0] = '\n';
    size_t len = fread(figures + 1, 1, sizeof figures - 2, out);
    figures[len + 1] = '\0';
    ck_assert_int_eq(pclose(out), 0);
    printf("%s: served %.0f, p50 %.0f ms, p99 %.0f ms, pss %.0f KiB, peak %.0f KiB, cpu %.1f %%\n", kinds,
           figure("served"), figure("p50_ms"), figure("p99_ms"), figure("pss_kib"), figure("peak_kib"),
           figure("cpu_percent"));
}

static void assert_bounds(void)
{
    double allowed_ms = (P99_MS + 4 * alone_p99_ms) * flow_patience();
    ck_assert_msg(figure("served") >= RATE * seconds(), "not all were served: %s", figures);
    ck_assert_msg(figure("p99_ms") < allowed_ms, "p99 over %.0f ms: %s", allowed_ms, figures);
    if (flow_patience() <= 1) /* a sanitizer keeps what was freed */
        ck_assert_msg(figure("peak_kib") < PEAK_KIB, "the gateway grew: %s", figures);
}

static void measure_alone(void)
{
    if (alone_p99_ms > 0)
        return;
    load(RATE, "");
    alone_p99_ms = figure("p99_ms");
}

/* So many in the promised size, a part of them in the small one. */
static int few(int promised)
{
    return (int)flow_size(promised * 6 / 100 + 1, promised);
}

START_TEST(each_bad_kind_alone_leaves_the_gateway_small_and_the_others_served)
{
    static const struct {
        const char *kind;
        int few, promised;
    } kinds[] = {{"slowhead", 200, 2000},
                 {"fathead", 500, 2000},
                 {"slowbody", 500, 600},
                 {"pipeline", 200, 1000},
                 {"chunks", 20, 40}};
    measure_alone();
    for (size_t i = 0; i < COUNT(kinds); i++) {
        load(RATE, api_text("%s=%d", kinds[i].kind, (int)flow_size(kinds[i].few, kinds[i].promised)));
        assert_bounds();
    }
}
END_TEST

START_TEST(idle_connections_cost_no_processor_time)
{
    load(0, api_text("silent=%d kept=%d", few(5000), few(5000)));
    ck_assert_msg(figure("cpu_percent") < 5, "%s", figures);
    ck_assert_msg(figure("silent_open") + figure("kept_open") >= 2 * few(5000), "%s", figures);
}
END_TEST

/* Only its own user may lower what a process may open. */
static void limit_descriptors(rlim_t files)
{
    struct stat owner;
    pid_t pid = stack_pid("api-gateway");
    ck_assert_int_eq(stat(api_text("/proc/%d", (int)pid), &owner), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit;
        bool same = geteuid() == owner.st_uid || (setgid(owner.st_gid) == 0 && setuid(owner.st_uid) == 0);
        if (!same || prlimit(pid, RLIMIT_NOFILE, NULL, &limit) < 0)
            _exit(1);
        limit.rlim_cur = files;
        _exit(prlimit(pid, RLIMIT_NOFILE, &limit, NULL) < 0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(status == 0, "the limit of descriptors cannot be lowered");
}

START_TEST(all_at_once_and_without_descriptors_left_it_is_small_and_the_others_are_served)
{
    int idle = few(5000);
    measure_alone();
    limit_descriptors((rlim_t)(2 * idle + few(400)));
    load(RATE, api_text("silent=%d kept=%d slowhead=%d fathead=%d slowbody=%d pipeline=%d big=%d chunks=%d",
                        idle, idle, few(500), few(200), few(200), few(300), few(10), few(10)));
    assert_bounds();
    ck_assert_int_gt(stack_log_count("api-gateway", "cannot accept connections"), 0);
    ck_assert_int_lt(stack_log_count("api-gateway", "cannot accept connections"), 20);
    limit_descriptors(1024);
}
END_TEST

int main(void)
{
    return flow_run(
        "ceilings", NULL,
        (const TTest *[]){idle_connections_cost_no_processor_time,
                          each_bad_kind_alone_leaves_the_gateway_small_and_the_others_served,
                          all_at_once_and_without_descriptors_left_it_is_small_and_the_others_are_served,
                          NULL});
}
