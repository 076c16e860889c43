/* test_mapping_limits.c: fields that a platform has no place for, or only while it creates a record. */
#include <check.h>
#include <stdlib.h>

#include "mapping.h"
#include "mem.h"
#include "platform_dir_fixture.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static struct platform_set *set;

static void load(void)
{
    struct buf errors = BUF_INIT;
    platform_dir_make();
    platform_dir_describe("x.conf", "currency = \"INR\"; per_usd = \"83\";",
                          "status_words: { active = \"on\"; }; status_words_in = [\"lead\"];",
                          "order: { names: { amount = \"total\"; }; required = [\"id\", \"amount\"];"
                          "  fixed = [\"amount\", \"items\"]; };"
                          "lead: { holds = [\"name\", \"status\", \"score\"]; required = [\"name\"];"
                          "  defaults: { status = \"active\"; score = 5; }; };"
                          "product: { fixed = [\"sku\"]; };");
    platform_dir_describe("home.conf", "currency = \"USD\"; per_usd = \"1\";", "echo = \"none\";",
                          "lead: { defaults: { status = \"new\"; }; };");
    set = platform_dir_load(&errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    buf_release(&errors);
}

static void unload(void)
{
    platform_set_free(&set);
    platform_dir_remove();
}

static struct json *parse(const char *text)
{
    bool ok = true;
    struct json *json = text != NULL ? json_parse(text, strlen(text), JSON_DEPTH_MAX, NULL, &ok) : NULL;
    ck_assert_msg(ok, "%s", text);
    return json;
}

static const struct {
    enum entity entity;
    enum event_type type;
    enum verb verb;
    const char *record, *base, *out, *changed, *withheld;
} rows[] = {
    /* fixed: given at first, never again */
    {ENTITY_ORDER, EVENT_ORDER_CREATED, VERB_CREATE, "{\"id\":1,\"amount\":2,\"items\":[1],\"note\":\"a\"}",
     NULL, "{\"id\":1,\"total\":166.00,\"items\":[1],\"note\":\"a\"}",
     "[\"id\",\"total\",\"items\",\"note\"]", ""},
    {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_UPDATE, "{\"id\":1,\"amount\":3,\"items\":[2],\"note\":\"b\"}",
     "{\"id\":1,\"amount\":2,\"items\":[1],\"note\":\"a\"}", "{\"id\":1,\"total\":166.00,\"note\":\"b\"}",
     "[\"note\"]", "amount, items"},
    {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_UPDATE, "{\"id\":1,\"amount\":3,\"items\":[2]}",
     "{\"id\":1,\"amount\":2,\"items\":[1]}", "{\"id\":1,\"total\":166.00}", "[]", "amount, items"},
    {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_UPDATE, "{\"id\":1,\"amount\":2}",
     "{\"id\":1,\"amount\":2,\"items\":[1]}", "{\"id\":1,\"total\":166.00}", "[]", ""},
    {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_UPDATE, "{\"id\":1,\"amount\":2,\"items\":[1]}", NULL,
     "{\"id\":1,\"total\":166.00}", "[\"id\"]", "amount, items"},
    {ENTITY_PRODUCT, EVENT_PRODUCT_UPDATED, VERB_UPDATE, "{\"id\":1,\"sku\":\"b\"}",
     "{\"id\":1,\"sku\":\"a\"}", "{\"id\":1}", "[]", "sku"},
    /* held: the others never */
    {ENTITY_LEAD, EVENT_LEAD_CREATED, VERB_CREATE, "{\"id\":1,\"name\":\"A\",\"email\":\"a@b\",\"x\":1}",
     NULL, "{\"id\":1,\"name\":\"A\",\"status\":\"on\",\"score\":5}", "[\"id\",\"name\"]", "email, x"},
    {ENTITY_LEAD, EVENT_LEAD_UPDATED, VERB_UPDATE, "{\"id\":1,\"name\":\"A\",\"email\":\"c@d\"}",
     "{\"id\":1,\"name\":\"A\",\"email\":\"a@b\",\"x\":1}", "{\"id\":1,\"name\":\"A\"}", "[]", "email"},
    {ENTITY_LEAD, EVENT_LEAD_DELETED, VERB_DELETE, "{\"id\":1,\"name\":\"A\",\"email\":\"c@d\",\"score\":1}",
     NULL, "{\"id\":1,\"name\":\"A\"}", "[]", NULL},
};

START_TEST(what_a_platform_cannot_hold_or_change_is_not_sent_and_is_no_change)
{
    struct json *record = parse(rows[_i].record), *base = parse(rows[_i].base), *notes = json_new_object(),
                *note = parse("{\"c\":\"USD\"}"), *changed = json_new_array();
    struct buf error = BUF_INIT, withheld = BUF_INIT;
    json_set(notes, "amount", note);
    struct mapping_request request = {.target = platform_find(set, "x"),
                                      .platforms = set,
                                      .entity = rows[_i].entity,
                                      .type = rows[_i].type,
                                      .verb = rows[_i].verb,
                                      .record = record,
                                      .notes = notes,
                                      .base = base};
    struct json *out = mapping_out(&request, changed, &error);
    struct json *wanted = parse(rows[_i].out), *wanted_changed = parse(rows[_i].changed);
    struct buf text = BUF_INIT;
    json_write(&text, out);
    ck_assert_msg(json_equal(out, wanted), "%s: %s %s", rows[_i].out, text.data, error.data);
    buf_reset(&text);
    json_write(&text, changed);
    ck_assert_msg(json_equal(changed, wanted_changed), "%s: %s", rows[_i].changed, text.data);
    mapping_withheld(&request, &withheld);
    if (rows[_i].withheld != NULL)
        ck_assert_str_eq(withheld.data, rows[_i].withheld);
    json_free(record), json_free(base), json_free(notes), json_free(changed), json_free(out);
    json_free(wanted), json_free(wanted_changed);
    buf_release(&error), buf_release(&withheld), buf_release(&text);
}
END_TEST

START_TEST(a_platform_says_what_it_holds_and_changes)
{
    const struct platform *x = platform_find(set, "x"), *home = platform_find(set, "home");
    ck_assert(platform_holds(x, ENTITY_LEAD, "name") && platform_holds(x, ENTITY_LEAD, "id"));
    ck_assert(!platform_holds(x, ENTITY_LEAD, "email") && !platform_changes(x, ENTITY_LEAD, "email"));
    ck_assert(platform_holds(x, ENTITY_ORDER, "amount") && !platform_changes(x, ENTITY_ORDER, "amount"));
    ck_assert(platform_changes(x, ENTITY_ORDER, "status") && platform_changes(home, ENTITY_ORDER, "amount"));
    ck_assert(platform_holds(x, ENTITY_NONE, "any") && platform_changes(x, ENTITY_NONE, "any"));
}
END_TEST

START_TEST(a_default_that_comes_from_a_platform_without_echo_is_its_own_word)
{
    struct json *new = json_new_text("new");
    const struct platform *home = platform_find(set, "home"), *x = platform_find(set, "x");
    struct json *active = json_new_text("active");
    ck_assert(!mapping_unchanged(home, ENTITY_LEAD, "status", NULL, NULL, new));
    ck_assert(mapping_unchanged(x, ENTITY_LEAD, "status", NULL, NULL, active));
    json_free(new), json_free(active);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mapping_limits");
    TCase *tests = tcase_create("mapping_limits");
    tcase_add_checked_fixture(tests, load, unload);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, what_a_platform_cannot_hold_or_change_is_not_sent_and_is_no_change, 0,
                        COUNT(rows));
    tcase_add_test(tests, a_platform_says_what_it_holds_and_changes);
    tcase_add_test(tests, a_default_that_comes_from_a_platform_without_echo_is_its_own_word);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
