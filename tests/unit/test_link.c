/* test_link.c: which fields enter the older record, what goes back to whom when a link is split, and who is said to have said it. */
#include <check.h>
#include <string.h>

#include "link.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define LINK "01a20943-9236-7739-960a-1a300a4c2561"

static struct json *parse(const char *text)
{
    bool ok;
    struct json *json = json_parse(text, strlen(text), 16, NULL, &ok);

    ck_assert_msg(ok, "%s", text);
    return json;
}

static void load(struct record *record, int64_t version, const char *data, const char *notes)
{
    *record = (struct record){.exists = true,
                              .version = version,
                              .vector = json_new_object(),
                              .data = parse(data),
                              .notes = parse(notes)};
}

static void check(struct json *is, const char *expected, const char *what)
{
    struct buf text = BUF_INIT;

    json_write(&text, is);
    ck_assert_msg(strcmp(text.data, expected) == 0, "%s: %s", what, text.data);
    buf_release(&text);
    json_free(is);
}

START_TEST(what_the_older_lacks_or_was_changed_later_in_the_younger_enters)
{
    static const struct {
        const char *older, *older_notes, *younger, *younger_notes, *enters;
    } rows[] = {
        {"{\"id\":\"a\"}", "{}", "{\"id\":\"b\",\"x\":1}", "{\"x\":{\"o\":\"p\",\"t\":5,\"s\":3,\"v\":1}}",
         "{\"x\":1,\"_origins\":{\"x\":{\"o\":\"p\",\"t\":5,\"s\":3,\"a\":\"" LINK "\"}}}"},
        {"{\"x\":1}", "{\"x\":{\"o\":\"p\",\"t\":5,\"s\":1,\"v\":1}}", "{\"x\":2}",
         "{\"x\":{\"o\":\"q\",\"t\":4,\"s\":9,\"v\":1}}", "{}"},
        {"{\"x\":1}", "{\"x\":{\"o\":\"p\",\"t\":5,\"s\":1,\"v\":1}}", "{\"x\":2}",
         "{\"x\":{\"o\":\"q\",\"t\":6,\"s\":2,\"v\":1}}",
         "{\"x\":2,\"_origins\":{\"x\":{\"o\":\"q\",\"t\":6,\"s\":2,\"a\":\"" LINK "\"}}}"},
        /* It waits for a person. */
        {"{\"x\":1}", "{\"x\":{\"o\":\"p\",\"t\":5,\"s\":1,\"v\":1,\"w\":true}}", "{\"x\":2}",
         "{\"x\":{\"o\":\"q\",\"t\":6,\"s\":2,\"v\":1}}", "{}"},
        /* What was cleared in the younger clears nothing. */
        {"{\"x\":1}", "{\"x\":{\"o\":\"p\",\"t\":5,\"s\":1,\"v\":1}}", "{\"x\":null}",
         "{\"x\":{\"o\":\"q\",\"t\":6,\"s\":2,\"v\":1}}", "{}"},
        /* Money keeps its currency. */
        {"{}", "{}", "{\"x\":2}", "{\"x\":{\"o\":\"q\",\"t\":6,\"s\":2,\"v\":1,\"c\":\"INR\"}}",
         "{\"x\":2,\"_currencies\":{\"x\":\"INR\"},\"_origins\":{\"x\":{\"o\":\"q\",\"t\":6,\"s\":2,\"a\":"
         "\"" LINK "\"}}}"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct record older, younger;
        load(&older, 1, rows[i].older, rows[i].older_notes);
        load(&younger, 1, rows[i].younger, rows[i].younger_notes);
        check(link_entering(&older, &younger, LINK), rows[i].enters, rows[i].younger_notes);
        record_release(&older);
        record_release(&younger);
    }
}
END_TEST

/* Before the link, version 4, x was 1 by p. */
START_TEST(what_came_with_the_link_or_under_its_ids_goes_back)
{
    static const struct {
        const char *what, *data, *notes, *given, *returned;
    } rows[] = {
        {"the link set it", "{\"x\":2}", "{\"x\":{\"o\":\"q\",\"t\":6,\"s\":2,\"v\":4,\"a\":\"" LINK "\"}}",
         "{\"x\":1,\"_origins\":{\"x\":{\"o\":\"p\",\"t\":5,\"s\":1}}}", "{}"},
        {"somebody did under its ids", "{\"x\":3}",
         "{\"x\":{\"o\":\"q\",\"t\":7,\"s\":8,\"v\":5,\"a\":\"" LINK "\"}}",
         "{\"x\":1,\"_origins\":{\"x\":{\"o\":\"p\",\"t\":5,\"s\":1}}}",
         "{\"x\":3,\"_origins\":{\"x\":{\"o\":\"q\",\"t\":7,\"s\":8}}}"},
        {"somebody did under the older's", "{\"x\":3}", "{\"x\":{\"o\":\"q\",\"t\":7,\"s\":8,\"v\":5}}", "{}",
         "{}"},
        {"another link did", "{\"x\":3}",
         "{\"x\":{\"o\":\"q\",\"t\":7,\"s\":8,\"v\":5,\"a\":\"01a20943-0000-7739-960a-1a300a4c2561\"}}", "{}",
         "{}"},
        {"a field that the older did not have", "{\"x\":1,\"y\":9}",
         "{\"y\":{\"o\":\"q\",\"t\":7,\"s\":8,\"v\":5,\"a\":\"" LINK "\"}}", "{\"y\":null}",
         "{\"y\":9,\"_origins\":{\"y\":{\"o\":\"q\",\"t\":7,\"s\":8}}}"},
        {"both at once", "{\"x\":3}",
         "{\"x\":{\"o\":\"service\",\"t\":8,\"s\":9,\"v\":7,\"q\":[{\"o\":\"p\",\"t\":7,\"s\":7,\"v\":5,"
         "\"x\":2},"
         "{\"o\":\"q\",\"t\":7,\"s\":8,\"v\":6,\"a\":\"" LINK "\",\"x\":3}]}}",
         "{\"x\":2,\"_origins\":{\"x\":{\"o\":\"p\",\"t\":7,\"s\":7}}}",
         "{\"x\":3,\"_origins\":{\"x\":{\"o\":\"q\",\"t\":7,\"s\":8}}}"},
    };
    struct json *before = parse("{\"x\":1}"), *notes = parse("{\"x\":{\"o\":\"p\",\"t\":5,\"s\":1,\"v\":1}}");
    struct link_made made = {.id = LINK, .version = 4, .before = before, .before_notes = notes};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct record older;
        struct json *returned;
        load(&older, 8, rows[i].data, rows[i].notes);
        check(link_parting(&older, &made, &returned), rows[i].given, rows[i].what);
        check(returned, rows[i].returned, rows[i].what);
        record_release(&older);
    }
    json_free(before);
    json_free(notes);
}
END_TEST

START_TEST(what_was_changed_in_the_younger_meanwhile_stays)
{
    struct record younger;
    struct json *returned = parse("{\"x\":3,\"y\":4,\"id\":\"z\"}");

    load(&younger, 3, "{\"x\":1,\"y\":2}", "{\"x\":{\"o\":\"p\",\"v\":2},\"y\":{\"o\":\"p\",\"v\":3}}");
    check(link_returning(&younger, returned, 2), "{\"x\":3}", "returning");
    json_free(returned);
    record_release(&younger);
}
END_TEST

START_TEST(only_what_the_change_made_gets_an_origin)
{
    struct record record;
    struct json *origins =
        parse("{\"x\":{\"o\":\"q\",\"s\":7},\"y\":{\"o\":\"q\",\"s\":7},\"z\":{\"o\":\"q\"}}");

    load(&record, 3, "{}", "{\"x\":{\"o\":\"service\",\"s\":9,\"v\":3},\"y\":{\"o\":\"p\",\"s\":1,\"v\":2}}");
    link_keep_origins(&record, origins);
    check(json_copy(record.notes),
          "{\"x\":{\"o\":\"q\",\"s\":7,\"v\":3},\"y\":{\"o\":\"p\",\"s\":1,\"v\":2}}", "origins");
    json_free(origins);
    record_release(&record);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link");
    TCase *tests = tcase_create("link");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, what_the_older_lacks_or_was_changed_later_in_the_younger_enters);
    tcase_add_test(tests, what_came_with_the_link_or_under_its_ids_goes_back);
    tcase_add_test(tests, what_was_changed_in_the_younger_meanwhile_stays);
    tcase_add_test(tests, only_what_the_change_made_gets_an_origin);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
