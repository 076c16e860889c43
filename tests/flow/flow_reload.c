/*
 * flow_reload.c: platform files change while everything runs. A file with a mistake is refused with its line by every program,
 * at start, by --check and at SIGHUP, and the old one stays; a good one takes effect with SIGHUP.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "flow_fixture.h"

static char dir[256];
static const char *const files[] = {"bizoholic.conf", "bizosaas.conf", "coreldove.conf"};
static const char *const programs[] = {"api-gateway", "router", "worker-coreldove"};

static const char *shipped(const char *name)
{
    struct buf text = BUF_INIT;
    char block[4096];
    size_t n;
    FILE *file = fopen(api_text("config/platforms/%s", name), "r");

    ck_assert_msg(file != NULL, "config/platforms/%s cannot be read: run this from the top", name);
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        buf_add(&text, block, n);
    fclose(file);
    return pick_keep(buf_detach(&text, NULL));
}

static void write_file(const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, "%s cannot be written", path);
    chmod(path, 0644);
}

/* The shipped file with one text replaced; the line that it stands in. */
static int write_changed(const char *name, const char *from, const char *to)
{
    struct buf text = BUF_INIT;
    const char *whole = shipped(name), *at = strstr(whole, from);
    int line = 1;

    ck_assert_msg(at != NULL, "%s holds no %s", name, from);
    for (const char *c = whole; c < at; c++)
        line += *c == '\n';
    buf_add(&text, whole, (size_t)(at - whole));
    buf_add_str(&text, to);
    buf_add_str(&text, at + strlen(from));
    write_file(name, text.data);
    buf_release(&text);
    return line;
}

static void restore(void)
{
    for (size_t i = 0; i < COUNT(files); i++)
        write_file(files[i], shipped(files[i]));
}

static void make_dir(void)
{
    const char *base = getenv("TMPDIR");

    char line[600];

    snprintf(dir, sizeof dir, "%s/reload.XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(dir))
        exit(1);
    snprintf(line, sizeof line, "chmod 755 '%s' && cp config/platforms/*.conf '%s'", dir, dir);
    if (system(line) != 0)
        exit(1);
}

static void remove_dir(void)
{
    for (size_t i = 0; i < COUNT(files); i++)
        unlink(api_text("%s/%s", dir, files[i]));
    rmdir(dir);
}

static void hang_up(void)
{
    for (size_t i = 0; i < COUNT(programs); i++)
        stack_signal(programs[i], SIGHUP);
}

/* Every program says so, since the count that there was. */
static void await_log(const char *text, const int *before)
{
    for (size_t i = 0; i < COUNT(programs); i++)
        flow_wait(stack_log_count(programs[i], text) > before[i], 10);
}

static void count_log(const char *text, int *counts)
{
    for (size_t i = 0; i < COUNT(programs); i++)
        counts[i] = stack_log_count(programs[i], text);
}

/* What coreldove is sent for a user and a product of this id. */
static const struct json *send_user(const char *id)
{
    return fake_await("coreldove", "/body/event_id",
                      api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\","
                                "\"target_platforms\":[\"coreldove\"],\"data\":{\"id\":\"%s\","
                                "\"email\":\"r@example.com\",\"name\":\"R\",\"status\":\"active\"}}",
                                id));
}

static const struct json *send_product(const char *id)
{
    return fake_await("coreldove", "/body/event_id",
                      api_event("{\"event_type\":\"product_created\",\"source_platform\":\"bizosaas\","
                                "\"target_platforms\":[\"coreldove\"],\"data\":{\"id\":\"%s\","
                                "\"name\":\"Lamp\",\"price\":10}}",
                                id));
}

/* ── mistakes ── */

static const struct {
    const char *from, *to, *reason;
} mistakes[] = {
    {"per_usd = \"83\";", "per_usd = \"83 rupees\";", "per_usd must be a positive number"},
    {"currency = \"INR\";", "currency = INR;", "cannot be understood: syntax error"},
    {"echo = \"metadata\";", "ecco = \"metadata\";", "ecco is no setting that is known here"},
    {"inactive = \"draft\";", "inactive = \"published\";", "stands for active already"},
    {"status = \"order_status\";", "status = \"id\";", "gives the name id to both"},
    {"phone = \"customer_phone\";", "phone = \"status\";",
     "user.phone is not stable: it is called status there, which is a field of its own"},
};

START_TEST(a_broken_file_is_refused_at_reload_with_its_line_and_the_old_one_stays)
{
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        int before[COUNT(programs)];
        int line = write_changed("coreldove.conf", mistakes[i].from, mistakes[i].to);
        const char *told = i == 4 ? api_text("coreldove.conf:")
                                  : api_text("coreldove.conf:%d: ", line); /* of names: their group's line */

        count_log(mistakes[i].reason, before);
        hang_up();
        await_log(mistakes[i].reason, before);
        await_log(told, (int[COUNT(programs)]){0});
        await_log("platform files refused, the old ones stay", (int[COUNT(programs)]){0});
        const struct json *got = send_user(api_text("broken%zu", i));
        pick_check(got, "/body/data/customer_name", "R");
        pick_check(got, "/body/data/status", "published");
    }
    restore();
}
END_TEST

START_TEST(a_mended_file_takes_effect_with_the_next_hang_up)
{
    write_changed("coreldove.conf", "currency = ", "currency = 1;\ncurrency = ");
    hang_up();
    flow_wait(stack_log_count("router", "currency must be a text in quotes") > 0 ||
                  stack_log_count("router", "duplicate setting name") > 0,
              10);
    write_changed("coreldove.conf", "name = \"customer_name\"", "name = [\"buyer_name\", \"customer_name\"]");
    hang_up();
    flow_wait(pick_there(send_user(api_text("mended%d", (int)clock_mono_ms())), "/body/data/buyer_name"), 10);
    restore();
}
END_TEST

START_TEST(another_rate_counts_from_the_reload_on)
{
    pick_equal(send_product("rate1"), "/body/data/product_price", "830.00");
    write_changed("coreldove.conf", "per_usd = \"83\";", "per_usd = \"90.5\";");
    hang_up();
    flow_wait(json_equal(pick(send_product(api_text("rate%d", (int)clock_mono_ms())), "/body/data/price_inr"),
                         pick_parse("905.00", 6)),
              10);
    restore();
}
END_TEST

START_TEST(a_platform_file_that_is_gone_leaves_its_worker_with_the_old_one)
{
    unlink(api_text("%s/coreldove.conf", dir));
    stack_signal("worker-coreldove", SIGHUP);
    flow_wait(stack_log_count("worker-coreldove", "there is no file for this platform any more") > 0, 10);
    pick_check(send_user("gone"), "/body/data/customer_name", "R");
    restore();
    hang_up();
}
END_TEST

START_TEST(reloading_under_load_loses_and_doubles_nothing)
{
    const char *first = NULL, *last = NULL;

    for (int i = 0; i < 300; i++) {
        last = api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\","
                         "\"target_platforms\":[\"coreldove\",\"bizoholic\"],\"data\":{\"id\":\"load%d\","
                         "\"email\":\"l@example.com\",\"name\":\"L\"}}",
                         i);
        first = first ? first : last;
        if (i % 10 == 0)
            hang_up();
    }
    api_await(first, "completed");
    api_await(last, "completed");
    flow_wait(sql_int("SELECT count(*) FROM deliveries d JOIN sync_events e ON e.id = d.event_id "
                      "WHERE e.entity_id LIKE 'load%%' AND d.state = 2") == 600,
              30);
    ck_assert_int_eq(pick_int(fake_summary("coreldove"), "/duplicates"), 0);
}
END_TEST

/* ── start and --check ── */

/* The exit status, what was said goes to said. */
static int run(const char *line, struct buf *said)
{
    char block[1024];
    FILE *pipe = popen(line, "r");

    ck_assert(pipe != NULL);
    buf_reset(said);
    while (fgets(block, sizeof block, pipe))
        buf_add_str(said, block);
    int status = pclose(pipe);
    ck_assert_msg(WIFEXITED(status), "%s ends by a signal: %s", line, said->data);
    return WEXITSTATUS(status);
}

START_TEST(every_program_refuses_a_broken_file_when_it_is_checked_or_started)
{
    static const char *const lines[] = {"api-gateway", "router", "worker --platform coreldove"};
    struct buf said = BUF_INIT;
    int line = write_changed("coreldove.conf", "per_usd = \"83\";", "per_usd = \"eighty\";");

    for (size_t i = 0; i < COUNT(lines); i++) {
        const char *where = api_text("coreldove.conf:%d: per_usd must be a positive number", line);
        const char *command =
            api_text("ENVIRONMENT=test PLATFORM_DIR=%s timeout 20 %s", dir, stack_bin(lines[i]));
        ck_assert_int_ne(run(api_text("%s --check 2>&1", command), &said), 0);
        ck_assert_msg(strstr(said.data, where), "%s --check: %s", lines[i], said.data);
        int status = run(api_text("%s 2>&1", command), &said);
        ck_assert_msg(status != 0 && status != 124, "%s starts: %d %s", lines[i], status, said.data);
        ck_assert_msg(strstr(said.data, where), "%s: %s", lines[i], said.data);
        restore();
        status = run(api_text("%s --check 2>&1", command), &said);
        ck_assert_msg(status == 0, "%s --check: %s", lines[i], said.data);
        line = write_changed("coreldove.conf", "per_usd = \"83\";", "per_usd = \"eighty\";");
    }
    restore();
    buf_release(&said);
}
END_TEST

int main(void)
{
    char variable[300];
    const char *const env[] = {variable, NULL};
    const struct stack_options options = {.env = env};

    make_dir();
    snprintf(variable, sizeof variable, "PLATFORM_DIR=%s", dir);
    int status =
        flow_run("reload", &options,
                 (const TTest *[]){a_broken_file_is_refused_at_reload_with_its_line_and_the_old_one_stays,
                                   a_mended_file_takes_effect_with_the_next_hang_up,
                                   another_rate_counts_from_the_reload_on,
                                   a_platform_file_that_is_gone_leaves_its_worker_with_the_old_one,
                                   reloading_under_load_loses_and_doubles_nothing,
                                   every_program_refuses_a_broken_file_when_it_is_checked_or_started, NULL});
    remove_dir();
    return status;
}
