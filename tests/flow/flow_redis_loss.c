/*
 * flow_redis_loss.c: what Redis may lose, in part or in whole, while events wait on the belt: all of them are still delivered, each
 * once, and nobody starts anything of ours again.
 */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "flow_fixture.h"
#include "load_fixture.h"

#define PART 40
#define WORKER "worker-coreldove"

static int64_t repairs_before[2];

static int64_t repairs(const char *process)
{
    static const char *const kinds[] = {"replaced", "lease", "stream", "set", "entry", "key"};
    int64_t sum = 0;

    for (size_t i = 0; i < COUNT(kinds); i++)
        sum += belt_repairs(process, kinds[i]);
    return sum;
}

/* Some are delivered, some wait for a worker that stands still, and after router_stops some wait for the router. */
static void wait_on_the_belt(const char *name)
{
    load_begin(name);
    load_post(PART);
    flow_wait(load_completed() == PART && belt_look("*").ids == 0, 20);
    repairs_before[0] = repairs("router");
    repairs_before[1] = repairs(WORKER);
    stack_signal(WORKER, SIGSTOP);
    load_post(PART);
    flow_wait(belt_look("deliver:coreldove:*").ids >= PART, 10);
}

static void router_stops(void)
{
    stack_signal("router", SIGSTOP);
    load_post(PART);
    ck_assert_int_ge(belt_look("events:*").ids, PART);
}

static void go_on(void)
{
    stack_signal("router", SIGCONT);
    stack_signal(WORKER, SIGCONT);
    load_post(PART);
    load_check_delivered_once();
    belt_check_empty();
}

/* What /health says that the stage's replicas have repaired. */
static int64_t health_repaired(const char *stage, const char *what)
{
    const struct json *repaired =
        json_get(json_get(json_get(api_get("/health")->json, "stages"), stage), "repaired");
    int64_t times = 0;

    if (!repaired || !json_get(repaired, what) || json_int64(json_get(repaired, what), &times) != 0)
        return 0;
    return times;
}

static void check_said(const char *process, const char *what)
{
    ck_assert_msg(repairs(process) > repairs_before[strcmp(process, WORKER) == 0], "%s counted no repair",
                  process);
    ck_assert_int_gt(belt_repairs(process, what), 0);
    ck_assert_int_gt(stack_log_count(process, "belt repaired"), 0);
    flow_wait(health_repaired(process, what) > 0, 5);
}

START_TEST(everything_flushed)
{
    wait_on_the_belt("flush");
    router_stops();
    ck_assert_str_eq(redis_line("FLUSHALL"), "OK");
    go_on();
    check_said("router", "stream");
    check_said(WORKER, "stream");
}
END_TEST

/* ── files ── */

static const char *append_directory(void)
{
    return api_text("%s/redis/appendonlydir", stack_dir());
}

/* The file that Redis appends to. */
static const char *append_file(void)
{
    DIR *dir = opendir(append_directory());
    const char *found = NULL;

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strstr(entry->d_name, ".incr.aof"))
            found = api_text("%s/%s", append_directory(), entry->d_name);
    closedir(dir);
    ck_assert_ptr_nonnull(found);
    return found;
}

static void remove_files(void)
{
    DIR *dir = opendir(append_directory());

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            ck_assert_int_eq(unlink(api_text("%s/%s", append_directory(), entry->d_name)), 0);
    closedir(dir);
}

START_TEST(an_empty_directory_after_a_restart)
{
    wait_on_the_belt("empty");
    router_stops();
    stack_kill("redis");
    remove_files();
    stack_start("redis");
    ck_assert_int_eq(belt_look("deliver:coreldove:*").entries, 0);
    go_on();
    check_said("router", "replaced");
    check_said(WORKER, "replaced");
}
END_TEST

START_TEST(an_append_only_file_without_its_end)
{
    struct stat before, after;

    wait_on_the_belt("cut");
    int64_t kept = belt_look("deliver:coreldove:*").ids;
    ck_assert_int_eq(stat(append_file(), &before), 0);
    load_post(PART);
    router_stops();
    flow_wait(stat(append_file(), &after) == 0 && after.st_size > before.st_size + 5000, 10);
    stack_kill("redis");
    ck_assert_int_eq(truncate(append_file(), before.st_size + 7), 0); /* and within a command */
    stack_start("redis");
    ck_assert_int_le(belt_look("deliver:coreldove:*").ids, kept);
    go_on();
    check_said("router", "replaced");
}
END_TEST

/* ── by hand ── */

/* For each stream of the router and of the worker. */
static void each_stream(const char *format)
{
    static const char *const streams[] = {"events", "deliver:coreldove"};

    for (size_t i = 0; i < COUNT(streams); i++)
        for (int p = 0; p < 16; p++) {
            const char *stream = api_text("%s:normal:{p%02d}", streams[i], p);
            struct buf line = BUF_INIT;
            for (const char *at = format; *at; at++)
                if (*at == '$')
                    buf_add_str(&line, stream);
                else
                    buf_add_ch(&line, *at);
            redis_line("%s", line.data);
            buf_release(&line);
        }
}

START_TEST(a_deleted_group)
{
    wait_on_the_belt("group");
    router_stops();
    each_stream("XGROUP DESTROY $ sync");
    go_on();
    check_said("router", "stream");
    check_said(WORKER, "stream");
}
END_TEST

START_TEST(a_deleted_stream)
{
    wait_on_the_belt("stream");
    router_stops();
    each_stream("DEL $");
    go_on();
    check_said("router", "stream");
    check_said(WORKER, "stream");
}
END_TEST

START_TEST(a_deleted_set_of_ids)
{
    wait_on_the_belt("set");
    each_stream("DEL on:$");
    load_post(PART); /* hints, beside what the set no longer knows: it is made anew where they come */
    flow_wait(belt_look("deliver:coreldove:*").ids > PART + PART / 4, 10);
    ck_assert_int_eq(belt_look("deliver:coreldove:*").doubles, 0);
    router_stops();
    each_stream("DEL on:$");
    go_on();
}
END_TEST

/* Of each stream the entries of this version. */
static void delete_entries(const char *version)
{
    each_stream(api_text(
        "EVAL for\t_,e\tin\tipairs(redis.call('XRANGE',KEYS[1],'-','+'))do\tif\te[2][2]==ARGV[1]then\t"
        "redis.call('XDEL',KEYS[1],e[1])end\tend 1 $ %s",
        version));
}

/* An entry of a newer version stays in each stream, so that none of them ever runs empty: reading alone would not notice. */
START_TEST(a_tail_cut_off)
{
    each_stream("XADD $ * v 9 x y");
    wait_on_the_belt("tail");
    router_stops();
    delete_entries("1");
    ck_assert_int_ge(belt_look("*").orphans, 2 * PART);
    stack_signal("router", SIGCONT);
    stack_signal(WORKER, SIGCONT);
    load_post(PART);
    load_check_delivered_once();
    delete_entries("9");
    belt_check_empty();
    check_said("router", "set");
    check_said(WORKER, "set");
}
END_TEST

/* By hand, as anybody and under the owner's own name: nobody of ours has these in hand. */
START_TEST(entries_that_somebody_else_read)
{
    wait_on_the_belt("stolen");
    router_stops();
    each_stream("XREADGROUP GROUP sync somebody COUNT 1 STREAMS $ >");
    each_stream("XREADGROUP GROUP sync owner COUNT 1000 STREAMS $ >");
    go_on();
    check_said("router", "entry");
    check_said(WORKER, "entry");
}
END_TEST

START_TEST(keys_of_another_type)
{
    wait_on_the_belt("type");
    router_stops();
    each_stream("SET $ text");
    each_stream("SET on:$ text");
    go_on();
    check_said("router", "key");
    check_said(WORKER, "key");
}
END_TEST

int main(void)
{
    static const char *const env[] = {"LEASE_SECONDS=20s", "SYNC_INTERVAL_SECONDS=1s", NULL};
    static const struct stack_options options = {.env = env};

    return flow_run("redis_loss", &options,
                    (const TTest *[]){everything_flushed, an_empty_directory_after_a_restart,
                                      an_append_only_file_without_its_end, a_deleted_group, a_deleted_stream,
                                      a_deleted_set_of_ids, a_tail_cut_off, entries_that_somebody_else_read,
                                      keys_of_another_type, NULL});
}
