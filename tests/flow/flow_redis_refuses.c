/*
 * flow_redis_refuses.c: a Redis that is full, whose disk fails, that ends every connection, that is away, or whose place a replica with an
 * older state takes: events are accepted all the while and delivered once, and nobody starts anything of ours again.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "flow_fixture.h"
#include "load_fixture.h"

#define PART 40
#define WORKER "worker-coreldove"

/* Some delivered, some on the belt in front of a worker that stands still. */
static void wait_on_the_belt(const char *name)
{
    load_begin(name);
    load_post(PART);
    flow_wait(load_completed() == PART && belt_look("*").ids == 0, 20);
    stack_signal(WORKER, SIGSTOP);
    load_post(PART);
    flow_wait(belt_look("deliver:coreldove:*").ids >= PART, 10);
}

static void worker_goes_on(void)
{
    stack_signal(WORKER, SIGCONT);
}

static void check_all(void)
{
    load_post(PART);
    load_check_delivered_once();
    belt_check_empty();
}

/* What /health and an operator's /sync/status say of Redis. */
static bool redis_is(const char *word, const char *refusal)
{
    const struct json *health = api_get("/health")->json;
    const struct json *status =
        api_send(&(struct api_request){.url = "/sync/status", .token = api_token("*", "admin")})->json;
    const char *said = pick_text(health, "/services/redis"), *belt = pick_text(status, "/belt/redis");
    const char *why = pick_text(status, "/belt/refusal");

    return said && belt && strcmp(said, word) == 0 && strcmp(belt, word) == 0 &&
           (refusal ? why && strncmp(why, refusal, strlen(refusal)) == 0 : !why);
}

/* Clock ticks (1/100 s) of processor time that a process has used. */
static long ticks_of(const char *name)
{
    char path[64];
    unsigned long user = 0, system = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)stack_pid(name));
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(
        fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    fclose(file);
    return (long)(user + system);
}

/* For a second nobody spins, asks again and again, nor writes a line for each refusal. */
static void check_calm(void)
{
    static const char *const names[] = {"router", WORKER, "api-gateway"};
    long ticks[COUNT(names)];
    int lines[COUNT(names)];
    double refused[COUNT(names)];
    int64_t began = clock_mono_ms();

    for (size_t i = 0; i < COUNT(names); i++) {
        ticks[i] = ticks_of(names[i]);
        lines[i] = stack_log_count(names[i], "refused");
        refused[i] = stack_metric(names[i], "sync_belt_refused_total");
    }
    flow_wait(clock_mono_ms() - began >= 1000, 10);
    for (size_t i = 0; i < COUNT(names); i++) {
        double more = stack_metric(names[i], "sync_belt_refused_total") - refused[i];
        ck_assert_msg(more < 200, "%s asked in vain %g times in 1 s", names[i], more);
        ck_assert_msg(ticks_of(names[i]) - ticks[i] < 40 * flow_patience(), "%s used %ld ticks in 1 s",
                      names[i], ticks_of(names[i]) - ticks[i]);
        ck_assert_msg(stack_log_count(names[i], "refused") - lines[i] < 5, "%s complains all the time",
                      names[i]);
    }
}

static const char *redis_password(void)
{
    return api_text("%.*s", (int)strcspn(strchr(stack_setting("REDIS_URL") + 8, ':') + 1, "@"),
                    strchr(stack_setting("REDIS_URL") + 8, ':') + 1);
}

static int redis_port(void)
{
    const char *url = stack_setting("REDIS_URL");

    return (int)strtol(strrchr(url, ':') + 1, NULL, 10);
}

/* One command to the Redis on that port; does its answer hold the text? */
static bool redis_says(int port, const char *command, const char *text)
{
    char said[8192] = "";
    FILE *pipe = popen(
        api_text("REDISCLI_AUTH=%s redis-cli -p %d %s 2>/dev/null", redis_password(), port, command), "r");

    ck_assert_ptr_nonnull(pipe);
    size_t len = fread(said, 1, sizeof said - 1, pipe);
    said[len] = '\0';
    pclose(pipe);
    return strstr(said, text) != NULL;
}

/* ── full, failing disk ── */

START_TEST(a_full_redis)
{
    wait_on_the_belt("full");
    ck_assert_str_eq(redis_line("CONFIG SET maxmemory 1mb"), "OK");
    load_post(PART);
    worker_goes_on();
    flow_wait(redis_is("unhealthy", "OOM"), 5);
    check_calm();
    ck_assert_int_lt(load_completed(), load_posted());
    ck_assert_str_eq(redis_line("CONFIG SET maxmemory 0"), "OK");
    check_all();
    flow_wait(redis_is("healthy", NULL), 5);
    ck_assert(stack_metric("api-gateway", "sync_belt_refused_total") > 0);
}
END_TEST

static const char *redis_directory(void)
{
    return api_text("%s/redis/.", stack_dir());
}

static bool saved(const char *how)
{
    return strstr(redis_line("INFO persistence"), api_text("rdb_last_bgsave_status:%s", how)) != NULL &&
           strstr(redis_line("INFO persistence"), "rdb_bgsave_in_progress:0") != NULL;
}

START_TEST(a_failing_disk)
{
    wait_on_the_belt("disk");
    ck_assert(
        redis_says(redis_port(), "CONFIG SET stop-writes-on-bgsave-error yes save '3600 1000000'", "OK"));
    ck_assert_int_eq(chmod(redis_directory(), 0500), 0);
    redis_line("BGSAVE");
    flow_wait(saved("err"), 10);
    load_post(PART);
    worker_goes_on();
    flow_wait(redis_is("unhealthy", "MISCONF"), 5);
    check_calm();
    ck_assert_int_lt(load_completed(), load_posted());
    ck_assert_int_eq(chmod(redis_directory(), 0700), 0);
    redis_line("BGSAVE");
    flow_wait(saved("ok"), 10);
    check_all();
    flow_wait(redis_is("healthy", NULL), 5);
}
END_TEST

/* ── connections ── */

START_TEST(a_storm_that_ends_every_connection_again_and_again)
{
    load_begin("storm");
    for (int i = 0; i < 40; i++) {
        redis_line("CLIENT KILL TYPE normal SKIPME yes");
        if (i % 10 == 5)
            load_post(PART);
        usleep(25000);
    }
    check_all();
}
END_TEST

START_TEST(away_for_a_while)
{
    wait_on_the_belt("away");
    flow_wait(redis_is("healthy", NULL), 5);
    stack_kill("redis");
    worker_goes_on();
    int64_t began = clock_mono_ms();
    load_post(PART);
    flow_wait(redis_is("disconnected", NULL), 5);
    const struct json *status =
        api_send(&(struct api_request){.url = "/sync/status", .token = api_token("*", "admin")})->json;
    ck_assert(pick_there(status, "/streams/0/stream") && !pick(status, "/streams/0/depth"));
    load_post(PART);
    flow_wait(clock_mono_ms() - began >= 1500, 10);
    stack_start("redis");
    check_all();
    flow_wait(redis_is("healthy", NULL), 5);
}
END_TEST

/* ── a fail-over ── */

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* A process of the claim's own; it ends with the claim at the latest. */
static pid_t begin_process(const char *const *words)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

static void end_process(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static pid_t begin_replica(int port)
{
    const char *own = api_text("%d", port), *master = api_text("127.0.0.1 %d", redis_port());
    const char *const words[] = {"redis-server",
                                 "--port",
                                 own,
                                 "--bind",
                                 "127.0.0.1",
                                 "--requirepass",
                                 redis_password(),
                                 "--masterauth",
                                 redis_password(),
                                 "--replicaof",
                                 master,
                                 "--save",
                                 "",
                                 "--dir",
                                 "/tmp",
                                 "--dbfilename",
                                 api_text("replica-%d.rdb", port),
                                 "--logfile",
                                 "/dev/null",
                                 "--repl-diskless-load",
                                 "swapdb",
                                 NULL};

    return begin_process(words);
}

/* Whoever connects to where the old one was gets to the replica. */
static pid_t move_address(int port)
{
    const char *route = api_text("redis=127.0.0.1:%d:127.0.0.1:%d", redis_port(), port);
    const char *const words[] = {
        stack_bin("fault-proxy"), "--control", "127.0.0.1:0", "--route", route, NULL};

    return begin_process(words);
}

START_TEST(a_replica_that_lags_takes_over)
{
    int port = free_port();
    pid_t replica = begin_replica(port);

    flow_wait(redis_says(port, "INFO replication", "master_link_status:up"), 15);
    wait_on_the_belt("failover");
    flow_wait(redis_says(port, "INFO replication", "master_link_status:up"), 15);
    ck_assert(redis_says(port, "REPLICAOF 127.0.0.1 1", "OK")); /* from here on it hears nothing */
    load_post(PART);
    flow_wait(belt_look("deliver:coreldove:*").ids >= 2 * PART, 10);
    stack_kill("redis");
    pid_t proxy = move_address(port);
    load_post(PART); /* to a replica that is still one: refused */
    ck_assert(redis_says(port, "REPLICAOF NO ONE", "OK"));
    worker_goes_on();
    check_all();
    ck_assert_int_gt(belt_repairs("router", "replaced"), 0);
    ck_assert_int_gt(belt_repairs(WORKER, "replaced"), 0);
    load_begin("failback"); /* and the old one comes back with what it had */
    end_process(proxy);
    end_process(replica);
    load_post(PART);
    stack_start("redis");
    check_all();
}
END_TEST

int main(void)
{
    static const char *const env[] = {"LEASE_SECONDS=20s", "SYNC_INTERVAL_SECONDS=1s", NULL};
    static const struct stack_options options = {.env = env};

    return flow_run("redis_refuses", &options,
                    (const TTest *[]){a_full_redis, a_failing_disk,
                                      a_storm_that_ends_every_connection_again_and_again, away_for_a_while,
                                      a_replica_that_lags_takes_over, NULL});
}
