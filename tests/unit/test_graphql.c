/* test_graphql.c: requests of several documents, and answers by part. */
#include <check.h>

#include "graphql.h"
#include "graphql_message.h"
#include "mem.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

static const char CREATE[] = "# Makes one.\n"
                             "mutation ThingCreate($input: ThingInput!, $tags: [String!]!) {\n"
                             "  thingCreate(input: $input, tags: $tags) {\n"
                             "    thing { id }\n"
                             "    errors { code }\n"
                             "  }\n"
                             "}\n";
static const char DELETE[] = "mutation ThingDelete($id: ID!) { thingDelete(id: $id) { errors { code } } }";
static const char FIND[] = "query Find($id: ID!) { thing(id: $id) { id } }";
static const char ALL[] = "query All {\n  shop {\n    name\n  }\n}\n";

static struct json *parse(const char *text)
{
    struct json_error error;
    bool ok;
    struct json *json = json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok);
    ck_assert_msg(ok, "%s: %s", text, error.detail);
    return json;
}

static void check_body(const struct graphql_part *parts, size_t count, const char *expected)
{
    struct buf body = BUF_INIT;
    graphql_compose(&body, parts, count);
    ck_assert_str_eq(body.data, expected);
    json_free(parse(body.data));
    buf_release(&body);
}

START_TEST(one_document_gets_an_alias_and_renamed_variables)
{
    struct json *variables = parse("{\"input\":{\"name\":\"$input\"},\"tags\":[\"a\\\"b\"]}");
    const struct graphql_part part = {CREATE, variables};
    check_body(
        &part, 1,
        "{\"operationName\":\"ThingCreate\",\"query\":\"mutation ThingCreate($o0_input: ThingInput!, "
        "$o0_tags: "
        "[String!]!) { o0: thingCreate(input: $o0_input, tags: $o0_tags) { thing { id } errors { code } }}\","
        "\"variables\":{\"o0_input\":{\"name\":\"$input\"},\"o0_tags\":[\"a\\\"b\"]}}");
    json_free(variables);
}
END_TEST

START_TEST(several_documents_make_one_request)
{
    struct json *first = parse("{\"id\":\"1\"}"), *second = parse("{\"input\":null,\"tags\":[]}");
    const struct graphql_part parts[] = {{DELETE, first}, {CREATE, second}, {DELETE, first}};
    check_body(parts, 3,
               "{\"operationName\":\"ThingDelete\",\"query\":\"mutation ThingDelete($o0_id: ID!, $o1_input: "
               "ThingInput!, "
               "$o1_tags: [String!]!, $o2_id: ID!) { o0: thingDelete(id: $o0_id) { errors { code } } o1: "
               "thingCreate(input: "
               "$o1_input, tags: $o1_tags) { thing { id } errors { code } } o2: thingDelete(id: $o2_id) { "
               "errors { code } "
               "}}\",\"variables\":{\"o0_id\":\"1\",\"o1_input\":null,\"o1_tags\":[],\"o2_id\":\"1\"}}");
    json_free(first);
    json_free(second);
}
END_TEST

START_TEST(a_document_without_variables_defines_none)
{
    const struct graphql_part part = {ALL, NULL};
    check_body(&part, 1,
               "{\"operationName\":\"All\",\"query\":\"query All { o0: shop { name }}\",\"variables\":{}}");
}
END_TEST

START_TEST(a_document_says_what_it_is)
{
    size_t len;
    ck_assert(graphql_is_mutation(CREATE));
    ck_assert(!graphql_is_mutation(FIND));
    const char *name = graphql_operation_name(CREATE, &len);
    ck_assert_uint_eq(len, 11);
    ck_assert_int_eq(strncmp(name, "ThingCreate", len), 0);
}
END_TEST

static void compose_mixed(void)
{
    const struct graphql_part parts[] = {{FIND, NULL}, {DELETE, NULL}};
    struct buf body = BUF_INIT;
    graphql_compose(&body, parts, 2);
}

START_TEST(queries_and_mutations_do_not_mix)
{
    compose_mixed(); /* a bug(): aborts */
}
END_TEST

/* ---- answers ---- */

static struct graphql_answer *read_text(const char *text, int status, size_t parts)
{
    return graphql_answer_read(text, strlen(text), status, parts);
}

#define COST(requested, max) \
    "\"extensions\":{\"cost\":{\"requestedQueryCost\":" requested ",\"maximumAvailable\":" max "}}"
#define ERROR(message, rest) "{\"errors\":[{\"message\":\"" message "\"" rest "}]}"
#define EXCEPTION(code) ",\"extensions\":{\"exception\":{\"code\":\"" code "\"}}"

START_TEST(each_answer_has_its_verdict)
{
    static const struct {
        const char *body;
        int status;
        enum graphql_verdict verdict;
        const char *why;
    } rows[] = {
        {"{\"data\":{\"o0\":null}}", 200, GRAPHQL_ANSWERED, ""},
        {"{\"data\":{\"o0\":{}},\"errors\":[{\"message\":\"x\",\"path\":[\"o1\"]}]}", 200, GRAPHQL_ANSWERED,
         ""},
        {ERROR("Cannot query field \\\"x\\\"", EXCEPTION("GraphQLError")), 400, GRAPHQL_REFUSED,
         "Cannot query field \"x\""},
        {ERROR("no code at all", ""), 400, GRAPHQL_REFUSED, "no code"},
        {"{\"errors\":[{}]}", 400, GRAPHQL_REFUSED, "no reason"},
        {"{\"data\":null,\"errors\":[{\"message\":\"Internal Server Error\"" EXCEPTION(
             "OperationalError") "}]}",
         200, GRAPHQL_BROKEN, "Internal"},
        {ERROR("x", EXCEPTION("DatabaseError")), 500, GRAPHQL_BROKEN, "x"},
        {ERROR("Throttled", ""), 200, GRAPHQL_THROTTLED, "Throttled"},
        {ERROR("slow", ",\"extensions\":{\"code\":\"THROTTLED\"}"), 200, GRAPHQL_THROTTLED, "slow"},
        {ERROR("slow", ""), 429, GRAPHQL_THROTTLED, "slow"},
        {"{\"data\":{\"o0\":{}}}", 429, GRAPHQL_THROTTLED, "429"},
        {"too many", 429, GRAPHQL_THROTTLED, "429"},
        {ERROR("Signature has expired", EXCEPTION("ExpiredSignatureError")), 200, GRAPHQL_FORBIDDEN,
         "expired"},
        {ERROR("no anonymous visitors", ",\"extensions\":{\"code\":\"STOREFRONT_TRAFFIC_DISABLED\"}"), 401,
         GRAPHQL_FORBIDDEN, "anonymous"},
        {"{}", 403, GRAPHQL_FORBIDDEN, "credential"},
        {"{\"errors\":[{\"message\":\"The query exceeds the maximum cost of 50. Actual cost is 80\"}]," COST(
             "80", "50") "}",
         400, GRAPHQL_TOO_MUCH, "maximum cost"},
        {ERROR("Number of mutations exceed the limit of 4", EXCEPTION("GraphQLError")), 400, GRAPHQL_TOO_MUCH,
         "limit of 4"},
        {ERROR("Number of aliases exceed the limit of 100", ""), 400, GRAPHQL_TOO_MUCH, "limit of 100"},
        {ERROR("Request body exceeds maximum size.", ""), 413, GRAPHQL_TOO_MUCH, "exceeds"},
        {"", 413, GRAPHQL_TOO_MUCH, "413"},
        {"", 200, GRAPHQL_BROKEN, "no GraphQL answer"},
        {"[]", 200, GRAPHQL_BROKEN, "no GraphQL answer"},
        {"{}", 200, GRAPHQL_BROKEN, "no GraphQL answer"},
        {"{\"data\":[]}", 200, GRAPHQL_BROKEN, "no GraphQL answer"},
        {"{\"errors\":[]}", 200, GRAPHQL_BROKEN, "no GraphQL answer"},
        {"{\"errors\":\"x\"}", 200, GRAPHQL_BROKEN, "no GraphQL answer"},
        {"{\"data\":{\"o0\":", 200, GRAPHQL_BROKEN, "no GraphQL answer"},
        {"<html>", 502, GRAPHQL_BROKEN, "no GraphQL answer"},
        {"{\"errors\":[{\"message\":\"a\"},{\"message\":\"b\"" EXCEPTION("PermissionDenied") "}]}", 200,
         GRAPHQL_FORBIDDEN, "b"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct graphql_answer *answer = read_text(rows[i].body, rows[i].status, 2);
        ck_assert_msg(graphql_answer_verdict(answer) == rows[i].verdict, "%s: %d", rows[i].body,
                      graphql_answer_verdict(answer));
        ck_assert_msg(strstr(graphql_answer_why(answer), rows[i].why) != NULL, "%s: %s", rows[i].body,
                      graphql_answer_why(answer));
        graphql_answer_free(&answer);
        ck_assert_ptr_null(answer);
    }
}
END_TEST

START_TEST(data_and_errors_belong_to_their_part)
{
    struct graphql_answer *answer = read_text(
        "{\"data\":{\"o0\":{\"n\":1},\"o1\":null,\"o2\":null},\"errors\":["
        "{\"message\":\"first\",\"path\":[\"o1\",\"x\",0]" EXCEPTION(
            "PermissionDenied") "},"
                                "{\"message\":\"second\",\"path\":[\"o1\"]" EXCEPTION(
                                    "OperationalError") "},"
                                                        "{\"message\":\"of no part\"},{\"message\":\"unknown "
                                                        "part\",\"path\":[\"o7\"]}]}",
        200, 3);
    int64_t n;
    ck_assert_int_eq(graphql_answer_verdict(answer), GRAPHQL_ANSWERED);
    ck_assert_int_eq(json_int64(json_get(graphql_answer_data(answer, 0), "n"), &n), 0);
    ck_assert_uint_eq(graphql_answer_error_count(answer, 0), 0);
    ck_assert_ptr_null(graphql_answer_data(answer, 1));
    ck_assert_uint_eq(graphql_answer_error_count(answer, 1),
                      4); /* what names no part speaks for those without data */
    ck_assert_uint_eq(graphql_answer_error_count(answer, 2), 2);
    const struct graphql_error *first = graphql_answer_error(answer, 1, 0),
                               *second = graphql_answer_error(answer, 1, 1);
    ck_assert_str_eq(first->message, "first");
    ck_assert_str_eq(first->code, "PermissionDenied");
    ck_assert(first->forbidden && !first->internal && !first->throttled);
    ck_assert(second->internal && !second->forbidden);
    ck_assert_str_eq(graphql_answer_error(answer, 2, 0)->message, "of no part");
    graphql_answer_free(&answer);
}
END_TEST

START_TEST(errors_are_bounded)
{
    struct buf body = BUF_INIT;
    buf_add_str(&body, "{\"data\":{\"o0\":null},\"errors\":[");
    for (int i = 0; i < 1000; i++)
        buf_addf(&body, "%s{\"message\":\"%d\",\"path\":[\"o0\"]}", i > 0 ? "," : "", i);
    buf_add_str(&body, "]}");
    struct graphql_answer *answer = read_text(body.data, 200, 1);
    ck_assert_uint_eq(graphql_answer_error_count(answer, 0), GRAPHQL_ERRORS_MAX);
    graphql_answer_free(&answer);
    buf_release(&body);
}
END_TEST

START_TEST(the_part_that_is_at_fault_is_told_where_the_errors_name_it)
{
    static const struct {
        const char *errors;
        int culprit;
    } rows[] = {
        {"{\"message\":\"Variable \\\"$o1_input\\\" got invalid value {}.\"}", 1},
        {"{\"message\":\"Variable \\\"$o0_id\\\" of type ID used in …\"}", 0},
        {"{\"message\":\"x\",\"path\":[\"o2\"]},{\"message\":\"Variable \\\"$o2_id\\\" got invalid value\"}",
         2},
        {"{\"message\":\"Variable \\\"$o1_id\\\" …\"},{\"message\":\"Variable \\\"$o2_id\\\" …\"}", -1},
        {"{\"message\":\"Variable \\\"$o1_id\\\" …\"},{\"message\":\"of none\"}", -1},
        {"{\"message\":\"Variable \\\"$o9_id\\\" …\"}", -1},
        {"{\"message\":\"Variable \\\"$other\\\" …\"}", -1},
        {"{\"message\":\"Syntax error\"}", -1},
        {"{\"message\":\"x\",\"path\":[7]}", -1},
        {"7", -1},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        char body[300];
        snprintf(body, sizeof body, "{\"errors\":[%s]}", rows[i].errors);
        struct graphql_answer *answer = read_text(body, 400, 3);
        ck_assert_msg(graphql_answer_culprit(answer) == rows[i].culprit, "%s", body);
        graphql_answer_free(&answer);
    }
}
END_TEST

START_TEST(cost_and_time_to_wait_are_read)
{
    struct graphql_answer *answer = read_text("{\"data\":{}," COST("12", "50000") "}", 200, 1);
    ck_assert_int_eq(graphql_answer_cost(answer), 12);
    ck_assert_int_eq(graphql_answer_cost_max(answer), 50000);
    ck_assert_int_eq(graphql_answer_retry_after_ms(answer), -1);
    graphql_answer_free(&answer);
    answer = read_text(
        "{\"errors\":[{\"message\":\"Throttled\"}],\"extensions\":{\"retryAfter\":7,\"cost\":\"?\"}}", 200,
        1);
    ck_assert_int_eq(graphql_answer_cost(answer), -1);
    ck_assert_int_eq(graphql_answer_retry_after_ms(answer), 7000);
    graphql_answer_free(&answer);
}
END_TEST

/* A byte lost or changed anywhere: some verdict, never a crash (sanitizers look on). */
START_TEST(a_broken_answer_is_survived)
{
    static const char body[] =
        "{\"data\":{\"o0\":{\"n\":[1,2]},\"o1\":null},\"errors\":[{\"message\":\"m $o1_x 'q' "
        "\\\"z\\\"\",\"path\":"
        "[\"o1\"],\"extensions\":{\"exception\":{\"code\":\"c\"}}}],\"extensions\":{\"cost\":{"
        "\"requestedQueryCost\":1,\"maximumAvailable\":2}}}";
    char copy[sizeof body];
    for (size_t i = 0; i < sizeof body - 1; i++) {
        for (const char *with = "0[{\"}],:n\x80"; *with != '\0'; with++) {
            memcpy(copy, body, sizeof body);
            copy[i] = *with;
            struct graphql_answer *answer = graphql_answer_read(copy, sizeof body - 1, 200, 2);
            ck_assert_int_le(graphql_answer_verdict(answer), GRAPHQL_BROKEN);
            graphql_answer_free(&answer);
        }
        struct graphql_answer *cut = graphql_answer_read(body, i, 400, 2);
        ck_assert_int_eq(graphql_answer_verdict(cut), GRAPHQL_BROKEN);
        graphql_answer_free(&cut);
    }
}
END_TEST

START_TEST(messages_keep_no_personal_data)
{
    static const char *const rows[][2] = {
        {"Variable \"$o1_input\" got invalid value {\"email\": \"a@x.in\"}.\nIn field \"email\": Expected "
         "type \"String\", found "
         "7.",
         "Variable \"$o1_input\" got invalid value: In field \"email\": Expected type \"String\""},
        {"Variable \"$input\" got invalid value { name: \"Asha\" }; Field \"id\" of required type \"ID!\" "
         "was not provided.",
         "Variable \"$input\" got invalid value: Field \"id\" of required type \"ID!\" was not provided."},
        {"Variable \"$id\" got invalid value \"secret\"", "Variable \"$id\" got invalid value"},
        {"'+919876543210' is not a valid phone number.", "… is not a valid phone number."},
        {"User instance with email=a@x.in doesn't exist.", "User instance with … doesn't exist."},
        {"Value +91 98765 43210 is wrong", "Value +91 … … is wrong"},
        {"Number of mutations exceed the limit of 4", "Number of mutations exceed the limit of 4"},
        {"Say \"two words\" and \"Name\"", "Say … and \"Name\""},
        {"an 'unclosed quote", "an 'unclosed quote"},
        {"two\nlines\tand \"", "two lines and \""},
        {"", ""},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf out = BUF_INIT;
        graphql_clean_message(&out, rows[i][0]);
        ck_assert_str_eq(out.data, rows[i][1]);
        buf_release(&out);
    }
}
END_TEST

START_TEST(a_long_message_is_cut_between_characters)
{
    struct buf message = BUF_INIT, out = BUF_INIT;
    buf_add_str(&message, "x");
    for (int i = 0; i < 1000; i++)
        buf_add_str(&message, "é");
    graphql_clean_message(&out, message.data);
    ck_assert_uint_eq(out.len, 299);
    ck_assert_int_eq(json_check("\"x\"", 3, 4, &(struct json_error){0}), 0);
    struct buf quoted = BUF_INIT;
    buf_add_json(&quoted, out.data, out.len);
    ck_assert_int_eq(json_check(quoted.data, quoted.len, 4, &(struct json_error){0}), 0);
    buf_release(&message);
    buf_release(&out);
    buf_release(&quoted);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("graphql");
    TCase *tc = tcase_create("graphql");
    tcase_add_test(tc, one_document_gets_an_alias_and_renamed_variables);
    tcase_add_test(tc, several_documents_make_one_request);
    tcase_add_test(tc, a_document_without_variables_defines_none);
    tcase_add_test(tc, a_document_says_what_it_is);
    tcase_add_test_raise_signal(tc, queries_and_mutations_do_not_mix, 6);
    tcase_add_test(tc, each_answer_has_its_verdict);
    tcase_add_test(tc, data_and_errors_belong_to_their_part);
    tcase_add_test(tc, errors_are_bounded);
    tcase_add_test(tc, the_part_that_is_at_fault_is_told_where_the_errors_name_it);
    tcase_add_test(tc, cost_and_time_to_wait_are_read);
    tcase_add_test(tc, a_broken_answer_is_survived);
    tcase_add_test(tc, messages_keep_no_personal_data);
    tcase_add_test(tc, a_long_message_is_cut_between_characters);
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
