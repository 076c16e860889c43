/* test_parents.c: which records an order names, by the shipped platform files and by others. */
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "mapping_fixture.h"
#include "mem.h"
#include "parents.h"

static char dir[64];
static struct platform_set *own_set;

static const char *no_variable(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return NULL;
}

/* bizosaas's file with other parents for orders; NULL: refused, and why. */
static const struct platform *with_parents(const char *table, struct buf *errors)
{
    char path[128];
    struct buf text = BUF_INIT;
    FILE *shipped = fopen("config/platforms/bizosaas.conf", "r"), *file;
    char line[512];
    int skip = 0;

    snprintf(dir, sizeof dir, "/tmp/test_parents.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/bizosaas.conf", dir);
    ck_assert_ptr_nonnull(shipped);
    while (fgets(line, sizeof line, shipped)) {
        if (strstr(line, "parents: {")) {
            buf_addf(&text, "    parents: { %s };\n", table);
            skip = 1;
        }
        if (!skip)
            buf_add_str(&text, line);
        else if (strstr(line, "};"))
            skip = 0;
    }
    fclose(shipped);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text.data, file);
    fclose(file);
    buf_release(&text);
    own_set = platform_set_load(dir, no_variable, NULL, errors);
    unlink(path);
    rmdir(dir);
    return own_set ? platform_find(own_set, "bizosaas") : NULL;
}

static void forget(void)
{
    platform_set_free(&own_set);
}

/* "user u1 customer_id; product p1 items[0].product_id" */
static void check_found(const struct platform *platform, enum entity entity, const char *data,
                        const char *expected)
{
    struct json *json = mapping_parse(data);
    struct parents parents;
    struct buf text = BUF_INIT;

    parents_find(&parents, platform, entity, "t", json, NULL);
    for (size_t i = 0; i < parents.count; i++) {
        const struct parent *parent = &parents.list[i];
        struct uuid hashed;
        buf_addf(&text, "%s%s %s %s", i ? "; " : "", msg_entity_name(parent->entity), parent->id,
                 parent->path);
        digest_record_id(&hashed, "t", msg_entity_name(parent->entity), parent->id);
        ck_assert(uuid_equal(&hashed, &parent->record));
    }
    ck_assert_msg(strcmp(text.data, expected) == 0, "%s\n  is:       %s\n  expected: %s", data, text.data,
                  expected);
    buf_release(&text);
    parents_release(&parents);
    json_free(json);
}

static const struct {
    const char *data, *found;
} orders[] = {
    {"{\"id\":\"o\",\"amount\":1}", ""},
    {"{\"customer_id\":\"u1\"}", "user u1 customer_id"},
    {"{\"customer_id\":17}", "user 17 customer_id"},
    {"{\"user_id\":\"u1\"}", "user u1 user_id"},
    {"{\"user_id\":\"clerk\",\"customer_id\":\"u1\"}", "user u1 customer_id"},
    {"{\"customer_id\":null,\"user_id\":\"u1\"}", "user u1 user_id"},
    {"{\"customer_id\":\"\",\"user_id\":\"u1\"}", "user u1 user_id"},
    {"{\"customer\":{\"id\":\"u1\",\"name\":\"N\"}}", "user u1 customer.id"},
    {"{\"customer\":{\"customer_id\":\"u1\"}}", "user u1 customer.customer_id"},
    {"{\"customer\":\"u1\"}", ""},
    {"{\"items\":[{\"product_id\":\"p1\"},{\"product_id\":\"p2\"}]}",
     "product p1 items[0].product_id; product p2 items[1].product_id"},
    {"{\"items\":[{\"product\":{\"id\":\"p1\"}},{\"product_id\":\"p2\",\"product\":{\"id\":\"other\"}}]}",
     "product p2 items[1].product_id; product p1 items[0].product.id"},
    {"{\"items\":[{\"product_id\":\"p1\"},{\"product_id\":\"p1\"}]}",
     "product p1 items[0].product_id; product p1 items[1].product_id"},
    {"{\"items\":{\"product_id\":\"p1\"}}", "product p1 items.product_id"},
    {"{\"items\":[]}", ""},
    {"{\"items\":[1,\"x\",null,[],{}]}", ""},
    {"{\"items\":[{\"product_id\":1.5},{\"product_id\":true},{\"product_id\":{}},{\"product_id\":\"p\"}]}",
     "product p items[3].product_id"},
    {"{\"items\":[[{\"product_id\":\"p\"}]]}", "product p items[0][0].product_id"},
    {"{\"customer_id\":[\"a\",\"b\"]}", "user a customer_id[0]; user b customer_id[1]"},
    {"{\"customer_id\":\"u1\",\"items\":[{\"product_id\":\"p1\"}]}",
     "user u1 customer_id; product p1 items[0].product_id"},
};

START_TEST(an_order_names_its_customer_and_its_products)
{
    static const char *const platforms[] = {"bizoholic", "bizosaas", "coreldove"};

    for (int p = 0; p < COUNT(platforms); p++)
        check_found(mapping_platform(platforms[p]), ENTITY_ORDER, orders[_i].data, orders[_i].found);
}
END_TEST

START_TEST(nothing_else_has_parents_in_the_shipped_files)
{
    static const enum entity others[] = {ENTITY_USER, ENTITY_LEAD, ENTITY_CAMPAIGN, ENTITY_PRODUCT};

    for (int i = 0; i < COUNT(others); i++)
        check_found(mapping_platform("coreldove"), others[i],
                    "{\"customer_id\":\"u1\",\"user_id\":\"u2\",\"items\":[{\"product_id\":\"p1\"}]}", "");
}
END_TEST

START_TEST(an_id_longer_than_any_record_has_names_nobody)
{
    char data[400], id[PARENTS_ID_MAX + 2];

    memset(id, 'x', sizeof id);
    id[PARENTS_ID_MAX + 1] = '\0';
    snprintf(data, sizeof data, "{\"customer_id\":\"%s\"}", id);
    check_found(mapping_platform("bizosaas"), ENTITY_ORDER, data, "");
}
END_TEST

START_TEST(no_more_than_the_ceiling_is_found)
{
    struct buf data = BUF_INIT;
    struct parents parents;
    struct json *json;

    buf_add_str(&data, "{\"items\":[");
    for (int i = 0; i < 1000; i++)
        buf_addf(&data, "%s{\"product_id\":\"p%d\"}", i ? "," : "", i);
    buf_add_str(&data, "]}");
    json = mapping_parse(data.data);
    parents_find(&parents, mapping_platform("bizosaas"), ENTITY_ORDER, "t", json, NULL);
    ck_assert_uint_eq(parents.count, PARENTS_MAX);
    ck_assert_str_eq(parents.list[PARENTS_MAX - 1].id, "p199");
    parents_release(&parents);
    ck_assert_uint_eq(parents.count, 0);
    json_free(json);
    buf_release(&data);
}
END_TEST

START_TEST(the_origin_of_an_id_is_that_of_its_field)
{
    struct json *data = mapping_parse("{\"customer_id\":\"7\",\"items\":[{\"product_id\":\"p\"}]}");
    struct json *notes = mapping_parse("{\"customer_id\":{\"o\":\"coreldove\"},\"items\":{\"t\":1}}");
    struct parents parents;

    parents_find(&parents, mapping_platform("bizosaas"), ENTITY_ORDER, "t", data, notes);
    ck_assert_uint_eq(parents.count, 2);
    ck_assert_str_eq(parents.list[0].origin, "coreldove");
    ck_assert_ptr_null(parents.list[1].origin);
    parents_release(&parents);
    json_free(data);
    json_free(notes);
}
END_TEST

START_TEST(a_parent_is_found_by_the_place_that_names_it)
{
    struct json *data = mapping_parse("{\"customer_id\":\"u\",\"items\":[{\"product_id\":\"a\"},{},"
                                      "{\"product_id\":\"a\"}]}");
    struct parents parents;

    parents_find(&parents, mapping_platform("coreldove"), ENTITY_ORDER, "t", data, NULL);
    ck_assert_str_eq(parents_at(&parents, ENTITY_USER, "")->id, "u");
    ck_assert_ptr_null(parents_at(&parents, ENTITY_PRODUCT, ""));
    ck_assert_str_eq(parents_at(&parents, ENTITY_PRODUCT, "items[0]")->id, "a");
    ck_assert_ptr_null(parents_at(&parents, ENTITY_PRODUCT, "items[1]"));
    ck_assert_str_eq(parents_at(&parents, ENTITY_PRODUCT, "items[2]")->id, "a");
    parents_release(&parents);
    json_free(data);
}
END_TEST

START_TEST(what_the_target_has_been_told_of_is_marked)
{
    struct json *data = mapping_parse("{\"customer_id\":\"u\",\"items\":[{\"product_id\":\"a\"},"
                                      "{\"product_id\":\"b\"}]}");
    struct json *base = mapping_parse("{\"customer_id\":\"u\",\"items\":[{\"product_id\":\"b\"}]}");
    const struct platform *platform = mapping_platform("coreldove");
    struct parents parents, before;

    parents_find(&parents, platform, ENTITY_ORDER, "t", data, NULL);
    parents_find(&before, platform, ENTITY_ORDER, "t", base, NULL);
    parents_mark_told(&parents, &before);
    ck_assert(parents.list[0].told);
    ck_assert(!parents.list[1].told);
    ck_assert(parents.list[2].told);
    parents_release(&parents);
    parents_release(&before);
    json_free(data);
    json_free(base);
}
END_TEST

START_TEST(the_table_is_data)
{
    struct buf errors = BUF_INIT;
    const struct platform *platform = with_parents(
        "campaign = \"meta.source.campaign\"; order = [\"parent_order\", \"id_of.order\"];", &errors);

    ck_assert_msg(platform != NULL, "%s", errors.data);
    check_found(platform, ENTITY_ORDER,
                "{\"customer_id\":\"u\",\"meta\":{\"source\":{\"campaign\":\"c\"}},\"parent_order\":\"o\"}",
                "campaign c meta.source.campaign; order o parent_order");
    forget();
}
END_TEST

static const struct {
    const char *table, *reason;
} mistakes[] = {
    {"customer = \"customer_id\";", "customer is no entity"},
    {"user = 7;", "user must be a text in quotes or a list of texts"},
    {"user = (\"a\", 7);", "user must be a text in quotes or a list of texts"},
    {"user = \"\";", "user must be the name of a member"},
    {"user = \"a..b\";", "user must not have an empty name between dots"},
    {"user = \".a\";", "user must not have an empty name between dots"},
    {"user = \"a.\";", "user must not have an empty name between dots"},
};

START_TEST(a_mistake_in_the_table_is_refused_with_file_and_line)
{
    struct buf errors = BUF_INIT;

    ck_assert_ptr_null(with_parents(mistakes[_i].table, &errors));
    ck_assert_msg(strstr(errors.data, mistakes[_i].reason), "%s: %s", mistakes[_i].table, errors.data);
    ck_assert_ptr_nonnull(strstr(errors.data, "bizosaas.conf:"));
    buf_release(&errors);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parents");
    TCase *tcase = tcase_create("parents");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, mapping_load, mapping_unload);
    tcase_add_loop_test(tcase, an_order_names_its_customer_and_its_products, 0, COUNT(orders));
    tcase_add_test(tcase, nothing_else_has_parents_in_the_shipped_files);
    tcase_add_test(tcase, an_id_longer_than_any_record_has_names_nobody);
    tcase_add_test(tcase, no_more_than_the_ceiling_is_found);
    tcase_add_test(tcase, the_origin_of_an_id_is_that_of_its_field);
    tcase_add_test(tcase, a_parent_is_found_by_the_place_that_names_it);
    tcase_add_test(tcase, what_the_target_has_been_told_of_is_marked);
    tcase_add_test(tcase, the_table_is_data);
    tcase_add_loop_test(tcase, a_mistake_in_the_table_is_refused_with_file_and_line, 0, COUNT(mistakes));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
