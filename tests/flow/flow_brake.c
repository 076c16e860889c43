/* flow_brake.c: too many deletes or changes at once pause one tenant's flow, until a person lets it go or drops it. Two routers. */
#include "alert_fixture.h"
#include "ctl_fixture.h"
#include "flow_fixture.h"

static const char *lead(const char *tenant, const char *verb, const char *id, const char *name)
{
    return api_event_of(tenant,
                        "{\"event_type\":\"lead_%s\",\"source_platform\":\"bizosaas\",\"target_platforms\":["
                        "\"coreldove\"],\"tenant_id\":\"%s\",\"data\":{\"id\":\"%s\",\"name\":\"%s\","
                        "\"email\":\"%s@example.com\",\"status\":\"new\"}}",
                        verb, tenant, id, name, id);
}

static int status_of(const char *event)
{
    return (int)sql_int("SELECT status FROM sync_events WHERE id = '%s'", event);
}

static void make(const char *tenant, int count)
{
    for (int i = 0; i < count; i++)
        lead(tenant, "created", api_text("%s-%d", tenant, i), "old");
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = '%s' AND status = 2", tenant) ==
                  count,
              20);
}

static const char *brake_of(const char *tenant)
{
    return sql_text("SELECT id FROM brakes WHERE tenant_id = '%s' AND status = 'on'", tenant);
}

/* Until it is braked; what was sent last waits then. */
static const char *delete_too_many(const char *tenant, int count)
{
    const char *event = NULL;

    for (int i = 0; i < count; i++) {
        event = lead(tenant, "deleted", api_text("%s-%d", tenant, i), "old");
        flow_wait(status_of(event) == 2 || brake_of(tenant), 10);
    }
    ck_assert_ptr_nonnull(brake_of(tenant));
    return event;
}

static const struct api_answer *decide(const char *tenant, const char *word)
{
    return api_send(&(struct api_request){.method = "POST",
                                          .url = api_text("/sync/brakes/%s/%s", brake_of(tenant), word),
                                          .token = api_token(tenant, "operator"),
                                          .body = "{\"note\":\"seen\"}"});
}

START_TEST(too_many_deletes_pause_the_tenant_and_nobody_else_until_they_are_let_go)
{
    make("del", 12);
    const char *last = delete_too_many("del", 8), *more = lead("del", "created", "del-new", "new");
    const char *other = lead("other", "created", "o-1", "new");
    const struct json *brake = pick(
        api_send(&(struct api_request){.url = "/sync/brakes", .token = api_token("del", "viewer")})->json,
        "/brakes/0");

    pick_check(brake, "/kind", "deletes");
    pick_check(brake, "/status", "on");
    ck_assert_int_ge(sql_int("SELECT count(*) FROM records WHERE tenant_id = 'del' AND deleted"), 6);
    flow_wait(status_of(other) == 2, 10);
    flow_wait(sql_int("SELECT count(*) FROM sync_alerts WHERE tenant_id = 'del' AND status = 'active'") == 1,
              5);
    ck_assert_int_eq(status_of(last), 0);
    ck_assert_int_eq(status_of(more), 0);
    ck_assert_uint_eq(json_count(pick(api_send(&(struct api_request){.url = "/sync/brakes",
                                                                     .token = api_token("other", "viewer")})
                                          ->json,
                                      "/brakes")),
                      0);
    ck_assert_int_eq(
        api_send(&(struct api_request){.method = "POST",
                                       .url = api_text("/sync/brakes/%s/release", brake_of("del")),
                                       .token = api_token("other", "operator")})
            ->status,
        409);
    stack_kill("router"); /* the pause is in the tables */
    stack_start("router");
    ck_assert_int_eq(status_of(more), 0);
    pick_check(decide("del", "release")->json, "/status", "released");
    flow_wait(status_of(last) == 2 && status_of(more) == 2, 15);
    ck_assert_ptr_null(brake_of("del")); /* what was let go does not count again */
    flow_wait(sql_int("SELECT count(*) FROM sync_alerts WHERE tenant_id = 'del' AND status = 'active'") == 0,
              10);
}
END_TEST

START_TEST(a_large_part_of_a_type_changed_at_once_is_dropped_when_a_person_says_so)
{
    const char *event = NULL;

    make("share", 10);
    sql_do("UPDATE records SET updated_at = now() - interval '1 hour' WHERE tenant_id = 'share'");
    for (int i = 0; i < 8; i++) {
        event = lead("share", "updated", api_text("share-%d", i), "new");
        flow_wait(status_of(event) == 2 || brake_of("share"), 10);
    }
    ck_assert_ptr_nonnull(brake_of("share"));
    ck_assert_str_eq(sql_text("SELECT kind FROM brakes WHERE tenant_id = 'share'"), "changes");
    ctl_env("API_URL", stack_setting("API_URL"));
    ctl_env("JWT_SECRET", stack_setting("JWT_SECRET"));
    ctl_env("ENVIRONMENT", "development");
    ctl_says(ctl("brakes list --tenant share --status on"), "changes");
    ctl_says(ctl("brakes drop %s --tenant share --note mistake", brake_of("share")), "dropping");
    flow_wait(status_of(event) == 4, 10);
    flow_wait(sql_int("SELECT count(*) FROM brakes WHERE tenant_id = 'share' AND status = 'dropped' AND "
                      "cancelled > 0") == 1,
              10);
    const char *later = lead("share", "updated", "share-9", "later");
    flow_wait(status_of(later) == 2, 10);
    ck_assert_int_eq(sql_int("SELECT sum(waiting) FROM stage_counts WHERE stage = 'router'"), 0);
}
END_TEST

START_TEST(a_small_tenants_ordinary_use_and_a_first_sync_are_not_braked)
{
    make("small", 4); /* all of them are changed, and they are few */
    sql_do("UPDATE records SET updated_at = now() - interval '1 hour' WHERE tenant_id = 'small'");
    for (int i = 0; i < 4; i++)
        lead("small", "updated", api_text("small-%d", i), "new");
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = 'small' AND status = 2") == 8, 10);
    make("first", 30);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM brakes WHERE tenant_id IN ('small', 'first')"), 0);
    ck_assert_int_eq(sql_int("SELECT sum(records) FROM record_counts WHERE tenant_id = 'first'"), 30);
}
END_TEST

int main(void)
{
    static const char *const env[] = {"BRAKE_DELETES=5", "BRAKE_MIN_CHANGES=5", "BRAKE_PERCENT=30", NULL};

    return flow_run("brake", &(struct stack_options){.replicas = "router=2", .env = env},
                    (const TTest *[]){too_many_deletes_pause_the_tenant_and_nobody_else_until_they_are_let_go,
                                      a_large_part_of_a_type_changed_at_once_is_dropped_when_a_person_says_so,
                                      a_small_tenants_ordinary_use_and_a_first_sync_are_not_braked, NULL});
}
