/*
 * flow_formats.c: what a platform file says of routes, credentials and answers is what happens; and a fourth platform is a fourth
 * file and a fourth worker.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "flow_fixture.h"

static char dir[160];

#define ROUTES                                                                     \
    "user_updated: { method = \"PATCH\"; path = \"/api/sync/user/{id}\"; }; "      \
    "user_deleted: { method = \"DELETE\"; path = \"/api/sync/{entity}/{id}\"; }; " \
    "product_created: { success_field = \"success\"; }; "                          \
    "product_updated: { method = \"PUT\"; full = true; }; "                        \
    "lead_created: { success_field = \"state\"; success_value = \"stored\"; }; "   \
    "campaign_created: { takes = false; }; campaign_updated: { takes = false; }; " \
    "order_updated: { every_version = true; }; "

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    struct buf line = BUF_INIT;
    va_list args;

    va_start(args, format);
    buf_vaddf(&line, format, args);
    va_end(args);
    if (system(line.data) != 0)
        exit(1);
    buf_release(&line);
}

static void make_dir(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%s/formats.XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(dir))
        exit(1);
    shell("chmod 755 '%s' && cp config/platforms/*.conf '%s'", dir, dir);
    shell("sed -i 's|^echo = .*|echo = \"content\";|' '%s/bizoholic.conf'", dir);
    shell("sed -i 's|^routes: {|routes: { " ROUTES
          "|; s|^credential = .*|&\\ncredential_header = \"X-Api-Key\";|' "
          "'%s/coreldove.conf'",
          dir);
    shell("sed -i 's|^  lead: {|&\\n computed: { label = \"upper(coalesce(name, email))\"; };|; "
          "s|^routes: {|&\\n lead_updated: { when = \"score >= 50\"; };|' '%s/bizoholic.conf'",
          dir);
}

static const char *event(const char *type, const char *source, const char *targets, const char *data)
{
    return api_text(
        "{\"event_type\":\"%s\",\"source_platform\":\"%s\",\"target_platforms\":[%s],\"data\":%s}", type,
        source, targets, data);
}

static const struct json *send(const char *type, const char *source, const char *data)
{
    const char *id = api_event("%s", event(type, source, "\"coreldove\"", data));
    const struct json *got = fake_await("coreldove", "/body/event_id", id);

    api_await(id, "completed");
    return got;
}

static struct json *shown(const char *type, const char *source, const char *target, const char *data)
{
    const struct api_answer *answer =
        api_send(&(struct api_request){.url = "/sync/mappings/preview",
                                       .body = event(type, source, api_text("\"%s\"", target), data),
                                       .token = api_token(API_TENANT, "operator")});

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    return pick(answer->json, "/targets/0");
}

START_TEST(a_route_has_its_own_method_and_path_with_the_platforms_id)
{
    const struct json *got =
        send("user_created", "bizosaas", "{\"id\":\"m1\",\"email\":\"m@example.com\",\"name\":\"M\"}");
    const char *own =
        sql_text("SELECT platform_id FROM record_platforms p JOIN records r ON r.id = p.record_id "
                 "WHERE r.entity_id = 'm1' AND p.platform = 'coreldove'");

    pick_check(got, "/method", "POST");
    pick_check(got, "/path", "/api/sync/user/create");
    pick_equal(got, "/headers/authorization", "null"); /* it stands in X-Api-Key */
    ck_assert_msg(own != NULL, "the platform's own id was not learnt");
    const struct json *preview =
        shown("user_updated", "bizosaas", "coreldove", "{\"id\":\"m1\",\"name\":\"N\"}");
    got = send("user_updated", "bizosaas", "{\"id\":\"m1\",\"name\":\"N\"}");
    pick_check(got, "/method", "PATCH");
    pick_check(got, "/path", api_text("/api/sync/user/%s", own));
    pick_check(preview, "/method", "PATCH");
    pick_check(preview, "/path", pick_text(got, "/path"));
    got = send("user_deleted", "bizosaas", "{\"id\":\"m1\"}");
    pick_check(got, "/method", "DELETE");
    pick_check(got, "/path", api_text("/api/sync/user/%s", own));
}
END_TEST

/* What the platform made itself is known by the id that it gave. */
START_TEST(an_id_in_a_path_is_encoded)
{
    const char *id = "x/y?z%\xc3\xa9 #1";
    const char *made = api_event(
        "%s", event("user_created", "coreldove", "\"bizosaas\"",
                    api_text("{\"customer_id\":\"%s\",\"email\":\"e@example.com\",\"name\":\"E\"}", id)));

    api_await(made, "completed");
    const struct json *got = send("user_updated", "bizosaas", api_text("{\"id\":\"%s\",\"name\":\"F\"}", id));
    pick_check(got, "/path", "/api/sync/user/x%2Fy%3Fz%25%C3%A9%20%231");
}
END_TEST

START_TEST(a_full_route_gets_the_whole_record)
{
    send("product_created", "bizosaas",
         "{\"id\":\"f1\",\"name\":\"Lamp\",\"price\":1,\"colour\":\"red\",\"inventory\":3}");
    const struct json *got = send("product_updated", "bizosaas", "{\"id\":\"f1\",\"price\":2}");

    pick_check(got, "/method", "PUT");
    pick_check(got, "/path", "/api/sync/product/update");
    pick_check(got, "/body/data/colour", "red");
    pick_check(got, "/body/data/product_inventory", "3");
    pick_equal(
        got, "/body/data/_sync_metadata/changed_fields",
        pick_print(pick(shown("product_updated", "bizosaas", "coreldove", "{\"id\":\"f1\",\"price\":3}"),
                        "/body/data/_sync_metadata/changed_fields")));
}
END_TEST

START_TEST(an_answer_that_fails_the_files_success_test_is_a_failure)
{
    const char *id = api_event("%s", event("lead_created", "bizosaas", "\"coreldove\",\"bizoholic\"",
                                           "{\"id\":\"s1\",\"email\":\"s@example.com\",\"status\":\"new\"}"));
    api_await(id, "failed");
    ck_assert_str_eq(
        sql_text("SELECT error FROM deliveries WHERE event_id = '%s' AND target = 'coreldove'", id),
        "the platform answered 2xx, but its body fails the success test of its file");
    fake_await("bizoholic", "/body/event_id", id);
}
END_TEST

START_TEST(what_a_platform_does_not_take_is_skipped_and_shown_so)
{
    const char *data = "{\"id\":\"t1\",\"name\":\"C\",\"status\":\"active\"}";
    const struct json *answer =
        api_await(api_event("%s", event("campaign_created", "bizosaas", "\"coreldove\"", data)), "completed");

    pick_check(answer, "/results/0/status", "skipped");
    pick_check(answer, "/results/0/reason", "this platform does not take this type of event");
    pick_check(shown("campaign_created", "bizosaas", "coreldove", data), "/skipped",
               "this platform does not take this type of event");
}
END_TEST

START_TEST(a_record_goes_where_the_routes_condition_holds_for_it_and_is_shown_so)
{
    static const char why[] = "this platform takes this only when score >= 50";
    const char *data = "{\"id\":\"w1\",\"email\":\"w@example.com\",\"status\":\"new\",\"score\":49.5}";
    const struct json *answer =
        api_await(api_event("%s", event("lead_updated", "bizosaas", "\"bizoholic\"", data)), "completed");

    pick_check(answer, "/results/0/status", "skipped");
    pick_check(answer, "/results/0/reason", why);
    pick_check(shown("lead_updated", "bizosaas", "bizoholic", data), "/skipped", why);
    data = "{\"id\":\"w1\",\"score\":50}";
    const struct json *preview = shown("lead_updated", "bizosaas", "bizoholic", data);
    const char *id = api_event("%s", event("lead_updated", "bizosaas", "\"bizoholic\"", data));
    const struct json *got = fake_await("bizoholic", "/body/event_id", id);
    pick_check(got, "/body/data/contact_email", "w@example.com"); /* all of it: none was sent before */
    pick_check(got, "/body/data/label", "W@EXAMPLE.COM");
    pick_check(preview, "/body/data/label", "W@EXAMPLE.COM");
    answer =
        api_await(api_event("%s", event("lead_updated", "bizosaas", "\"bizoholic\"",
                                        "{\"id\":\"w2\",\"email\":\"x@example.com\",\"status\":\"new\"}")),
                  "failed");
    pick_check(
        answer, "/results/0/error_message",
        "the condition of bizoholic for this route, score >= 50, cannot be tested: column 1: >= takes a "
        "number or a text, and here is null");
}
END_TEST

START_TEST(every_version_goes_out_where_the_file_says_so)
{
    send("order_created", "bizosaas", "{\"id\":\"v1\",\"amount\":1,\"status\":\"new\"}");
    fake_control("coreldove", "{\"rules\":[{\"match\":{\"path\":\"/api/sync/order/update\"},\"times\":1,"
                              "\"delay_ms\":300}]}"); /* the others pile up */
    const char *last = NULL;
    for (int i = 0; i < 4; i++)
        last = api_event("%s", event("order_updated", "bizosaas", "\"coreldove\"",
                                     api_text("{\"id\":\"v1\",\"status\":\"step%d\"}", i)));
    api_await(last, "completed");
    for (int i = 0; i < 4; i++)
        fake_await("coreldove", "/body/data/order_status", api_text("step%d", i));
}
END_TEST

START_TEST(a_platform_that_does_not_return_our_metadata_cannot_name_a_record_by_it)
{
    api_await(api_event("%s", event("user_created", "bizosaas", "\"bizoholic\"",
                                    "{\"id\":\"e1\",\"email\":\"e@example.com\",\"name\":\"E\"}")),
              "completed");
    const char *record = sql_text("SELECT id FROM records WHERE entity_id = 'e1'");
    static const char *const rows[][2] = {{"bizoholic", "e2"},
                                          {"coreldove", "e3"}}; /* echo: content, metadata */
    for (size_t i = 0; i < COUNT(rows); i++)
        api_await(
            api_event(
                "%s",
                event("user_updated", rows[i][0], "\"bizosaas\"",
                      api_text("{\"id\":\"%s\",\"email\":\"e@example.com\",\"name\":\"E\",\"phone\":\"+911\","
                               "\"_sync_metadata\":{\"record_id\":\"%s\"}}",
                               rows[i][1], record))),
            "completed");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM records WHERE entity_id = 'e2'"), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM records WHERE entity_id = 'e3'"), 0);
    ck_assert_int_eq(sql_int("SELECT version FROM records WHERE id = '%s'", record), 2);
}
END_TEST

/* ── the fourth ── */

static pid_t start_worker(const char *platform)
{
    char line[32] = "";
    FILE *pipe =
        popen(api_text("set -a; . '%s/env'; SHOP_URL=$BIZOSAAS_BRAIN_URL PLATFORM_DIR='%s' ENVIRONMENT=test "
                       "METRICS_ADDR=off '%s' --platform %s >'%s/shop.log' 2>&1 & echo $!",
                       stack_dir(), dir, stack_bin("worker"), platform, dir),
              "r");

    ck_assert(pipe && fgets(line, sizeof line, pipe));
    pclose(pipe);
    return (pid_t)strtol(line, NULL, 10);
}

START_TEST(a_fourth_platform_is_a_fourth_file_and_a_worker)
{
    static const char *const programs[] = {"api-gateway", "router", "resolver"};

    shell("sed -e 's|BIZOSAAS_BRAIN_URL|SHOP_URL|; s|^credential = .*||; s|\"user_name\"|\"shopper\"|; "
          "s|currency = .*|currency = \"JPY\"; decimals = 0;|; s|per_usd = .*|per_usd = \"150\";|' "
          "config/platforms/bizosaas.conf > '%s/shop.conf' && chmod 644 '%s/shop.conf'",
          dir, dir);
    for (size_t i = 0; i < COUNT(programs); i++)
        stack_signal(programs[i], SIGHUP);
    flow_wait(
        api_post("/sync/events", event("user_created", "bizoholic", "\"shop\"",
                                       "{\"id\":\"shop1\",\"email\":\"s@example.com\",\"name\":\"Shopper\"}"))
                ->status == 200,
        10);
    pid_t worker = start_worker("shop");
    const struct json *got = fake_await("bizosaas", "/body/data/shopper", "Shopper");
    pick_check(got, "/body/data/_sync_metadata/target_platform", "shop");
    pick_check(got, "/body/data/_platform_context/currency", "JPY");
    const char *id = api_event("%s", event("product_created", "coreldove", "\"shop\"",
                                           "{\"id\":\"shop2\",\"name\":\"L\",\"price\":83}"));
    got = fake_await("bizosaas", "/body/event_id", id);
    pick_check(got, "/body/data/price", "150");
    api_await(id, "completed");
    api_event("%s", event("user_updated", "shop", "\"bizoholic\"",
                          "{\"user_id\":\"shop1\",\"shopper\":\"Other\"}"));
    fake_await("bizoholic", "/body/data/full_name", "Other");
    kill(worker, SIGTERM);
    flow_wait(kill(worker, 0) != 0, 10);
}
END_TEST

int main(void)
{
    char variable[300];
    const char *const env[] = {variable, "CORELDOVE_API_KEY=a-key-of-the-shop", NULL};
    const struct stack_options options = {.env = env};

    make_dir();
    snprintf(variable, sizeof variable, "PLATFORM_DIR=%s", dir);
    int status =
        flow_run("formats", &options,
                 (const TTest *[]){a_route_has_its_own_method_and_path_with_the_platforms_id,
                                   an_id_in_a_path_is_encoded, a_full_route_gets_the_whole_record,
                                   an_answer_that_fails_the_files_success_test_is_a_failure,
                                   what_a_platform_does_not_take_is_skipped_and_shown_so,
                                   a_record_goes_where_the_routes_condition_holds_for_it_and_is_shown_so,
                                   every_version_goes_out_where_the_file_says_so,
                                   a_platform_that_does_not_return_our_metadata_cannot_name_a_record_by_it,
                                   a_fourth_platform_is_a_fourth_file_and_a_worker, NULL});
    shell("rm -f '%s'/*.conf '%s/shop.log'; rmdir '%s'", dir, dir, dir);
    return status;
}
