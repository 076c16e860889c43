/* test_saleor_order_ways.c: orders after they were placed: each status in each state, lost answers, errors, resumption. */
#include "saleor_order_fixture.h"

/* status words × states: what is asked after orderUpdate, when Saleor's id is not known yet. */
START_TEST(an_update_brings_the_order_to_the_state_that_its_status_asks_for)
{
    static const struct {
        const char *status, *state, *then, *then_again;
        enum saleor_verdict verdict;
        const char *why;
    } rows[] = {
        {"paid", "UNCONFIRMED", "orderConfirm", NULL, SALEOR_DONE, ""},
        {"paid", "UNFULFILLED", NULL, NULL, SALEOR_DONE, ""},
        {"paid", "FULFILLED", NULL, NULL, SALEOR_DONE, ""},
        {"paid", "CANCELED", NULL, NULL, SALEOR_DEAD,
         "status: Saleor cannot bring back an order that is CANCELED"},
        {"paid", "DRAFT", NULL, NULL, SALEOR_DEAD, "status"},
        {"shipped", "UNCONFIRMED", "orderConfirm", "orderFulfill", SALEOR_DONE, ""},
        {"shipped", "UNFULFILLED", "orderFulfill", NULL, SALEOR_DONE, ""},
        {"shipped", "PARTIALLY_FULFILLED", "orderFulfill", NULL, SALEOR_DONE, ""},
        {"shipped", "FULFILLED", NULL, NULL, SALEOR_DONE, ""},
        {"shipped", "EXPIRED", NULL, NULL, SALEOR_DEAD, "status"},
        {"cancelled", "UNCONFIRMED", "orderCancel", NULL, SALEOR_DONE, ""},
        {"cancelled", "UNFULFILLED", "orderCancel", NULL, SALEOR_DONE, ""},
        {"cancelled", "CANCELED", NULL, NULL, SALEOR_DONE, ""},
        {"cancelled", "FULFILLED", NULL, NULL, SALEOR_DEAD,
         "status: Saleor cancels no order that is FULFILLED"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        char record[128], state[300];
        struct errand errand = change;
        struct say lines[3] = {{"order", BY_REFERENCE_ONLY, state}};
        size_t count = 1;
        snprintf(record, sizeof record, "{\"id\":\"o1\",\"amount\":1,\"status\":\"%s\"}", rows[i].status);
        snprintf(state, sizeof state, "{\"id\":\"%s\",\"status\":\"%s\",\"lines\":%s}", ORDER_ID,
                 rows[i].state, TWO_OPEN);
        errand.record = record;
        errand.base = record;
        /* The difference is the status alone: the metadata goes along, for a word of before may stand in it. */
        errand.base = "{\"id\":\"o1\",\"amount\":1,\"status\":\"pending\"}";
        struct say all[4] = {{"orderUpdate",
                              "{\"externalReference\":\"" RECORD_ID "\",\"input\":{" ID_META "}}",
                              "{\"order\":null,\"errors\":[]}"}};
        if (rows[i].then != NULL)
            lines[count++] =
                (struct say){rows[i].then, strcmp(rows[i].then, "orderFulfill") == 0 ? FULFIL : BY_ID, DONE};
        if (rows[i].then_again != NULL)
            lines[count++] = (struct say){rows[i].then_again, FULFIL, DONE};
        memcpy(all + 1, lines, count * sizeof lines[0]);
        saleor_talk(&errand, all, count + 1, rows[i].verdict, rows[i].why);
    }
}
END_TEST

START_TEST(with_a_known_id_confirming_and_cancelling_need_no_look)
{
    struct errand paid = change, cancelled = change;
    paid.platform_id = cancelled.platform_id = ORDER_ID;
    paid.base = cancelled.base = ORDER("pending", "100.00", TWO_LAMPS);
    cancelled.record = ORDER("cancelled", "100.00", TWO_LAMPS);
    saleor_talk(&paid, LINES(SAY_UPDATE, {"orderConfirm", BY_ID, DONE}), SALEOR_DONE, "");
    saleor_talk(&cancelled, LINES(SAY_UPDATE, {"orderCancel", BY_ID, DONE}), SALEOR_DONE, "");
    saleor_talk(&paid,
                LINES(SAY_UPDATE, {"orderConfirm", BY_ID, REFUSED("id", "INVALID")},
                      {"order", BY_ID, IS("UNFULFILLED", "[]")}),
                SALEOR_DONE, "");
    saleor_talk(&cancelled,
                LINES(SAY_UPDATE, {"orderCancel", BY_ID, REFUSED("order", "CANNOT_CANCEL_ORDER")},
                      {"order", BY_ID, IS("FULFILLED", "[]")}),
                SALEOR_DEAD, "FULFILLED");
    saleor_talk(&paid,
                LINES(SAY_UPDATE, {"orderConfirm", BY_ID, REFUSED("id", "INVALID")},
                      {"order", BY_ID, IS("UNCONFIRMED", "[]")},
                      {"orderConfirm", BY_ID, REFUSED("id", "INVALID")}),
                SALEOR_DEAD, "id: orderConfirm: no (INVALID)");
}
END_TEST

START_TEST(amount_and_items_of_a_placed_order_stay_and_the_outcome_says_so)
{
    struct errand errand = change;
    errand.base = ORDER("paid", "90.00", "[]");
    saleor_talk(&errand, NULL, 0, SALEOR_SKIPPED, "Saleor cannot change amount, items of this order");
    errand.base = change.record;
    saleor_talk(&errand, NULL, 0, SALEOR_SKIPPED, "has this already");
}
END_TEST

START_TEST(what_can_change_in_a_placed_order_is_changed)
{
    struct errand errand = change;
    errand.record = "{\"id\":\"o1\",\"amount\":1,\"status\":\"paid\",\"email\":\"b@x.in\",\"gift\":true,"
                    "\"shipping_address\":{"
                    "\"city\":\"Pune\",\"country\":\"IN\"}}";
    errand.base = "{\"id\":\"o1\",\"amount\":2,\"status\":\"paid\",\"email\":\"a@x.in\"}";
    saleor_talk(&errand,
                LINES({"orderUpdate",
                       "{\"externalReference\":\"" RECORD_ID
                       "\",\"input\":{\"shippingAddress\":{\"city\":\"Pune\",\"country\":"
                       "\"IN\",\"skipValidation\":true},\"userEmail\":\"b@x.in\"," META(
                           "\"{\\\"id\\\":\\\"o1\\\",\\\"gift\\\":true}\"") "}}",
                       DONE}),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(a_create_whose_answer_was_lost_becomes_an_update)
{
    struct errand errand = create;
    errand.record = ORDER("shipped", "100.00", TWO_LAMPS);
    saleor_talk(
        &errand,
        LINES({"orderBulkCreate", NULL, NOT_PLACED("external_reference", "UNIQUE")},
              {"orderUpdate", "{\"externalReference\":\"" RECORD_ID "\",\"input\":{" ID_META "}}", DONE},
              {"order", BY_ID, IS("FULFILLED", "[]")}),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(an_update_of_one_that_is_not_there_becomes_a_create)
{
    static const char base[] = ORDER("pending", "100.00", TWO_LAMPS);
    struct errand errand = change, known = change;
    errand.base = known.base = base;
    known.platform_id = ORDER_ID;
    saleor_talk(&errand,
                LINES({"orderUpdate", NULL, REFUSED("externalReference", "NOT_FOUND")},
                      {"orderBulkCreate", INPUT("UNFULFILLED", OURS, LAMP_LINE, ID_META), PLACED}),
                SALEOR_DONE, "");
    saleor_talk(&known,
                LINES({"orderUpdate", NULL, REFUSED("id", "NOT_FOUND")},
                      {"orderUpdate", NULL, REFUSED("externalReference", "NOT_FOUND")},
                      {"orderBulkCreate", INPUT("UNFULFILLED", OURS, LAMP_LINE, ID_META), PLACED}),
                SALEOR_DONE, "");
}
END_TEST

START_TEST(deleting_is_cancelling)
{
    struct errand known = erase;
    known.platform_id = ORDER_ID;
    saleor_talk(&erase,
                LINES({"order", BY_REFERENCE_ONLY, IS("UNFULFILLED", "[]")}, {"orderCancel", BY_ID, DONE}),
                SALEOR_DONE, "");
    saleor_talk(&erase, LINES({"order", BY_REFERENCE_ONLY, "null"}), SALEOR_DONE, "");
    saleor_talk(&erase, LINES({"order", BY_REFERENCE_ONLY, IS("CANCELED", "[]")}), SALEOR_DONE, "");
    saleor_talk(&erase, LINES({"order", BY_REFERENCE_ONLY, IS("FULFILLED", "[]")}), SALEOR_DEAD, "FULFILLED");
    saleor_talk(&known, LINES({"orderCancel", BY_ID, DONE}), SALEOR_DONE, "");
    saleor_talk(
        &known,
        LINES({"orderCancel", BY_ID, REFUSED("id", "NOT_FOUND")}, {"order", BY_REFERENCE_ONLY, "null"}),
        SALEOR_DONE, "");
}
END_TEST

START_TEST(an_update_can_be_resumed_from_every_step)
{
    static const struct say all[] = {
        {"orderUpdate", "{\"id\":\"" ORDER_ID "\",\"input\":{" ID_META "}}", DONE},
        {"order", BY_ID, IS("UNCONFIRMED", TWO_OPEN)},
        {"orderConfirm", BY_ID, DONE},
        {"orderFulfill", FULFIL, DONE},
    };
    static const char *const states[] = {"UNCONFIRMED", "UNCONFIRMED", "UNCONFIRMED", "UNFULFILLED"};
    for (size_t cut = 0; cut < 4; cut++) {
        struct say first[4], rest[5];
        size_t count = 0;
        char state[300];
        struct errand errand = change;
        errand.record = ORDER("shipped", "100.00", TWO_LAMPS);
        errand.base = ORDER("pending", "100.00", TWO_LAMPS);
        errand.platform_id = ORDER_ID;
        memcpy(first, all, sizeof all);
        first[cut].answer = NULL;
        char *steps = mem_strdup(saleor_talk(&errand, first, cut + 1, SALEOR_GO_ON, ""));
        errand.steps = steps;
        snprintf(state, sizeof state, "{\"id\":\"%s\",\"status\":\"%s\",\"lines\":%s}", ORDER_ID, states[cut],
                 TWO_OPEN);
        if (cut == 0)
            rest[count++] = all[0];
        rest[count++] = (struct say){"order", BY_ID, state};
        if (cut < 3)
            rest[count++] = all[2];
        rest[count++] = all[3];
        saleor_talk(&errand, rest, count, SALEOR_DONE, "");
        free(steps);
    }
}
END_TEST

START_TEST(each_error_code_has_its_verdict)
{
    static const struct {
        const char *answer;
        enum saleor_verdict verdict;
        const char *why;
    } rows[] = {
        {NOT_PLACED("billing_address", "INVALID"), SALEOR_DEAD, "billing_address: orderBulkCreate"},
        {NOT_PLACED("currency", "INCORRECT_CURRENCY"), SALEOR_DEAD, "currency: "},
        {NOT_PLACED("lines.0.quantity", "INVALID_QUANTITY"), SALEOR_DEAD, "lines.0.quantity: "},
        {NOT_PLACED("channel", "NOT_FOUND"), SALEOR_RETRY, "not there any more"},
        {NOT_PLACED("lines.0.warehouse", "NOT_FOUND"), SALEOR_RETRY, "not there any more"},
        {NOT_PLACED("created_at", "FUTURE_DATE"), SALEOR_DEAD, "created_at: "},
        {"{\"results\":[{\"order\":null,\"errors\":[]}]}", SALEOR_RETRY, "gave no reason"},
        {"{\"results\":[]}", SALEOR_RETRY, "gave no reason"},
        {"!{\"data\":{\"o0\":null},\"errors\":[{\"message\":\"x\",\"path\":[\"o0\"],\"extensions\":{"
         "\"exception\":{\"code\":"
         "\"PermissionDenied\"}}}]}",
         SALEOR_HOLD, "may not"},
    };
    for (int i = 0; i < COUNT(rows); i++)
        saleor_talk(&create, LINES({"orderBulkCreate", NULL, rows[i].answer}), rows[i].verdict, rows[i].why);
    struct errand shipped = change;
    shipped.record = ORDER("shipped", "100.00", TWO_LAMPS);
    shipped.platform_id = ORDER_ID;
    saleor_talk(&shipped,
                LINES({"orderUpdate", NULL, DONE}, {"order", BY_ID, IS("UNFULFILLED", TWO_OPEN)},
                      {"orderFulfill", FULFIL, REFUSED("order", "CANNOT_FULFILL_UNPAID_ORDER")}),
                SALEOR_DEAD, "CANNOT_FULFILL_UNPAID_ORDER");
    saleor_talk(&shipped,
                LINES({"orderUpdate", NULL, DONE}, {"order", BY_ID, IS("UNFULFILLED", TWO_OPEN)},
                      {"orderFulfill", FULFIL, REFUSED("orderLineId", "FULFILL_ORDER_LINE")},
                      {"order", BY_ID, IS("FULFILLED", "[]")}),
                SALEOR_DONE, "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("saleor_order_ways");
    TCase *tc = tcase_create("order");
    tcase_add_checked_fixture(tc, saleor_load, saleor_unload);
    tcase_add_test(tc, an_update_brings_the_order_to_the_state_that_its_status_asks_for);
    tcase_add_test(tc, with_a_known_id_confirming_and_cancelling_need_no_look);
    tcase_add_test(tc, amount_and_items_of_a_placed_order_stay_and_the_outcome_says_so);
    tcase_add_test(tc, what_can_change_in_a_placed_order_is_changed);
    tcase_add_test(tc, a_create_whose_answer_was_lost_becomes_an_update);
    tcase_add_test(tc, an_update_of_one_that_is_not_there_becomes_a_create);
    tcase_add_test(tc, deleting_is_cancelling);
    tcase_add_test(tc, an_update_can_be_resumed_from_every_step);
    tcase_add_test(tc, each_error_code_has_its_verdict);
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
