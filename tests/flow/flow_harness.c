/* flow_harness.c: what the other flow tests stand on: stores, fake platforms and processes that can be asked and ended. */
#include "flow_fixture.h"

START_TEST(the_stores_answer)
{
    ck_assert_int_eq(sql_int("SELECT %d + 1", 41), 42);
    ck_assert_ptr_null(sql_text("SELECT NULL"));
    ck_assert_str_eq(redis_line("SET flow:%s 7", "x"), "OK");
    ck_assert_int_eq(redis_number("INCR flow:x"), 8);
    ck_assert_str_eq(redis_line("GET flow:none"), "nil");
    redis_line("DEL flow:x");
}
END_TEST

START_TEST(the_fake_platforms_show_what_they_got_and_fail_when_told)
{
    const char *body = "{\"event_id\":\"e\",\"tenant_id\":\"t\",\"data\":{\"id\":\"h1\",\"name\":\"N\"}}";
    const char *url = api_text("%s/api/sync/user/create", fake_url("bizosaas"));

    fake_reset("bizosaas");
    fake_control("bizosaas", "{\"rules\":[{\"status\":503,\"times\":1}]}");
    ck_assert_int_eq(api_send(&(struct api_request){.url = url, .body = body, .token = ""})->status, 503);
    ck_assert_int_eq(api_send(&(struct api_request){.url = url, .body = body, .token = ""})->status, 200);
    ck_assert_int_eq(fake_total("bizosaas"), 2);
    ck_assert_uint_eq(fake_count("bizosaas", 0, "/body/data/id", "h1"), 2);
    ck_assert_int_eq(pick_int(fake_find("bizosaas", 0, "/body/data/id", "h1", 1), "/status"), 200);
    pick_equal(fake_record("bizosaas", "user", "t", "h1"), "/data/name", "\"N\"");
    ck_assert_ptr_null(fake_record("bizosaas", "user", "t", "h2"));
    fake_reset("bizosaas");
}
END_TEST

START_TEST(a_process_can_be_stopped_killed_and_started)
{
    ck_assert(stack_running("router"));
    ck_assert_int_gt(stack_rss_kib("router"), 500);
    stack_kill("router");
    ck_assert(!stack_running("router"));
    stack_start("router");
    ck_assert(stack_running("router"));
    stack_stop("router");
    ck_assert(!stack_running("router"));
    stack_start("router");
    flow_wait(sql_int("SELECT count(*) FROM leases WHERE stage = 'router' AND until > now()") == 16, 20);
}
END_TEST

START_TEST(tokens_differ_by_tenant_and_role)
{
    ck_assert_str_ne(api_token("a", "viewer"), api_token("b", "viewer"));
    ck_assert_str_ne(api_token("a", "viewer"), api_token("a", "admin"));
    ck_assert_ptr_eq(api_token("a", "viewer"), api_token("a", "viewer"));
}
END_TEST

int main(void)
{
    return flow_run(
        "harness", &(struct stack_options){.replicas = "worker=0,resolver=0,monitor=0,api-gateway=0"},
        (const TTest *[]){the_stores_answer, the_fake_platforms_show_what_they_got_and_fail_when_told,
                          a_process_can_be_stopped_killed_and_started, tokens_differ_by_tenant_and_role,
                          NULL});
}
