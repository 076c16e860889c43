/* test_inbound_map.c: what a shop's webhooks become, by the file that is shipped; paths and broken files. */
#include <check.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "platform_inbound.h"

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)
#define RECORD "30259c32-4518-8acf-9bb6-882911e83b3a"

static const char *look_up(void *arg, const char *name)
{
    (void)arg;
    if (strcmp(name, "SALEOR_API_URL") == 0)
        return "https://shop.example/graphql/";
    if (strcmp(name, "CORELDOVE_INBOUND_SECRET") == 0)
        return " old-secret, new-secret\n";
    return strcmp(name, "BIZOSAAS_INBOUND_TENANT") == 0 ? "acme" : NULL;
}

static struct platform_set *shipped(void)
{
    struct buf errors = BUF_INIT;
    struct platform_set *set = platform_set_load("config/platforms", look_up, NULL, &errors);
    ck_assert_msg(set != NULL, "%s", errors.data);
    buf_release(&errors);
    return set;
}

static struct json *parse(const char *text)
{
    struct json_error error;
    bool ok;
    struct json *json = json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok);
    ck_assert_msg(ok, "%s: %s", error.detail, text);
    return json;
}

static void expect(const char *claim, const struct json *got, const char *wanted)
{
    struct buf text = BUF_INIT;
    struct json *json = parse(wanted);
    json_write(&text, got);
    ck_assert_msg(json_equal(got, json), "%s: %s", claim, text.data);
    json_free(json);
    buf_release(&text);
}

/* ---- paths ---- */

static const struct {
    const char *path, *found; /* JSON; NULL: nothing */
} paths[] = {
    {"name", "\"Ann\""},
    {"a.b", "1"},
    {"a", "{\"b\":1}"},
    {"list[0]", "{\"k\":\"x\",\"v\":10}"},
    {"list[1].v", "20"},
    {"list[k=y].v", "20"},
    {"list[deep.k=z=1].v", "30"},
    {"list[n=7].v", "40"},
    {"list[k=nobody].v", NULL},
    {"list[4]", NULL},
    {"list[k=x].v.w", NULL},
    {"name.first", NULL},
    {"name[0]", NULL},
    {"a[0]", NULL},
    {"nothing", NULL},
    {"nil", NULL},
    {"nil.more", NULL},
};

START_TEST(a_path_leads_through_objects_and_lists)
{
    struct json *from =
        parse("{\"name\":\"Ann\",\"a\":{\"b\":1},\"nil\":null,\"list\":[{\"k\":\"x\",\"v\":10},{\"k\":"
              "\"y\",\"v\":20},{\"deep\":{\"k\":\"z=1\"},\"v\":30},{\"n\":7,\"v\":40}]}");
    const struct json *found = inbound_find(from, paths[_i].path);
    ck_assert_ptr_null(inbound_path_check(paths[_i].path));
    if (paths[_i].found)
        expect(paths[_i].path, found, paths[_i].found);
    else
        ck_assert_msg(found == NULL, "%s", paths[_i].path);
    json_free(from);
}
END_TEST

static const char *const no_paths[] = {"",    ".",        "a.",      ".a",     "a..b",  "a[",
                                       "a[]", "a[k]",     "[0]",     "a]b",    "a[=v]", "a[0]b",
                                       "a=b", "a[00000]", "a[.k=v]", "a[k.=v]"};

START_TEST(what_is_no_path_is_refused)
{
    ck_assert_msg(inbound_path_check(no_paths[_i]) != NULL, "%s", no_paths[_i]);
}
END_TEST

/* ---- the shop's events ---- */

#define ADDRESS "\"defaultBillingAddress\":{\"phone\":\"+4412345\"}"
#define CUSTOMER(more)                                                                             \
    "{\"id\":\"VXNlcjox\",\"email\":\"ann@example.com\",\"firstName\":\"Ann\",\"lastName\":\"van " \
    "Lee\",\"isActive\":true,"                                                                     \
    "\"note\":\"\"," ADDRESS more "}"
#define LISTINGS                                                                                             \
    "\"channelListings\":[{\"channel\":{\"slug\":\"other\"},\"price\":{\"amount\":1,\"currency\":\"USD\"}}," \
    "{\"channel\":{\"slug\":\"default-channel\"},\"price\":{\"amount\":830.50,\"currency\":\"INR\"}}]"
#define STOCKS                                                                                \
    "\"stocks\":[{\"warehouse\":{\"slug\":\"far\"},\"quantity\":1},{\"warehouse\":{\"slug\":" \
    "\"default-warehouse\"},\"quantity\":7}]"
#define PRODUCT(more)                                                                                        \
    "{\"id\":\"UHJvZHVjdDox\",\"externalReference\":null,\"name\":\"Tea\",\"description\":\"{"               \
    "\\\"blocks\\\":[{\\\"type\\\":"                                                                         \
    "\\\"paragraph\\\",\\\"data\\\":{\\\"text\\\":\\\"black &amp; "                                          \
    "<b>strong</b>\\\"}},{\\\"data\\\":{\\\"text\\\":"                                                       \
    "\\\"second\\\"}}]}\",\"channelListings\":[{\"channel\":{\"slug\":\"default-channel\"},\"isPublished\":" \
    "false}]" more "}"
#define VARIANT(id, reference)                                               \
    "{\"id\":\"" id "\",\"sku\":\"TEA-1\"," LISTINGS "," STOCKS              \
    ",\"product\":{\"id\":\"UHJvZHVjdDox\",\"externalReference\":" reference \
    ",\"name\":\"Tea\",\"defaultVariant\":{\"id\":\"V1\"}}}"
#define DEFAULT_VARIANT ",\"defaultVariant\":{\"id\":\"V1\",\"sku\":\"TEA-1\"," LISTINGS "," STOCKS "}"
#define ORDER(status, charge, reference, currency)                                                          \
    "{\"id\":\"T3JkZXI6MQ==\",\"externalReference\":" reference ",\"number\":\"17\",\"status\":\"" status   \
    "\",\"chargeStatus\":\"" charge                                                                         \
    "\",\"userEmail\":\"ann@example.com\",\"user\":{\"id\":\"VXNlcjox\"},\"total\":"                        \
    "{\"gross\":{\"amount\":20.10,\"currency\":\"" currency                                                 \
    "\"}},\"lines\":[{\"id\":\"L1\",\"productName\":\"Tea\","                                               \
    "\"productSku\":\"TEA-1\",\"quantity\":2,\"unitPrice\":{\"gross\":{\"amount\":10.05}},\"variant\":{"    \
    "\"product\":"                                                                                          \
    "{\"id\":\"UHJvZHVjdDox\"}}},{\"id\":\"L2\",\"productName\":\"Gone\",\"productSku\":null,\"quantity\":" \
    "1,"                                                                                                    \
    "\"unitPrice\":{\"gross\":{\"amount\":0}},\"variant\":null}]}"
#define ORDER_DATA(status, paid, currency)                                                              \
    "{\"id\":\"T3JkZXI6MQ==\",\"number\":\"17\",\"status\":\"" status "\",\"payment_status\":\"" paid   \
    "\",\"amount\":20.10" currency                                                                      \
    ",\"customer_id\":\"VXNlcjox\",\"customer_email\":\"ann@example.com\",\"items\":"                   \
    "[{\"id\":\"L1\",\"sku\":\"TEA-1\",\"name\":\"Tea\",\"quantity\":2,\"price\":10.05,\"product_id\":" \
    "\"UHJvZHVjdDox\"},"                                                                                \
    "{\"id\":\"L2\",\"name\":\"Gone\",\"quantity\":1,\"price\":0}]}"
#define OURS ",\"_sync_metadata\":{\"record_id\":\"" RECORD "\"}}"
#define TEA_DATA(more) \
    "{\"id\":\"UHJvZHVjdDox\",\"name\":\"Tea\",\"sku\":\"TEA-1\",\"price\":830.5,\"inventory\":7" more

static const struct {
    const char *event;
    enum event_type type;
    const char *object, *data; /* data NULL: nothing becomes of it */
} events[] = {
    {"customer_created", EVENT_USER_CREATED, CUSTOMER(""),
     "{\"id\":\"VXNlcjox\",\"email\":\"ann@example.com\",\"name\":\"Ann van "
     "Lee\",\"phone\":\"+4412345\",\"status\":\"active\"}"},
    {"customer_created", EVENT_USER_CREATED,
     "{\"id\":\"VXNlcjox\",\"email\":\"ann@example.com\",\"firstName\":\"\",\"lastName\":\"\",\"isActive\":"
     "true}",
     "{\"id\":\"VXNlcjox\",\"email\":\"ann@example.com\",\"name\":\"ann@example.com\",\"status\":"
     "\"active\"}"},
    {"customer_updated", EVENT_USER_UPDATED, CUSTOMER(",\"externalReference\":\"" RECORD "\""),
     "{\"id\":\"VXNlcjox\",\"email\":\"ann@example.com\",\"name\":\"Ann van "
     "Lee\",\"status\":\"active\"" OURS},
    {"customer_updated", EVENT_USER_UPDATED,
     "{\"id\":\"VXNlcjox\",\"email\":\"ann@example.com\",\"firstName\":\"\",\"lastName\":\"Lee\","
     "\"isActive\":false}",
     "{\"id\":\"VXNlcjox\",\"email\":\"ann@example.com\",\"name\":\"Lee\",\"status\":\"inactive\"}"},
    {"customer_deleted", EVENT_USER_DELETED, "{\"id\":\"VXNlcjox\",\"externalReference\":\"" RECORD "\"}",
     "{\"id\":\"VXNlcjox\"" OURS},
    {"product_created", EVENT_PRODUCT_CREATED, PRODUCT(",\"defaultVariant\":null"), NULL},
    {"product_created", EVENT_PRODUCT_CREATED, PRODUCT(DEFAULT_VARIANT),
     TEA_DATA(",\"status\":\"inactive\",\"description\":\"black & strong\\nsecond\"}")},
    {"product_updated", EVENT_PRODUCT_UPDATED, PRODUCT(DEFAULT_VARIANT),
     TEA_DATA(",\"status\":\"inactive\",\"description\":\"black & strong\\nsecond\"}")},
    {"product_deleted", EVENT_PRODUCT_DELETED, "{\"id\":\"UHJvZHVjdDox\",\"externalReference\":null}",
     "{\"id\":\"UHJvZHVjdDox\"}"},
    {"product_variant_created", EVENT_PRODUCT_UPDATED, VARIANT("V1", "null"), TEA_DATA("}")},
    {"product_variant_updated", EVENT_PRODUCT_UPDATED, VARIANT("V1", "null"), TEA_DATA("}")},
    {"product_variant_updated", EVENT_PRODUCT_UPDATED, VARIANT("V2", "null"), NULL},
    {"product_variant_stock_updated", EVENT_PRODUCT_UPDATED, VARIANT("V1", "\"" RECORD "\""), TEA_DATA(OURS)},
    {"product_variant_out_of_stock", EVENT_PRODUCT_UPDATED, VARIANT("V1", "null"), TEA_DATA("}")},
    {"product_variant_back_in_stock", EVENT_PRODUCT_UPDATED, VARIANT("V1", "null"), TEA_DATA("}")},
    {"order_created", EVENT_ORDER_CREATED, ORDER("UNCONFIRMED", "NONE", "null", "INR"),
     ORDER_DATA("pending", "unpaid", "")},
    {"order_created", EVENT_ORDER_CREATED, ORDER("UNFULFILLED", "PARTIAL", "null", "USD"),
     ORDER_DATA("confirmed", "partially_paid", ",\"currency\":\"USD\"")},
    {"order_created", EVENT_ORDER_CREATED, ORDER("UNFULFILLED", "FULL", "\"" RECORD "\"", "INR"),
     "{\"id\":\"T3JkZXI6MQ==\",\"status\":\"confirmed\",\"payment_status\":\"paid\"" OURS},
    {"order_confirmed", EVENT_ORDER_UPDATED, ORDER("UNFULFILLED", "NONE", "null", "INR"),
     ORDER_DATA("confirmed", "unpaid", "")},
    {"order_updated", EVENT_ORDER_UPDATED, ORDER("PARTIALLY_FULFILLED", "NONE", "null", "INR"),
     ORDER_DATA("partially_shipped", "unpaid", "")},
    {"order_fully_paid", EVENT_ORDER_UPDATED, ORDER("UNFULFILLED", "FULL", "null", "INR"),
     ORDER_DATA("confirmed", "paid", "")},
    {"order_fulfilled", EVENT_ORDER_UPDATED, ORDER("FULFILLED", "FULL", "null", "INR"),
     ORDER_DATA("shipped", "paid", "")},
    {"order_cancelled", EVENT_ORDER_UPDATED, ORDER("CANCELED", "NONE", "null", "INR"),
     ORDER_DATA("cancelled", "unpaid", "")},
    {"order_updated", EVENT_ORDER_UPDATED, ORDER("A_NEW_WORD", "NONE", "null", "INR"),
     ORDER_DATA("A_NEW_WORD", "unpaid", "")},
};

START_TEST(a_shops_event_becomes_ours)
{
    struct platform_set *set = shipped();
    const struct platform_inbound *inbound = platform_inbound(platform_find(set, "coreldove"));
    const struct inbound_event *event = platform_inbound_event(inbound, events[_i].event);
    struct json *object = parse(events[_i].object);
    ck_assert_msg(event != NULL, "%s", events[_i].event);
    ck_assert_int_eq(event->type, events[_i].type);
    enum verb verb = msg_event_verb(event->type);
    ck_assert_int_eq(inbound_concerns(event->object, object, verb), events[_i].data != NULL);
    if (events[_i].data) {
        struct json *data = inbound_map(event->object, object, verb);
        expect(events[_i].event, data, events[_i].data);
        json_free(data);
    }
    json_free(object);
    platform_set_free(&set);
}
END_TEST

START_TEST(every_event_of_the_shipped_file_is_walked_here)
{
    struct platform_set *set = shipped();
    const struct platform_inbound *inbound = platform_inbound(platform_find(set, "coreldove"));
    for (size_t i = 0; i < inbound->event_count; i++) {
        bool found = false;
        for (int row = 0; row < COUNT(events); row++)
            found |= strcmp(events[row].event, inbound->events[i].name) == 0;
        ck_assert_msg(found, "%s", inbound->events[i].name);
    }
    ck_assert_ptr_null(platform_inbound_event(inbound, "page_updated"));
    platform_set_free(&set);
}
END_TEST

/* ---- what comes back ---- */

static const struct {
    enum entity entity;
    const char *field, *held, *incoming; /* JSON; held NULL: no value */
    bool same;
} echoes[] = {
    {ENTITY_ORDER, "status", "\"delivered\"", "\"shipped\"", true},
    {ENTITY_ORDER, "status", "\"shipped\"", "\"cancelled\"", false},
    {ENTITY_ORDER, "status", "\"confirmed\"", "\"shipped\"", false},
    {ENTITY_ORDER, "status", "\"on_hold\"", "\"confirmed\"", true},
    {ENTITY_ORDER, "status", "\"on_hold\"", "\"shipped\"", false},
    {ENTITY_ORDER, "status", "\"pending\"", "\"confirmed\"", false},
    {ENTITY_ORDER, "status", "\"paid\"", "\"confirmed\"", true},
    {ENTITY_ORDER, "payment_status", NULL, "\"unpaid\"", true},
    {ENTITY_ORDER, "payment_status", NULL, "\"paid\"", false},
    {ENTITY_USER, "status", NULL, "\"active\"", true},
    {ENTITY_USER, "status", "\"vip\"", "\"active\"", true},
    {ENTITY_USER, "status", NULL, "\"inactive\"", false},
    {ENTITY_USER, "status", "\"inactive\"", "\"active\"", false},
    {ENTITY_USER, "email", "\"Ann@Example.COM\"", "\"ann@example.com\"", true},
    {ENTITY_USER, "email", "\"ann@example.org\"", "\"ann@example.com\"", false},
    {ENTITY_USER, "name", "\" Ann  van\\tLee \"", "\"Ann van Lee\"", true},
    {ENTITY_USER, "name", "\"ann van lee\"", "\"Ann van Lee\"", false},
    {ENTITY_USER, "name", "\"Ann vanLee\"", "\"Ann van Lee\"", false},
    {ENTITY_USER, "name", NULL, "\"Ann\"", false},
    {ENTITY_PRODUCT, "description", "\"black & strong\\n\"", "\"black & strong\"", true},
    {ENTITY_PRODUCT, "description", "{\"blocks\":[{\"data\":{\"text\":\"a &lt; b\"}}]}", "\"a < b\"", true},
    {ENTITY_PRODUCT, "description", "\"black\"", "\"green\"", false},
    {ENTITY_PRODUCT, "price", "5", "6", false},
};

START_TEST(what_the_shop_says_of_what_we_hold_is_no_change)
{
    struct platform_set *set = shipped();
    struct json *held = echoes[_i].held ? parse(echoes[_i].held) : NULL,
                *incoming = parse(echoes[_i].incoming);
    ck_assert_msg(platform_inbound_same(platform_find(set, "coreldove"), echoes[_i].entity, echoes[_i].field,
                                        held, incoming) == echoes[_i].same,
                  "%s: %s, %s", echoes[_i].field, echoes[_i].held ? echoes[_i].held : "nothing",
                  echoes[_i].incoming);
    json_free(held);
    json_free(incoming);
    platform_set_free(&set);
}
END_TEST

START_TEST(a_mistake_is_shown_where_it_stands_in_the_shops_object)
{
    struct platform_set *set = shipped();
    const struct inbound_object *product =
        platform_inbound_object(platform_find(set, "coreldove"), ENTITY_PRODUCT);
    struct json *object = parse(PRODUCT(DEFAULT_VARIANT));
    struct buf pointer = BUF_INIT;
    inbound_pointer(&pointer, product, object, "price");
    ck_assert_str_eq(pointer.data, "/defaultVariant/channelListings/1/price/amount");
    buf_reset(&pointer);
    inbound_pointer(&pointer, product, object, "name");
    ck_assert_str_eq(pointer.data, "/name");
    buf_reset(&pointer);
    inbound_pointer(&pointer, product, object, "unheard_of");
    ck_assert_str_eq(pointer.data, "/unheard_of");
    buf_release(&pointer);
    json_free(object);
    platform_set_free(&set);
}
END_TEST

/* ---- files ---- */

START_TEST(secrets_keys_and_tenants_come_from_variables)
{
    struct platform_set *set = shipped();
    const struct platform_inbound *shop = platform_inbound(platform_find(set, "coreldove"));
    const struct platform_inbound *standard = platform_inbound(platform_find(set, "bizosaas"));
    ck_assert_int_eq(shop->dialect, PLATFORM_SALEOR);
    ck_assert_str_eq(shop->keys_url, "https://shop.example/.well-known/jwks.json");
    ck_assert_str_eq(shop->secrets[0], "old-secret");
    ck_assert_str_eq(shop->secrets[1], "new-secret");
    ck_assert_ptr_null(shop->secrets[2]);
    ck_assert_ptr_null(shop->tenant);
    ck_assert_str_eq(standard->tenant, "acme");
    ck_assert(!platform_inbound_is_open(standard));
    ck_assert_str_eq(standard->secret_variable, "BIZOSAAS_INBOUND_SECRET");
    platform_set_free(&set);
}
END_TEST

static const struct {
    const char *inbound, *error;
} broken[] = {
    {"secret = \"X\";", "lacks the setting dialect"},
    {"dialect = \"soap\";", "dialect is \"soap\"; the choice is standard, saleor"},
    {"dialect = \"standard\"; secret = \"not a variable\";",
     "secret must be the name of an environment variable"},
    {"dialect = \"standard\"; shop = \"SALEOR_API_URL\";", "of the dialect saleor"},
    {"dialect = \"standard\"; event = {};", "event is no setting that is known here"},
    {"dialect = \"saleor\"; events: { a: { type = \"user_made\"; }; };",
     "type is \"user_made\", which is no event type"},
    {"dialect = \"saleor\"; events: { a: { type = \"user_created\"; object = \"x\"; }; };",
     "none of inbound.objects"},
    {"dialect = \"saleor\"; events = ( { type = \"user_created\"; } );", "lacks the setting name"},
    {"dialect = \"saleor\"; events = ( { name = \"a.b\"; type = \"user_created\"; }, { name = \"a.b\"; type "
     "= \"user_created\"; } );",
     "events has a.b twice"},
    {"dialect = \"saleor\"; objects: { o: { entity = \"user\"; fields: { id = \"id\"; }; }; }; events: { a: "
     "{ type = "
     "\"order_created\"; object = \"o\"; }; };",
     "another entity than that of its type"},
    {"dialect = \"saleor\"; objects: { o: { entity = \"user\"; fields: { name = \"x\"; }; }; };",
     "lacks fields.id"},
    {"dialect = \"saleor\"; objects: { o: { entity = \"person\"; fields: { id = \"id\"; }; }; };",
     "entity is no entity"},
    {"dialect = \"saleor\"; objects: { o: { entity = \"user\"; fields: { id = \"a..b\"; }; }; };",
     "id is no path"},
    {"dialect = \"saleor\"; objects: { o: { entity = \"user\"; fields: { id = \"a[k=$channel].v\"; }; }; };",
     "only $channel and $warehouse are known, of the group graphql"},
    {"dialect = \"saleor\"; objects: { o: { entity = \"user\"; fields: { id: { words: { A = \"b\"; }; }; }; "
     "}; };",
     "id lacks a path, or a join"},
    {"dialect = \"saleor\"; objects: { o: { entity = \"user\"; fields: { id: { path = \"a\"; yes = [\"\", "
     "\"b\"]; }; }; }; };",
     "yes must begin with the word"},
    {"dialect = \"saleor\"; objects: { o: { entity = \"user\"; ours = [\"x\"]; fields: { id = \"id\"; }; }; "
     "};",
     "has x in ours, which is none of its fields"},
    {"dialect = \"saleor\"; objects: { o: { entity = \"user\"; same = [\"x\"]; fields: { id = \"id\"; }; }; "
     "};",
     "same must be a list of two paths"},
};

/* The shipped file of bizosaas with another group inbound. */
static void write_file(const char *dir, const char *inbound)
{
    char path[128];
    static char text[65536];
    FILE *from = fopen("config/platforms/bizosaas.conf", "r"), *to;
    size_t len = fread(text, 1, sizeof text - 1, from);
    fclose(from);
    text[len] = '\0';
    *strstr(text, "\ninbound:") = '\0';
    snprintf(path, sizeof path, "%s/bizosaas.conf", dir);
    to = fopen(path, "w");
    fprintf(to, "%s\ninbound: {\n%s\n};\n", text, inbound);
    fclose(to);
}

START_TEST(a_mistake_in_the_group_is_told_with_file_and_line)
{
    char dir[] = "/tmp/test_inbound.XXXXXX", path[128];
    struct buf errors = BUF_INIT;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    write_file(dir, broken[_i].inbound);
    struct platform_set *set = platform_set_load(dir, look_up, NULL, &errors);
    ck_assert_msg(set == NULL, "%s", broken[_i].inbound);
    ck_assert_msg(strstr(errors.data, broken[_i].error) != NULL, "%s", errors.data);
    ck_assert_msg(strstr(errors.data, "bizosaas.conf:") != NULL, "%s", errors.data);
    buf_release(&errors);
    snprintf(path, sizeof path, "%s/bizosaas.conf", dir);
    unlink(path);
    rmdir(dir);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inbound_map");
    TCase *tests = tcase_create("inbound_map");
    tcase_add_loop_test(tests, a_path_leads_through_objects_and_lists, 0, COUNT(paths));
    tcase_add_loop_test(tests, what_is_no_path_is_refused, 0, COUNT(no_paths));
    tcase_add_loop_test(tests, a_shops_event_becomes_ours, 0, COUNT(events));
    tcase_add_test(tests, every_event_of_the_shipped_file_is_walked_here);
    tcase_add_loop_test(tests, what_the_shop_says_of_what_we_hold_is_no_change, 0, COUNT(echoes));
    tcase_add_test(tests, a_mistake_is_shown_where_it_stands_in_the_shops_object);
    tcase_add_test(tests, secrets_keys_and_tenants_come_from_variables);
    tcase_add_loop_test(tests, a_mistake_in_the_group_is_told_with_file_and_line, 0, COUNT(broken));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
