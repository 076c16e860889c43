/*
 * flow_rate.c: rate_per_minute of a platform file: one entity goes out no faster, the others go past it, and nothing is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "flow_fixture.h"

#define RATE 600 /* a minute: 60 at once, then 9 a second */
#define AT_ONCE 60
#define PER_SECOND 9
#define USERS 100

static char dir[160];

/* The shipped files, with a limit for coreldove's users and for its analytics. */
static void make_dir(void)
{
    const char *base = getenv("TMPDIR");
    char line[1000];

    snprintf(dir, sizeof dir, "%s/rate.XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(dir))
        exit(1);
    snprintf(
        line, sizeof line,
        "chmod 755 '%s' && cp config/platforms/*.conf '%s' && sed -i "
        "'s|^  user: {|  user: { rate_per_minute = %d;|; s|/analytics/update\";|& rate_per_minute = 30;|' "
        "'%s/coreldove.conf'",
        dir, dir, RATE, dir);
    if (system(line) != 0)
        exit(1);
}

static void remove_dir(void)
{
    char line[400];

    snprintf(line, sizeof line, "rm -f '%s'/*.conf && rmdir '%s'", dir, dir);
    if (system(line) != 0)
        printf("%s stays\n", dir);
}

static const char *bulk_of_users(const char *prefix, int count)
{
    struct buf body = BUF_INIT;

    buf_add_str(&body, "{\"events\":[");
    for (int i = 0; i < count; i++)
        buf_addf(&body,
                 "%s{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\",\"target_platforms\":"
                 "[\"coreldove\",\"bizoholic\"],\"data\":{\"id\":\"%s%d\",\"email\":\"r@example.com\","
                 "\"name\":\"R\"}}",
                 i ? "," : "", prefix, i);
    buf_add_str(&body, "]}");
    return pick_keep(buf_detach(&body, NULL));
}

static size_t count_users(const char *platform)
{
    return fake_count(platform, 0, "/path", "/api/sync/user/create");
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

/* None came before its place in the minute, a second of which is lent ahead, give or take what the network does. */
static void check_pace(const char *path)
{
    const struct json *all = fake_received("coreldove", 0);
    int64_t times[USERS * 2];
    size_t count = 0;

    for (size_t i = 0; i < json_count(all) && count < COUNT(times); i++)
        if (strcmp(pick_text(json_at(all, i), "/path"), path) == 0)
            times[count++] = pick_int(json_at(all, i), "/time_us");
    qsort(times, count, sizeof *times, by_value);
    for (size_t i = 0; i < count; i++) {
        double places = AT_ONCE + PER_SECOND * (double)(times[i] - times[0] + 1200000) / 1e6;
        ck_assert_msg((double)i < places + 1, "%zu came within %lld ms", i + 1,
                      (long long)(times[i] - times[0]) / 1000);
    }
}

START_TEST(one_entity_goes_out_at_its_rate_and_the_others_go_past_it)
{
    const struct api_answer *answer = api_post("/sync/events/bulk", bulk_of_users("rate", USERS));

    ck_assert_int_eq(answer->status, 200);
    flow_wait(count_users("bizoholic") == USERS, 10); /* which has no limit */
    size_t before = count_users("coreldove");
    ck_assert_uint_lt(before, USERS);
    const char *id =
        api_event("{\"event_type\":\"product_created\",\"source_platform\":\"bizosaas\","
                  "\"target_platforms\":[\"coreldove\"],\"data\":{\"id\":\"past\",\"name\":\"P\","
                  "\"price\":1}}");
    api_await(id, "completed");
    ck_assert_uint_lt(count_users("coreldove"), USERS);
    flow_wait(count_users("coreldove") == USERS, 15);
    check_pace("/api/sync/user/create");
    ck_assert_int_eq(pick_int(fake_summary("coreldove"), "/duplicates"), 0);
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE state IN (0, 1)") == 0, 10);
}
END_TEST

/* A user's update waits for the same places as its create; the newest version goes out alone. */
START_TEST(what_piles_up_behind_the_rate_collapses)
{
    ck_assert_int_eq(api_post("/sync/events/bulk", bulk_of_users("pile", AT_ONCE + 20))->status, 200);
    const char *id = NULL;
    for (int i = 0; i < 5; i++)
        id = api_event("{\"event_type\":\"user_updated\",\"source_platform\":\"bizosaas\","
                       "\"target_platforms\":[\"coreldove\"],\"data\":{\"id\":\"pile%d\",\"name\":\"N%d\"}}",
                       AT_ONCE + 19, i);
    api_await(id, "completed");
    const struct json *record =
        fake_record("coreldove", "user", API_TENANT, api_text("pile%d", AT_ONCE + 19));
    pick_check(record, "/data/customer_name", "N4");
}
END_TEST

START_TEST(types_without_a_record_have_limits_of_their_own)
{
    for (int i = 0; i < 6; i++) /* 30 a minute: three at once, one more every 2.2 s */
        api_event("{\"event_type\":\"analytics_updated\",\"source_platform\":\"bizosaas\","
                  "\"target_platforms\":[\"coreldove\"],\"data\":{\"n\":%d}}",
                  i);
    api_await(api_event("{\"event_type\":\"system_health\",\"source_platform\":\"bizosaas\","
                        "\"target_platforms\":[\"coreldove\"],\"data\":{}}"),
              "completed");
    ck_assert_uint_lt(fake_count("coreldove", 0, "/path", "/api/sync/analytics/update"), 6);
    flow_wait(fake_count("coreldove", 0, "/path", "/api/sync/analytics/update") == 6, 15);
}
END_TEST

int main(void)
{
    char variable[300];
    const char *const env[] = {variable, NULL};
    const struct stack_options options = {.env = env};

    make_dir();
    snprintf(variable, sizeof variable, "PLATFORM_DIR=%s", dir);
    int status = flow_run("rate", &options,
                          (const TTest *[]){one_entity_goes_out_at_its_rate_and_the_others_go_past_it,
                                            what_piles_up_behind_the_rate_collapses,
                                            types_without_a_record_have_limits_of_their_own, NULL});
    remove_dir();
    return status;
}
