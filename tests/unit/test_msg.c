/* test_msg.c: names, keys and references of the belt; nothing outside this process. */
#include <check.h>

#include "log.h"
#include "mem.h"
#include "msg.h"

#define EVENT "01890a5d-ac96-774b-bcce-b302099a8057"
#define RECORD "0a0b0c0d-1111-8222-8333-444455556666"
#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define REF EVENT " " RECORD " 7 user_created - acme"

START_TEST(a_type_has_its_name_entity_and_verb)
{
    enum event_type type;
    ck_assert_int_eq(msg_event_type("lead_updated", &type), 0);
    ck_assert_int_eq(type, EVENT_LEAD_UPDATED);
    ck_assert_str_eq(msg_event_type_name(type), "lead_updated");
    ck_assert_str_eq(msg_entity_name(msg_event_entity(type)), "lead");
    ck_assert_str_eq(msg_verb_name(msg_event_verb(type)), "update");
    ck_assert_int_eq(msg_event_entity(EVENT_SYSTEM_HEALTH), ENTITY_NONE);
    ck_assert_str_eq(msg_entity_name(ENTITY_NONE), "");
    ck_assert_str_eq(msg_verb_name(msg_event_verb(EVENT_SYSTEM_HEALTH)), "report");
    ck_assert_int_eq(msg_event_type("lead_update", &type), -1);
    ck_assert_int_eq(msg_event_type("", &type), -1);
}
END_TEST

START_TEST(every_type_is_found_by_its_own_name)
{
    for (int i = 0; i < EVENT_TYPES; i++) {
        enum event_type type;
        ck_assert_int_eq(msg_event_type(msg_event_type_name((enum event_type)i), &type), 0);
        ck_assert_int_eq(type, i);
    }
}
END_TEST

START_TEST(entities_without_a_record_have_no_name_to_be_found_by)
{
    enum entity entity;
    ck_assert_int_eq(msg_entity("campaign", &entity), 0);
    ck_assert_int_eq(entity, ENTITY_CAMPAIGN);
    ck_assert_int_eq(msg_entity("", &entity), -1);
    ck_assert_int_eq(msg_entity("users", &entity), -1);
}
END_TEST

START_TEST(states_have_the_names_that_people_see)
{
    ck_assert_str_eq(msg_event_status_name(EVENT_STATUS_ROUTED), "processing");
    ck_assert_str_eq(msg_delivery_state_name(DELIVERY_BACKOFF), "backoff");
    ck_assert_str_eq(msg_delivery_state_shown(DELIVERY_BACKOFF), "retry");
    ck_assert_str_eq(msg_delivery_state_shown(DELIVERY_DEAD), "failed");
    ck_assert_str_eq(msg_delivery_state_name((enum delivery_state)99), "unknown");
    ck_assert_str_eq(msg_event_status_name((enum event_status)99), "unknown");
}
END_TEST

static const struct {
    int64_t number;
    const char *name;
} priority_rows[] = {
    {1, "critical"}, {2, "high"}, {3, "high"},     {4, "normal"}, {5, "normal"},
    {6, "low"},      {10, "low"}, {0, "critical"}, {11, "low"},
};

START_TEST(the_ten_priorities_are_four_streams)
{
    ck_assert_str_eq(msg_priority_name(msg_priority(priority_rows[_i].number)), priority_rows[_i].name);
}
END_TEST

START_TEST(the_partition_is_the_records_first_four_bytes)
{
    struct uuid record = {.bytes = {0x80, 0x00, 0x00, 0x11, 0xff}};
    ck_assert_uint_eq(msg_partition(&record, 16), 1);
    ck_assert_uint_eq(msg_partition(&record, 1), 0);
    ck_assert_uint_eq(msg_partition(&record, 1000), 2147483665u % 1000);
}
END_TEST

START_TEST(keys_of_a_partition_carry_its_tag)
{
    char key[MSG_KEY_MAX], set[MSG_KEY_MAX];
    msg_key_events(key, PRIORITY_HIGH, 3);
    ck_assert_str_eq(key, "events:high:{p03}");
    msg_key_set(set, key);
    ck_assert_str_eq(set, "on:events:high:{p03}");
    msg_key_deliver(key, "coreldove", PRIORITY_LOW, 115);
    ck_assert_str_eq(key, "deliver:coreldove:low:{p115}");
    msg_key_conflicts(key, 0);
    ck_assert_str_eq(key, "conflicts:{p00}");
    msg_key_owner(key, PROTO_STAGE_WORKER "coreldove", 12);
    ck_assert_str_eq(key, "owner:worker-coreldove:{p12}");
}
END_TEST

static void format(struct buf *out, const struct ref *ref)
{
    buf_init(out);
    msg_format_ref(out, ref);
}

static const char *const good_refs[] = {
    REF,
    EVENT " " RECORD " 9223372036854775807 system_health " TRACE " tenant with blanks",
    EVENT " " RECORD " 0 order_deleted - -",
    EVENT " " RECORD " 1 order_deleted -  two blanks",
    EVENT " " RECORD " 1 order_deleted - h\xc3\xa9llo",
};

START_TEST(a_reference_is_written_as_it_was_read)
{
    struct ref ref;
    const char *why = NULL;
    struct buf out;
    ck_assert_msg(msg_parse_ref(good_refs[_i], strlen(good_refs[_i]), &ref, &why) == 0, "%s", why);
    format(&out, &ref);
    ck_assert_str_eq(out.data, good_refs[_i]);
    buf_release(&out);
}
END_TEST

static const struct {
    const char *text, *why;
} bad_refs[] = {
    {"", "fewer than six"},
    {EVENT " " RECORD " 7 user_created -", "fewer than six"},
    {EVENT " " RECORD " 7 user_created - ", "tenant"},
    {"01890A5D-AC96-774B-BCCE-B302099A8057 " RECORD " 7 user_created - acme", "event is not"},
    {"01890a5dac96774bbcceb302099a8057 " RECORD " 7 user_created - acme", "event is not"},
    {EVENT "  " RECORD " 7 user_created - acme", "record is not"},
    {EVENT " x 7 user_created - acme", "record is not"},
    {EVENT " " RECORD " -7 user_created - acme", "seq"},
    {EVENT " " RECORD " 07 user_created - acme", "seq"},
    {EVENT " " RECORD " 7.0 user_created - acme", "seq"},
    {EVENT " " RECORD " 9223372036854775808 user_created - acme", "seq"},
    {EVENT " " RECORD " 99999999999999999999 user_created - acme", "seq"},
    {EVENT " " RECORD " 7 user_create - acme", "type"},
    {EVENT " " RECORD " 7 user_created -- acme", "trace"},
    {EVENT " " RECORD " 7 user_created 01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 acme",
     "trace"},
    {EVENT " " RECORD " 7 user_created 00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 acme",
     "trace"},
    {EVENT " " RECORD " 7 user_created - \xff", "tenant"},
    {EVENT " " RECORD " 7 user_created - h\xc3", "tenant"},
};

START_TEST(a_reference_in_another_form_is_refused_with_the_part)
{
    struct ref ref;
    const char *why = "";
    ck_assert_int_eq(msg_parse_ref(bad_refs[_i].text, strlen(bad_refs[_i].text), &ref, &why), -1);
    ck_assert_msg(strstr(why, bad_refs[_i].why) != NULL, "'%s' says: %s", bad_refs[_i].text, why);
}
END_TEST

START_TEST(a_tenant_has_at_most_128_bytes_and_no_nul)
{
    char text[400];
    struct ref ref;
    const char *why = NULL;
    int len = snprintf(text, sizeof(text), EVENT " " RECORD " 7 user_created - %0128d", 1);
    ck_assert_int_eq(msg_parse_ref(text, (size_t)len, &ref, &why), 0);
    ck_assert_uint_eq(strlen(ref.tenant), 128);
    text[len] = 'x';
    ck_assert_int_eq(msg_parse_ref(text, (size_t)len + 1, &ref, &why), -1);
    text[len - 1] = '\0';
    ck_assert_int_eq(msg_parse_ref(text, (size_t)len, &ref, &why), -1);
}
END_TEST

START_TEST(a_trace_that_is_none_does_not_cost_the_event)
{
    struct ref ref;
    const char *why = NULL;
    struct buf out;
    ck_assert_int_eq(msg_parse_ref(REF, strlen(REF), &ref, &why), 0);
    ck_assert_str_eq(ref.trace, "");
    snprintf(ref.trace, sizeof(ref.trace), "with blank");
    format(&out, &ref);
    ck_assert_str_eq(out.data, REF);
    buf_release(&out);
}
END_TEST

#define FIELDS 160
struct entry {
    struct msg_field fields[FIELDS];
    size_t count;
};

static void add(struct entry *entry, const char *text)
{
    entry->fields[entry->count++] = (struct msg_field){text, strlen(text)};
}

static struct entry entry_of(const char *version, int refs)
{
    struct entry entry = {.count = 0};
    add(&entry, "v");
    add(&entry, version);
    for (int i = 0; i < refs; i++) {
        add(&entry, "r");
        add(&entry, REF);
    }
    return entry;
}

static enum msg_verdict judge(const struct entry *entry, size_t *ref_count)
{
    struct ref refs[PROTO_REFS_MAX];
    const char *why = NULL;
    enum msg_verdict verdict = msg_parse_entry(entry->fields, entry->count, refs, ref_count, &why);
    ck_assert_int_eq(verdict == MSG_POISON, why != NULL);
    return verdict;
}

static const struct {
    const char *version;
    int refs;
    enum msg_verdict verdict;
} entry_rows[] = {
    {"1", 1, MSG_OK},      {"1", 64, MSG_OK},    {"1", 65, MSG_POISON},    {"1", 0, MSG_POISON},
    {"2", 1, MSG_NEWER},   {"2", 70, MSG_NEWER}, {"2", 0, MSG_NEWER},      {"65535", 1, MSG_NEWER},
    {"0", 1, MSG_POISON},  {"", 1, MSG_POISON},  {"65536", 1, MSG_POISON}, {"-1", 1, MSG_POISON},
    {"01", 1, MSG_POISON}, {"x", 1, MSG_POISON}, {"1 ", 1, MSG_POISON},
};

START_TEST(an_entry_holds_1_to_64_references_of_this_version)
{
    struct entry entry = entry_of(entry_rows[_i].version, entry_rows[_i].refs);
    size_t count;
    ck_assert_int_eq(judge(&entry, &count), entry_rows[_i].verdict);
    ck_assert_uint_eq(count, entry_rows[_i].verdict == MSG_OK ? (size_t)entry_rows[_i].refs : 0);
}
END_TEST

START_TEST(an_entry_of_another_shape_is_poison)
{
    size_t count;
    struct entry foreign = {.count = 0};
    ck_assert_int_eq(judge(&foreign, &count), MSG_POISON);
    add(&foreign, "hello");
    add(&foreign, "world");
    ck_assert_int_eq(judge(&foreign, &count), MSG_POISON);

    struct entry extra = entry_of("1", 2);
    add(&extra, "note");
    add(&extra, "by hand");
    ck_assert_int_eq(judge(&extra, &count), MSG_POISON);

    struct entry torn = entry_of("1", 2);
    torn.count--;
    ck_assert_int_eq(judge(&torn, &count), MSG_POISON);

    struct entry one_bad = entry_of("1", 3);
    one_bad.fields[5] = (struct msg_field){"nonsense", 8};
    ck_assert_int_eq(judge(&one_bad, &count), MSG_POISON);
    ck_assert_uint_eq(count, 0);
}
END_TEST

#define ROWS(rows) (int)(sizeof(rows) / sizeof(rows[0]))

int main(void)
{
    log_open("test_msg", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("msg");
    TCase *tcase = tcase_create("msg");
    tcase_add_test(tcase, a_type_has_its_name_entity_and_verb);
    tcase_add_test(tcase, every_type_is_found_by_its_own_name);
    tcase_add_test(tcase, entities_without_a_record_have_no_name_to_be_found_by);
    tcase_add_test(tcase, states_have_the_names_that_people_see);
    tcase_add_loop_test(tcase, the_ten_priorities_are_four_streams, 0, ROWS(priority_rows));
    tcase_add_test(tcase, the_partition_is_the_records_first_four_bytes);
    tcase_add_test(tcase, keys_of_a_partition_carry_its_tag);
    tcase_add_loop_test(tcase, a_reference_is_written_as_it_was_read, 0, ROWS(good_refs));
    tcase_add_loop_test(tcase, a_reference_in_another_form_is_refused_with_the_part, 0, ROWS(bad_refs));
    tcase_add_test(tcase, a_tenant_has_at_most_128_bytes_and_no_nul);
    tcase_add_test(tcase, a_trace_that_is_none_does_not_cost_the_event);
    tcase_add_loop_test(tcase, an_entry_holds_1_to_64_references_of_this_version, 0, ROWS(entry_rows));
    tcase_add_test(tcase, an_entry_of_another_shape_is_poison);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
