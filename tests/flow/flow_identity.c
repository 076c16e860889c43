/* flow_identity.c: which record an event is about: the id's text, a platform's own id, and our own record id coming back. */
#include "flow_fixture.h"

static const char *created(const char *id)
{
    const char *event =
        api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                  "[\"coreldove\"],\"data\":{\"user_id\":\"%s\",\"email\":\"e@example.com\",\"name\":\"N\"}}",
                  id);

    api_await(event, "completed");
    return sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", event);
}

/* An update by coreldove of what it calls `id`; the record that it was about. */
static const char *updated(const char *tenant, const char *id, const char *metadata, const char *name)
{
    const char *event = api_event_of(
        tenant,
        "{\"event_type\":\"user_updated\",\"source_platform\":\"coreldove\",\"target_platforms\":"
        "[\"bizosaas\"],\"data\":{\"customer_id\":\"%s\",\"customer_name\":\"%s\"%s}}",
        id, name, metadata);

    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE id = '%s' AND status > 0", event) == 1, 10);
    return sql_text("SELECT record_id FROM sync_events WHERE id = '%s'", event);
}

static const char *name_of(const char *record)
{
    return sql_text("SELECT " SQL_BODY("data") "::json ->> 'name' FROM records WHERE id = '%s'", record);
}

/* The later change had not seen the earlier one: policies decide, and that is an event of its own. */
static void await_name(const char *record, const char *name)
{
    flow_wait(strcmp(name_of(record), name) == 0, 10);
}

START_TEST(the_same_id_on_two_platforms_is_one_record)
{
    const char *record = created("same-1");

    ck_assert_str_eq(updated(API_TENANT, "same-1", "", "By the same id"), record);
    await_name(record, "By the same id");
}
END_TEST

START_TEST(the_id_that_a_platform_answered_with_leads_to_the_record)
{
    const char *record = created("own-1");
    const char *own = sql_text(
        "SELECT platform_id FROM record_ids WHERE record_id = '%s' AND platform = 'coreldove'", record);

    ck_assert_ptr_nonnull(own);
    ck_assert_str_ne(own, "own-1");
    ck_assert_str_eq(updated(API_TENANT, own, "", "By its own id"), record);
    await_name(record, "By its own id");
}
END_TEST

START_TEST(our_record_id_coming_back_wins_over_every_other_id)
{
    const char *record = created("named-1"), *other = created("named-2");
    const char *metadata = api_text(",\"_sync_metadata\":{\"record_id\":\"%s\"}", record);

    ck_assert_str_eq(updated(API_TENANT, "what-coreldove-calls-it", metadata, "By our id"), record);
    ck_assert_str_eq(updated(API_TENANT, "named-2", metadata, "By our id again"), record);
    await_name(record, "By our id again");
    ck_assert_str_eq(name_of(other), "N");
}
END_TEST

START_TEST(a_record_id_of_another_tenant_names_nothing)
{
    const char *record = created("foreign-1");
    const char *metadata = api_text(",\"_sync_metadata\":{\"record_id\":\"%s\"}", record);

    ck_assert_str_ne(updated("tenant-b", "foreign-1", metadata, "Stolen"), record);
    ck_assert_str_eq(name_of(record), "N");
}
END_TEST

static const struct api_answer *on_version(int base_version, const char *id, const char *key)
{
    return api_send(&(struct api_request){
        .url = "/sync/events",
        .key = key,
        .body = api_text(
            "{\"event_type\":\"user_updated\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
            "\"bizosaas\"],\"base_version\":%d,\"data\":{\"id\":\"%s\",\"name\":\"On %d\"}}",
            base_version, id, base_version)});
}

START_TEST(a_base_version_above_the_current_one_is_refused_and_leaves_its_key_free)
{
    api_await(
        api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizosaas\",\"target_platforms\":["
                  "\"bizoholic\"],\"data\":{\"user_id\":\"ahead1\",\"user_email\":\"ahead1@example.com\","
                  "\"user_name\":\"Old\"}}"),
        "completed");
    const struct api_answer *answer = on_version(2, "ahead1", "ahead-1");

    ck_assert_msg(answer->status == 422, "%d %s", answer->status, answer->body);
    pick_check(answer->json, "/type", "urn:data-sync:problem:base-version");
    ck_assert_int_eq(on_version(1, "nobody-has-this", NULL)->status, 422);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id = 'ahead1'"), 1);
    answer = on_version(1, "ahead1", "ahead-1");
    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    api_await(pick_text(answer->json, "/event_id"), "completed");
    pick_check(fake_await("bizosaas", "/body/data/user_name", "On 1"), "/body/data/user_id", "ahead1");
}
END_TEST

int main(void)
{
    return flow_run("identity", NULL,
                    (const TTest *[]){the_same_id_on_two_platforms_is_one_record,
                                      the_id_that_a_platform_answered_with_leads_to_the_record,
                                      our_record_id_coming_back_wins_over_every_other_id,
                                      a_record_id_of_another_tenant_names_nothing,
                                      a_base_version_above_the_current_one_is_refused_and_leaves_its_key_free,
                                      NULL});
}
