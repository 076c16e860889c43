/* flow_backfill_file.c: first syncs from lines of JSON, whole and in parts, over the API and by syncctl; and who may do what. */
#include <sys/wait.h>

#include "backfill_fixture.h"
#include "flow_fixture.h"
#include "mem.h"

#define RECORD(id) \
    "{\"user_id\":\"" id "\",\"full_name\":\"N " id "\",\"email_address\":\"" id "@example.com\"}"
#define LINE(id) RECORD(id) "\n"

static int64_t events_of(const char *tenant)
{
    return sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = '%s'", tenant);
}

static const struct {
    const char *line, *reason;
} bad_lines[] = {
    {"not json", "no JSON"},
    {"{\"user_id\":\"x\",\"user_id\":\"y\"}", "no JSON"},
    {"[1]", "must be an object, not array"},
    {"{\"entity_type\":\"alien\",\"data\":{}}", "entity_type must be"},
    {"{\"entity_type\":7,\"data\":{}}", "entity_type must be"},
    {"{\"entity_type\":\"user\",\"data\":{\"email_address\":\"x@example.com\"}}", "no id"},
    {"{\"entity_type\":\"user\",\"data\":{\"user_id\":{\"a\":1}}}", "no id"},
    {"{\"entity_type\":\"user\",\"data\":{\"user_id\":\"b7\",\"email_address\":\"nowhere\"}}",
     "/data/email_address"},
    {"{\"user_id\":\"b8\"}", "the job must name one entity"},
    {"{\"entity_type\":\"lead\",\"data\":{\"lead_id\":\"good\"}}", NULL},
};

START_TEST(bad_lines_are_refused_by_their_numbers_and_the_good_ones_go_on)
{
    const char *tenant = "lines", *id;
    struct buf lines = BUF_INIT;
    struct json *job;

    buf_add_str(&lines, "\n{\"entity_type\":\"user\",\"data\":" RECORD("good1") "}\r\n   \n");
    for (size_t i = 0; i < COUNT(bad_lines); i++)
        buf_addf(&lines, "%s\n", bad_lines[i].line);
    buf_add_str(&lines,
                "{\"entity_type\":\"user\",\"data\":{\"user_id\":\"good2\",\"full_name\":\"🙂 \\u202eabc\","
                "\"email_address\":\"good2@example.com\"}}"); /* without a line break at the end */
    id = backfill_start_lines(tenant, "platform=bizoholic&rate=1000", lines.data);
    buf_release(&lines);
    job = backfill_await(tenant, id, "done");
    pick_equal(job, "/accepted", "3");
    pick_equal(job, "/pages", "1");
    for (size_t i = 0; i + 1 < COUNT(bad_lines); i++) {
        ck_assert_int_eq(pick_int(job, api_text("/refusals/%zu/line", i)), (int64_t)i + 4);
        const char *reason = pick_text(job, api_text("/refusals/%zu/reason", i));
        ck_assert_msg(strstr(reason, bad_lines[i].reason), "%s: %s", bad_lines[i].line, reason);
    }
    ck_assert_int_eq(backfill_kept("bizosaas", "user", tenant), 2);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM backfill_parts"), 0);
}
END_TEST

START_TEST(lines_are_records_alone_where_the_job_names_one_entity)
{
    const char *tenant = "alone", *id;

    id = backfill_start_lines(tenant, "platform=bizoholic&entity=user&targets=bizosaas",
                              LINE("a1") LINE("a2") LINE("a1"));
    pick_equal(backfill_await(tenant, id, "done"), "/accepted", "3");
    ck_assert_int_eq(backfill_kept("bizosaas", "user", tenant), 2);
    ck_assert_int_eq(backfill_kept("coreldove", "user", tenant), 0);
}
END_TEST

START_TEST(what_changed_since_the_file_was_made_wins_over_it)
{
    const char *tenant = "since", *id, *event, *made;

    event = api_event_of(
        tenant, "{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                "[\"bizosaas\"],\"data\":" RECORD("s1") "}");
    flow_wait(sql_int("SELECT status FROM sync_events WHERE id = '%s'", event) == 2, 10);
    made = sql_text("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')");
    event = api_event_of(
        tenant, "{\"event_type\":\"user_updated\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                "[\"bizosaas\"],\"data\":{\"user_id\":\"s1\",\"full_name\":\"Since\"}}");
    flow_wait(sql_int("SELECT status FROM sync_events WHERE id = '%s'", event) == 2, 10);
    id = backfill_start_lines(tenant,
                              api_text("platform=bizoholic&entity=user&targets=bizosaas&as_of=%s", made),
                              "{\"user_id\":\"s1\",\"full_name\":\"In the file\",\"city\":\"Pune\"}");
    backfill_await(tenant, id, "done");
    ck_assert_str_eq(
        sql_text("SELECT " SQL_BODY("data") "::json ->> 'name' FROM records WHERE tenant_id = '%s'", tenant),
        "Since");
    pick_equal(fake_record("bizosaas", "user", tenant, "s1"), "/data/user_name", "\"Since\"");
    pick_equal(fake_record("bizosaas", "user", tenant, "s1"), "/data/city", "\"Pune\"");
}
END_TEST

static int put_part(const char *tenant, const char *id, int part, const char *lines)
{
    return api_send(&(struct api_request){.method = "PUT",
                                          .url = api_text("/sync/backfill/%s/parts/%d", id, part),
                                          .body = lines,
                                          .type = "application/x-ndjson",
                                          .token = api_token(tenant, "operator")})
        ->status;
}

START_TEST(a_file_in_parts_starts_when_all_are_there_whatever_their_order)
{
    const char *tenant = "parts", *id, *path;
    struct json *job;

    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"source\":\"file\",\"entities\":[\"user\"]}");
    path = api_text("/sync/backfill/%s", id);
    ck_assert_str_eq(backfill_state(tenant, id), "uploading");
    ck_assert_int_eq(backfill_ask(tenant, "PATCH", path, "{\"state\":\"running\"}")->status, 409);
    ck_assert_int_eq(put_part(tenant, id, 2, LINE("p3") "oops\n"), 200);
    ck_assert_int_eq(backfill_ask(tenant, "PATCH", path, "{\"state\":\"running\"}")->status, 409);
    ck_assert_int_eq(put_part(tenant, id, 1, LINE("p0") LINE("p9") LINE("p8")), 200);
    ck_assert_int_eq(put_part(tenant, id, 1, LINE("p1") LINE("p2")), 200); /* again, and in its place */
    ck_assert_int_eq(backfill_ask(tenant, "PATCH", path, "{\"state\":\"running\",\"parts\":3}")->status, 409);
    ck_assert_int_eq(put_part(tenant, id, 0, LINE("p1")), 422);
    ck_assert_int_eq(backfill_ask(tenant, "PATCH", path, "{\"state\":\"paused\"}")->status, 409);
    ck_assert_int_eq(backfill_ask(tenant, "PATCH", path, "{\"state\":\"running\",\"parts\":2}")->status, 200);
    job = backfill_await(tenant, id, "done");
    pick_equal(job, "/accepted", "3");
    pick_equal(job, "/refusals/0/line", "4");
    ck_assert_int_eq(put_part(tenant, id, 3, LINE("p4")), 409);
    ck_assert_int_eq(backfill_kept("bizosaas", "user", tenant), 3);
}
END_TEST

START_TEST(a_file_above_its_ceiling_is_refused)
{
    const char *tenant = "ceiling", *id;
    char *lines = mem_alloc(70000);

    for (size_t i = 0; i < 69999; i++)
        lines[i] = i % 50 == 49 ? '\n' : ' ';
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"source\":\"file\"}");
    ck_assert_int_eq(put_part(tenant, id, 1, lines), 200);
    ck_assert_int_eq(put_part(tenant, id, 2, lines), 413);
    ck_assert_int_eq(put_part(tenant, id, 1, lines), 200);
    ck_assert_int_eq(sql_int("SELECT count(DISTINCT part) FROM backfill_parts WHERE job_id = '%s'", id), 1);
    free(lines);
    ck_assert_int_eq(backfill_ask(tenant, "DELETE", api_text("/sync/backfill/%s", id), NULL)->status, 200);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM backfill_parts WHERE job_id = '%s'", id), 0);
}
END_TEST

/* ── who may do what ── */

static const struct {
    const char *body;
    int status;
    const char *pointer;
} wishes[] = {
    {"{\"platform\":\"shopify\"}", 422, "/platform"},
    {"{\"entities\":[\"user\"]}", 422, "/platform"},
    {"{\"platform\":\"bizoholic\",\"entities\":[\"alien\"]}", 422, "/entities/0"},
    {"{\"platform\":\"bizoholic\",\"entities\":\"user\"}", 422, "/entities"},
    {"{\"platform\":\"bizoholic\",\"targets\":[\"bizoholic\"]}", 422, "/targets/0"},
    {"{\"platform\":\"bizoholic\",\"targets\":[7]}", 422, "/targets/0"},
    {"{\"platform\":\"bizoholic\",\"rate\":0}", 422, "/rate"},
    {"{\"platform\":\"bizoholic\",\"rate\":\"9\"}", 422, "/rate"},
    {"{\"platform\":\"bizoholic\",\"rate\":1e9}", 422, "/rate"},
    {"{\"platform\":\"bizoholic\",\"source\":\"tape\"}", 422, "/source"},
    {"{\"platform\":\"bizoholic\",\"as_of\":\"2024-01-01T00:00:00Z\"}", 422, "/as_of"},
    {"{\"platform\":\"bizoholic\",\"source\":\"file\",\"as_of\":\"yesterday\"}", 422, "/as_of"},
    {"{\"platform\":\"bizoholic\",\"speed\":9}", 422, "/speed"},
    {"{\"platform\":\"bizoholic\",\"tenant_id\":7}", 422, "/tenant_id"},
    {"[]", 422, ""},
    {"{", 400, NULL},
    {"{\"platform\":\"bizoholic\",\"tenant_id\":\"somebody\"}", 403, NULL},
};

START_TEST(a_wish_that_does_not_validate_is_refused_with_the_member_named)
{
    for (size_t i = 0; i < COUNT(wishes); i++) {
        const struct api_answer *answer = backfill_ask("wishes", "POST", "/sync/backfill", wishes[i].body);
        ck_assert_msg(answer->status == wishes[i].status, "%s: %d %s", wishes[i].body, answer->status,
                      answer->body);
        if (wishes[i].pointer)
            pick_check(answer->json, "/errors/0/pointer", wishes[i].pointer);
    }
    ck_assert_int_eq(sql_int("SELECT count(*) FROM backfill_jobs WHERE tenant_id IN ('wishes', 'somebody')"),
                     0);
}
END_TEST

START_TEST(roles_and_foreign_tenants)
{
    const char *id = backfill_start("owner", "{\"platform\":\"bizoholic\",\"source\":\"file\"}");
    const char *path = api_text("/sync/backfill/%s", id);

    ck_assert_int_eq(backfill_ask("foreign", "GET", path, NULL)->status, 404);
    ck_assert_int_eq(backfill_ask("foreign", "PATCH", path, "{\"rate\":5}")->status, 404);
    ck_assert_int_eq(backfill_ask("foreign", "DELETE", path, NULL)->status, 404);
    ck_assert_int_eq(put_part("foreign", id, 1, LINE("f")), 404);
    ck_assert_int_eq(
        (int)json_count(pick(backfill_ask("foreign", "GET", "/sync/backfill", NULL)->json, "/jobs")), 0);
    ck_assert_int_eq(
        (int)json_count(pick(backfill_ask("owner", "GET", "/sync/backfill", NULL)->json, "/jobs")), 1);
    ck_assert_int_eq(
        (int)json_count(
            pick(backfill_ask("*", "GET", "/sync/backfill?tenant_id=owner&limit=1", NULL)->json, "/jobs")),
        1);
    ck_assert_int_eq(backfill_ask("*", "POST", "/sync/backfill", "{\"platform\":\"bizoholic\"}")->status,
                     422);
    ck_assert_int_eq(api_send(&(struct api_request){.url = "/sync/backfill",
                                                    .body = "{\"platform\":\"bizoholic\"}",
                                                    .token = api_token("owner", "service")})
                         ->status,
                     403);
    ck_assert_int_eq(
        api_send(&(struct api_request){.url = "/sync/backfill",
                                       .body = "{\"platform\":\"bizoholic\"}",
                                       .token = api_token_for("owner", "operator", "coreldove", NULL)})
            ->status,
        403);
    ck_assert_int_eq(backfill_ask("owner", "PATCH", path, "{\"rate\":5}")->status, 200);
    pick_equal(backfill_look("owner", id), "/rate", "5");
    ck_assert_int_eq(backfill_ask("owner", "PATCH", path, "{}")->status, 422);
    ck_assert_int_eq(backfill_ask("owner", "PATCH", path, "{\"state\":\"done\"}")->status, 422);
    ck_assert_int_eq(backfill_ask("owner", "GET", "/sync/backfill/7", NULL)->status, 404);
    ck_assert_int_eq(backfill_ask("owner", "GET", "/sync/backfill?state=odd", NULL)->status, 422);
}
END_TEST

START_TEST(one_list_is_read_once_at_a_time_and_a_tenant_has_so_many_unfinished_ones)
{
    const char *tenant = "many", *list = "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":1}";
    const char *file = "{\"platform\":\"bizoholic\",\"source\":\"file\"}";

    backfill_preload(tenant, "user", 50);
    backfill_start(tenant, "%s", list);
    pick_check(backfill_ask(tenant, "POST", "/sync/backfill", list)->json, "/type",
               "urn:data-sync:problem:backfill-running");
    for (int i = 0; i < 2; i++)
        backfill_start(tenant, "%s", file);
    pick_check(backfill_ask(tenant, "POST", "/sync/backfill", file)->json, "/type",
               "urn:data-sync:problem:too-many-backfills");
}
END_TEST

/* ── syncctl ── */

static int syncctl(struct buf *said, const char *arguments)
{
    char line[1024];
    FILE *pipe = popen(api_text("API_URL='%s' JWT_SECRET='%s' ENVIRONMENT=development %s backfill %s 2>&1",
                                stack_setting("API_URL"), stack_setting("JWT_SECRET"), stack_bin("syncctl"),
                                arguments),
                       "r");

    ck_assert(pipe != NULL);
    buf_reset(said);
    while (fgets(line, sizeof line, pipe))
        buf_add_str(said, line);
    return WEXITSTATUS(pclose(pipe));
}

START_TEST(syncctl_sends_a_file_in_parts_and_waits_for_its_end)
{
    const char *tenant = "ctl", *path = api_text("%s/big.ndjson", stack_dir());
    FILE *file = fopen(path, "w");
    struct buf said = BUF_INIT;

    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 300; i++)
        fprintf(file,
                "{\"user_id\":\"c%d\",\"note\":\"%*s\",\"email_address\":\"c%d@example.com\",\"full_name\":"
                "\"C\"}\n",
                i, 20000, "x", i);
    fputs("junk\n", file);
    fclose(file);
    ck_assert_int_eq(
        syncctl(&said, api_text("--tenant %s --platform bizoholic --entity user --target bizosaas --rate "
                                "5000 --file %s --wait",
                                tenant, path)),
        0);
    ck_assert_msg(strstr(said.data, "done: read 301, accepted 300, refused 1"), "%s", said.data);
    ck_assert_msg(strstr(said.data, "line 301 user : the line is no JSON"), "%s", said.data);
    ck_assert_int_eq(sql_int("SELECT parts FROM backfill_jobs WHERE tenant_id = '%s'", tenant), 2);
    ck_assert_int_eq(events_of(tenant), 300);

    ck_assert_int_eq(
        syncctl(&said, api_text("--tenant %s --platform bizoholic --file /nowhere/at/all", tenant)), 1);
    ck_assert_msg(strstr(said.data, "/nowhere/at/all cannot be read"), "%s", said.data);
    ck_assert_int_eq(syncctl(&said, api_text("--tenant %s --platform nobody", tenant)), 1);
    ck_assert_msg(strstr(said.data, "answers 422") && strstr(said.data, "/platform: "), "%s", said.data);
    ck_assert_int_eq(syncctl(&said, "--tenant x --id 1 --platform bizoholic"), 2);
    ck_assert_int_eq(
        syncctl(&said, api_text("--tenant %s --platform bizoholic --url http://127.0.0.1:1", tenant)), 1);
    ck_assert_msg(strstr(said.data, "does not answer"), "%s", said.data);
    buf_release(&said);
}
END_TEST

START_TEST(syncctl_pauses_resumes_and_cancels)
{
    const char *tenant = "ctl2", *id;
    struct buf said = BUF_INIT;

    backfill_preload(tenant, "user", 50);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":1}");
    ck_assert_int_eq(syncctl(&said, api_text("--tenant %s --id %s --state paused", tenant, id)), 0);
    ck_assert_str_eq(backfill_state(tenant, id), "paused");
    ck_assert_int_eq(
        syncctl(&said, api_text("--tenant %s --id %s --state running --rate 500 --wait", tenant, id)), 0);
    ck_assert_msg(strstr(said.data, "done: read 50"), "%s", said.data);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":1}");
    ck_assert_int_eq(syncctl(&said, api_text("--tenant %s --id %s --state cancelled", tenant, id)), 0);
    ck_assert_str_eq(backfill_state(tenant, id), "cancelled");
    ck_assert_int_eq(syncctl(&said, api_text("--tenant foreign --id %s", id)), 1);
    ck_assert_msg(strstr(said.data, "answers 404"), "%s", said.data);
    buf_release(&said);
}
END_TEST

/* ── its window ── */

START_TEST(it_stops_asking_while_so_many_of_its_events_wait_and_goes_on_when_they_do_not)
{
    const char *tenant = "window", *beside = "window2", *id, *other;

    stack_stop("worker-bizosaas");
    backfill_preload(tenant, "user", 250);
    backfill_preload(beside, "user", 5);
    id = backfill_start(tenant, "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"rate\":5000}");
    flow_wait(pick_int(backfill_look(tenant, id), "/read") == 100, 10);
    other = backfill_start(
        beside,
        "{\"platform\":\"bizoholic\",\"entities\":[\"user\"],\"targets\":[\"coreldove\"],\"rate\":1}");
    backfill_await(beside, other, "done"); /* some seconds later */
    pick_equal(backfill_look(tenant, id), "/read", "100");
    pick_equal(backfill_look(tenant, id), "/waiting", "100");
    stack_start("worker-bizosaas");
    pick_equal(backfill_await(tenant, id, "done"), "/accepted", "250");
    ck_assert_int_eq(backfill_kept("bizosaas", "user", tenant), 250);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"BACKFILL_FILE_MAX_BYTES=16MiB", "BACKFILL_TENANT_JOBS=3", NULL};
    static const char *const small[] = {"BACKFILL_FILE_MAX_BYTES=100KiB", NULL};
    static const char *const narrow[] = {"BACKFILL_WINDOW=100", NULL};
    int failed =
        flow_run("backfill_file", &(struct stack_options){.env = env},
                 (const TTest *[]){bad_lines_are_refused_by_their_numbers_and_the_good_ones_go_on,
                                   lines_are_records_alone_where_the_job_names_one_entity,
                                   what_changed_since_the_file_was_made_wins_over_it,
                                   a_file_in_parts_starts_when_all_are_there_whatever_their_order,
                                   a_wish_that_does_not_validate_is_refused_with_the_member_named,
                                   roles_and_foreign_tenants,
                                   one_list_is_read_once_at_a_time_and_a_tenant_has_so_many_unfinished_ones,
                                   syncctl_sends_a_file_in_parts_and_waits_for_its_end,
                                   syncctl_pauses_resumes_and_cancels, NULL});
    failed |=
        flow_run("backfill_ceiling",
                 &(struct stack_options){.env = small, .replicas = "worker=0,router=0,resolver=0,monitor=0"},
                 (const TTest *[]){a_file_above_its_ceiling_is_refused, NULL});
    return flow_run(
               "backfill_window", &(struct stack_options){.env = narrow},
               (const TTest *[]){
                   it_stops_asking_while_so_many_of_its_events_wait_and_goes_on_when_they_do_not, NULL}) ||
           failed;
}
