/* test_mapping_stable.c: files whose mapping would change what it carries, on every trip or once, are refused by line and field. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "mem.h"
#include "platform_dir_fixture.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

#define EURO "currency = \"EUR\"; per_usd = \"0.92\";"

static const struct {
    const char *money, *words, *entities;
    int line;
    const char *reason; /* behind "x.conf:<line>: " */
} unstable[] = {
    /* a name that another field must keep */
    {EURO, "", "lead: { names: { score = \"status\"; }; };", 7,
     "lead.score is not stable: it is called status there, which is a field of its own"},
    {EURO, "", "user: {\n names: {\n  id = \"uid\";\n  name = \"email\"; }; };", 10,
     "user.name is not stable: it is called email there, which is a field of its own"},
    {EURO, "", "product: { names: { inventory = [\"qty\", \"price\"]; }; };", 7,
     "product.inventory is not stable: it is called price there, which is a field of its own"},
    {EURO, "", "order: { also: { amount = \"status\"; }; };", 7,
     "order.status is not stable: the name is taken by an addition (also)"},
    {EURO, "status_words: { active = \"on\"; }; status_words_in = [\"order\"];",
     "order: { also: { amount = \"status\"; }; };", 7,
     "order.status is not stable: the name is taken by an addition (also)"},
    /* a name that is read as the record's id */
    {EURO, "", "user: { names: { id = \"uid\"; nick = \"user_id\"; }; };", 7,
     "user.id is not stable: \"r-1\" comes back as \"\", which stands in user_id"},
    {EURO, "", "lead: { names: { id = \"uid\"; name = \"lead_id\"; }; };", 7,
     "lead.id is not stable: \"r-1\" comes back as"},
    /* one word for two */
    {EURO, "status_words: { active = \"pending\"; }; status_words_in = [\"user\"];", "", 5,
     "user.status is not stable: \"pending\" goes out as \"pending\" and comes back as \"active\""},
    {EURO, "status_words: { active = \"on\"; off = \"active\"; }; status_words_in = [\"campaign\"];", "", 0,
     NULL},
    {EURO,
     "status_words: {\n active = \"inactive\";\n inactive = \"draft\"; };\nstatus_words_in = [\"order\"];",
     "", 0, NULL},
    {EURO, "status_words: { active = \"on\"; };\nstatus_words_in = [\"user\"];",
     "user: { defaults: { status = 1; }; };", 8, "the default is no good value: status must be a word"},
    {EURO, "", "lead: {\n defaults: {\n  score = \"none\"; }; };", 9,
     "the default is no good value: score must be a number"},
    {EURO, "", "product: { defaults: { variants: { a = 1; }; }; };", 7,
     "the default is no good value: variants must be a list"},
    /* money */
    {"currency = \"VND\"; decimals = 0; per_usd = \"0.4\";", "", "", 2,
     "per_usd makes less than the smallest unit of one dollar"},
    {"currency = \"BIG\"; decimals = 9; per_usd = \"1000000\";", "", "order: { };", 7,
     "a complete order cannot be sent: items.total cannot be given in BIG: it is too large"},
    /* all is well */
    {EURO, "", "", 0, NULL},
    {"currency = \"JPY\"; decimals = 0; per_usd = \"157.25\";", "", "", 0, NULL},
    {"currency = \"KWD\"; decimals = 3; per_usd = \"0.307\";", "", "", 0, NULL},
    {"currency = \"VND\"; decimals = 0; per_usd = \"25400\";", "", "", 0, NULL},
    {"currency = \"IRR\"; decimals = 2; per_usd = \"42000.123456789\";", "", "", 0, NULL},
    {"currency = \"USD\"; per_usd = \"1\";", "",
     "order: { holds = [\"amount\", \"status\"]; fixed = [\"amount\"]; };", 0, NULL},
    {EURO, "status_words: { active = \"pending_review\"; }; status_words_in = [\"user\"];",
     "user: { names: { id = \"uid\"; name = [\"nick\", \"alias\"]; plan = \"tier\"; };"
     "  defaults: { plan = \"free\"; status = \"active\"; }; also: { name = \"display\"; }; required = "
     "[\"id\", \"plan\"]; };",
     0, NULL},
};

START_TEST(a_mapping_that_is_not_stable_is_refused_by_line_and_field)
{
    struct buf errors = BUF_INIT, expected = BUF_INIT;
    platform_dir_make();
    platform_dir_describe("x.conf", unstable[_i].money, unstable[_i].words, unstable[_i].entities);
    /* Another one of the set: its words and currency count. */
    platform_dir_describe("shop.conf", "currency = \"INR\"; per_usd = \"83\";",
                          "status_words: { active = \"published\"; pending = \"pending_review\"; };"
                          "status_words_in = [\"user\", \"product\"];",
                          "");
    struct platform_set *set = platform_dir_load(&errors);
    if (unstable[_i].reason == NULL) {
        ck_assert_msg(set != NULL, "%s", errors.data);
    } else {
        buf_addf(&expected, "%s/x.conf:%d: %s", platform_dir(), unstable[_i].line, unstable[_i].reason);
        ck_assert_msg(set == NULL, "taken, but should be: %s", expected.data);
        ck_assert_msg(strstr(errors.data, expected.data) != NULL, "expected: %s\nis: %s", expected.data,
                      errors.data);
    }
    platform_set_free(&set);
    buf_release(&errors), buf_release(&expected);
    platform_dir_remove();
}
END_TEST

static const char *nothing(void *arg, const char *name)
{
    (void)arg, (void)name;
    return NULL;
}

START_TEST(the_shipped_files_are_read_and_checked_in_50_ms_of_cpu)
{
    int64_t best_us = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        struct buf errors = BUF_INIT;
        clock_t began = clock(); /* not the wall's: the machine may be busy */
        struct platform_set *set = platform_set_load("config/platforms", nothing, NULL, &errors);
        int64_t took_us = (int64_t)(clock() - began) * 1000000 / CLOCKS_PER_SEC;
        best_us = took_us < best_us ? took_us : best_us;
        ck_assert_msg(set != NULL, "%s", errors.data);
        platform_set_free(&set);
        buf_release(&errors);
    }
#ifndef __SANITIZE_ADDRESS__
    ck_assert_int_lt(best_us, 50000);
#endif
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mapping_stable");
    TCase *tests = tcase_create("mapping_stable");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_mapping_that_is_not_stable_is_refused_by_line_and_field, 0, COUNT(unstable));
    tcase_add_test(tests, the_shipped_files_are_read_and_checked_in_50_ms_of_cpu);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
