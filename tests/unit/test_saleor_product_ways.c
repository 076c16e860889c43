/* test_saleor_product_ways.c: products when not everything goes well: lost answers, other ids, errors, resumption. */
#include "saleor_product_fixture.h"

START_TEST(a_create_whose_answer_was_lost_becomes_an_update_of_everything)
{
    saleor_talk(
        &create,
        LINES({"productCreate", NULL, REFUSED("externalReference", "UNIQUE")},
              {"productUpdate",
               "{\"externalReference\":\"" RECORD_ID "\",\"input\":{" LAMP_TEXT
               ",\"privateMetadata\":" LAMP_META "}}",
               PRODUCT_DONE},
              {"product", "{\"id\":\"" PRODUCT_ID "\"}", "{\"id\":\"" PRODUCT_ID "\",\"variants\":[]}"},
              SAY_VARIANT, SAY_LISTING, SAY_PRICE),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(a_variant_whose_answer_was_lost_is_looked_up)
{
    saleor_talk(&create,
                LINES(SAY_CREATE, {"productVariantCreate", NULL, REFUSED("externalReference", "UNIQUE")},
                      {"product", "{\"id\":\"" PRODUCT_ID "\"}", FOUND}, SAY_LISTING, SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(a_product_of_the_shops_own_keeps_its_variant)
{
    struct errand errand = change;
    errand.base = BASE("Lamp", "10", "7", "active", "L-1");
    errand.platform_id = PRODUCT_ID;
    saleor_talk(&errand,
                LINES({"product", "{\"id\":\"" PRODUCT_ID "\"}",
                       "{\"id\":\"" PRODUCT_ID "\",\"defaultVariant\":{\"id\":\"" VARIANT_ID
                       "\"},\"variants\":[{\"id\":\"" VARIANT_ID "\",\"externalReference\":null}]}"},
                      SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(an_update_of_one_that_is_not_there_becomes_a_create)
{
    struct errand price = change, name = change;
    price.base = BASE("Lamp", "10", "7", "active", "L-1");
    name.base = BASE("Lump", "12.50", "7", "active", "L-1");
    saleor_talk(
        &price,
        LINES({"product", BY_REFERENCE_ONLY, "null"}, SAY_CREATE, SAY_VARIANT, SAY_LISTING, SAY_PRICE),
        SALEOR_DONE, "");
    saleor_talk(&name,
                LINES({"productUpdate", NULL, REFUSED("externalReference", "NOT_FOUND")}, SAY_CREATE,
                      SAY_VARIANT, SAY_LISTING, SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(ids_that_are_gone_are_looked_up_again)
{
    struct errand errand = change;
    errand.base = BASE("Lamp", "10", "7", "active", "L-1");
    errand.steps =
        "{\"version\":2,\"id\":\"UHJvZHVjdDox\",\"variant\":\"UHJvZHVjdFZhcmlhbnQ6MQ==\",\"done\":[]}";
    saleor_talk(
        &errand,
        LINES({"productVariantChannelListingUpdate", NULL, REFUSED("id", "NOT_FOUND")}, SAY_FIND, SAY_PRICE),
        SALEOR_DONE, "");
    errand.platform_id = "UHJvZHVjdDox";
    errand.steps = NULL;
    saleor_talk(&errand, LINES({"product", "{\"id\":\"UHJvZHVjdDox\"}", "null"}, SAY_FIND, SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(a_product_that_is_in_no_channel_is_listed_before_it_is_priced)
{
    struct errand errand = change;
    errand.base = BASE("Lamp", "10", "7", "active", "L-1");
    errand.steps = IDS;
    saleor_talk(&errand,
                LINES({"productVariantChannelListingUpdate", NULL,
                       REFUSED("input", "PRODUCT_NOT_ASSIGNED_TO_CHANNEL")},
                      SAY_LISTING, SAY_PRICE),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(a_product_without_a_category_gets_all_but_its_publication)
{
    const char *steps =
        saleor_talk(&create,
                    LINES(SAY_CREATE, SAY_VARIANT,
                          {"productChannelListingUpdate", LISTING("true"),
                           REFUSED("isPublished", "PRODUCT_WITHOUT_CATEGORY")},
                          {"productChannelListingUpdate", LISTING("false"), PRODUCT_DONE}, SAY_PRICE),
                    SALEOR_DEAD, "status: Saleor publishes no product without a category");
    ck_assert_ptr_nonnull(strstr(steps, "\"done\":[]"));
}
END_TEST

START_TEST(each_error_code_has_its_verdict)
{
    static const struct {
        const char *answer;
        enum saleor_verdict verdict;
        const char *why;
        bool lost;
    } rows[] = {
        {REFUSED("name", "REQUIRED"), SALEOR_DEAD, "name: productCreate", false},
        {REFUSED("attributes", "REQUIRED"), SALEOR_DEAD, "attributes of the product type: productCreate",
         false},
        {REFUSED("slug", "UNIQUE"), SALEOR_RETRY, "slug", false},
        {REFUSED("productType", "NOT_FOUND"), SALEOR_RETRY, "not there any more", true},
        {REFUSED("category", "GRAPHQL_ERROR"), SALEOR_RETRY, "not there any more", true},
        {REFUSED("description", "GRAPHQL_ERROR"), SALEOR_DEAD, "description: productCreate", false},
        {REFUSED("", "PERMISSION_DENIED"), SALEOR_HOLD, "may not", false},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        saleor_talk(&create, LINES({"productCreate", NULL, rows[i].answer}), rows[i].verdict, rows[i].why);
        saleor_talk(&create, LINES(SAY_CREATE, {"productVariantCreate", NULL, rows[i].answer}),
                    rows[i].verdict,
                    rows[i].verdict == SALEOR_RETRY && !rows[i].lost ? ""
                    : strchr(rows[i].why, ':')                       ? "productVariantCreate"
                                                                     : rows[i].why);
        if (i == 1)
            i++; /* the slug is the product's */
    }
    saleor_talk(&create, LINES({"productCreate", NULL, rows[2].answer}), SALEOR_RETRY, "slug");
    saleor_talk(&create, LINES(SAY_CREATE, {"productVariantCreate", NULL, REFUSED("sku", "UNIQUE")}),
                SALEOR_DEAD, "sku: productVariantCreate");
    saleor_talk(&create,
                LINES(SAY_CREATE, SAY_VARIANT, SAY_LISTING,
                      {"productVariantChannelListingUpdate", NULL, REFUSED("price", "INVALID")}),
                SALEOR_DEAD, "price: ");
}
END_TEST

START_TEST(a_lost_place_is_told)
{
    struct saleor_plan *plan = saleor_begin(&create);
    static const char body[] = "{\"data\":{\"o0\":" REFUSED("productType", "NOT_FOUND") "}}";
    struct graphql_answer *answer = graphql_answer_read(body, strlen(body), 200, 1);
    ck_assert_ptr_nonnull(saleor_plan_next(plan));
    ck_assert(!saleor_plan_lost_place(plan));
    ck_assert_int_eq(saleor_plan_answer(plan, answer, 0), SALEOR_RETRY);
    ck_assert(saleor_plan_lost_place(plan));
    graphql_answer_free(&answer);
    saleor_plan_free(&plan);
}
END_TEST

/* The create breaks off after each of its steps; the next attempt does the rest, and asks for what may have happened. */
START_TEST(a_create_can_be_resumed_from_every_step)
{
    static const struct say all[] = {SAY_CREATE, SAY_VARIANT, SAY_LISTING, SAY_PRICE};
    for (size_t cut = 0; cut < 4; cut++) {
        struct say first[4], rest[5];
        size_t count = 0;
        memcpy(first, all, sizeof all);
        first[cut].answer = NULL;
        char *steps = mem_strdup(saleor_talk(&create, first, cut + 1, SALEOR_GO_ON, ""));
        struct errand again = create;
        again.steps = steps;
        if (cut == 1)
            rest[count++] = (struct say){"product", "{\"id\":\"" PRODUCT_ID "\"}",
                                         "{\"id\":\"" PRODUCT_ID "\",\"variants\":[]}"};
        for (size_t i = cut; i < 4; i++)
            rest[count++] = all[i];
        saleor_talk(&again, rest, count, SALEOR_DONE, "");
        free(steps);
    }
}
END_TEST

START_TEST(an_update_can_be_resumed_from_every_step)
{
    static const struct say all[] = {
        {"productUpdate", "{\"id\":\"" PRODUCT_ID "\",\"input\":{\"name\":\"Lamp\"}}", PRODUCT_DONE},
        {"productVariantUpdate", NULL, VARIANT_DONE},
        SAY_LISTING,
        SAY_PRICE,
        {"productVariantStocksUpdate", STOCK("7"), VARIANT_DONE},
    };
    for (size_t cut = 0; cut < 5; cut++) {
        struct say first[5];
        struct errand errand = change;
        errand.base = BASE("Lump", "10", "8", "inactive", "L-0");
        errand.steps = IDS;
        memcpy(first, all, sizeof all);
        first[cut].answer = NULL;
        char *steps = mem_strdup(saleor_talk(&errand, first, cut + 1, SALEOR_GO_ON, ""));
        errand.steps = steps;
        saleor_talk(&errand, all + cut, 5 - cut, SALEOR_DONE, "");
        free(steps);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("saleor_product_ways");
    TCase *tc = tcase_create("product");
    tcase_add_checked_fixture(tc, saleor_load, saleor_unload);
    tcase_add_test(tc, a_create_whose_answer_was_lost_becomes_an_update_of_everything);
    tcase_add_test(tc, a_variant_whose_answer_was_lost_is_looked_up);
    tcase_add_test(tc, a_product_of_the_shops_own_keeps_its_variant);
    tcase_add_test(tc, an_update_of_one_that_is_not_there_becomes_a_create);
    tcase_add_test(tc, ids_that_are_gone_are_looked_up_again);
    tcase_add_test(tc, a_product_that_is_in_no_channel_is_listed_before_it_is_priced);
    tcase_add_test(tc, a_product_without_a_category_gets_all_but_its_publication);
    tcase_add_test(tc, each_error_code_has_its_verdict);
    tcase_add_test(tc, a_lost_place_is_told);
    tcase_add_test(tc, a_create_can_be_resumed_from_every_step);
    tcase_add_test(tc, an_update_can_be_resumed_from_every_step);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
