/* test_belt.c: publishing, acknowledging and reading on a real Redis (TEST_REDIS_URL): belt.lua, read.lua, lease.lua. */
#include <check.h>

#include "belt.h"
#include "clock.h"
#include "log.h"
#include "lua.h"
#include "mem.h"
#include "redis_fixture.h"

#define STREAM "events:normal:{p00}"
#define SET "on:" STREAM
#define OTHER "deliver:coreldove:normal:{p00}"
#define OWNER "owner:router:{p00}"
#define WINDOW 1000

static struct redis redis;

static void open_redis(void)
{
    redis_open_test(&redis);
}

static void close_redis(void)
{
    redis_close(&redis);
}

static struct ref numbered_ref(int number)
{
    struct ref ref = {.seq = number, .type = EVENT_USER_CREATED, .tenant = "acme"};
    ref.event.bytes[0] = 1;
    ref.event.bytes[14] = (uint8_t)(number >> 8);
    ref.event.bytes[15] = (uint8_t)number;
    return ref;
}

struct outcome {
    int calls;
    enum belt_result result;
    int64_t added;
};

static void on_sent(enum belt_result result, int64_t added, void *arg)
{
    struct outcome *outcome = arg;
    outcome->calls++;
    outcome->result = result;
    outcome->added = added;
}

static struct outcome send_call(struct belt_call *call, const char *stage, int64_t fence)
{
    struct outcome outcome = {0, BELT_AWAY, 0};
    belt_send(redis.stream, call, stage, fence, on_sent, &outcome);
    redis_until(&redis, outcome.calls == 1);
    return outcome;
}

/* Publishes references from .. to - 1; how many were added. */
static int64_t publish(const char *stream, int64_t limit, int from, int to)
{
    struct belt_call *call = belt_call_new(0);
    for (int i = from; i < to; i++) {
        struct ref ref = numbered_ref(i);
        belt_publish(call, stream, limit, &ref);
    }
    struct outcome outcome = send_call(call, "", 0);
    ck_assert_int_eq(outcome.result, BELT_OK);
    return outcome.added;
}

static struct outcome acknowledge(int from, int to, const char *entry, int64_t fence)
{
    struct belt_call *call = belt_call_new(0);
    for (int i = from; i < to; i++) {
        struct ref ref = numbered_ref(i);
        belt_ack_ref(call, STREAM, &ref.event);
    }
    if (entry)
        belt_ack_entry(call, STREAM, entry);
    return send_call(call, PROTO_STAGE_ROUTER, fence);
}

static const char *lease(const char *fence, const char *mark)
{
    struct stream_command *command = stream_script(lua_lease, 1);
    stream_add(command, OWNER);
    stream_add(command, fence);
    stream_add(command, mark);
    return redis_call(&redis, command);
}

static struct stream_command *read_command(const char *fence, const char *mark, const char *from, int count,
                                           int count_other)
{
    struct stream_command *command = stream_script(lua_read, 5);
    stream_add(command, OWNER);
    stream_add(command, STREAM);
    stream_add(command, OTHER);
    stream_add(command, SET);
    stream_add(command, "on:" OTHER);
    stream_add(command, fence);
    stream_add(command, mark);
    stream_add(command, from);
    stream_add_int(command, count);
    stream_add_int(command, count_other);
    return command;
}

static const char *read_as(const char *fence, const char *mark, const char *from, int count)
{
    return redis_call(&redis, read_command(fence, mark, from, count, 0));
}

/* What a read says, of STREAM alone. */
struct reading {
    bool done;
    int64_t verdict, repaired, size;
    size_t entries, refs;
    int64_t counts[8];
    char ids[8][48];
    enum msg_verdict verdicts[8];
};

static void read_entry(struct reading *reading, const struct stream_reply *entry)
{
    struct msg_field fields[2 * PROTO_REFS_MAX + 20];
    struct ref refs[PROTO_REFS_MAX];
    const struct stream_reply *list = reply_at(entry, 1);
    size_t count = reply_count(list), ref_count, n = reading->entries++ % 8;
    const char *why;
    for (size_t i = 0; i < count && i < sizeof(fields) / sizeof(fields[0]); i++)
        fields[i].text = reply_text(reply_at(list, i), &fields[i].len);
    snprintf(reading->ids[n], sizeof(reading->ids[n]), "%s", reply_text(reply_at(entry, 0), NULL));
    reading->counts[n] = reply_int(reply_at(entry, 2));
    reading->verdicts[n] = msg_parse_entry(fields, count, refs, &ref_count, &why);
    reading->refs += ref_count;
}

static void on_reading(const struct stream_reply *reply, void *arg)
{
    struct reading *reading = arg;
    ck_assert_msg(reply_type(reply) == REPLY_ARRAY, "read.lua: %s", reply_text(reply, NULL));
    reading->done = true;
    reading->verdict = reply_int(reply_at(reply, 0));
    reading->repaired = reply_int(reply_at(reply, 1));
    const struct stream_reply *entries = reply_at(reply_at(reply, 2), 0);
    for (size_t i = 0; i < reply_count(entries); i++)
        read_entry(reading, reply_at(entries, i));
    reading->size = reply_int(reply_at(reply_at(reply, 3), 0));
}

static struct reading reading_from(const char *from, int count)
{
    struct reading reading = {.done = false};
    stream_send(redis.stream, read_command("7", "m", from, count, 0), on_reading, &reading);
    redis_until(&redis, reading.done);
    ck_assert_int_eq(reading.verdict, 1);
    return reading;
}

START_TEST(publishing_twice_adds_once)
{
    ck_assert_int_eq(publish(STREAM, WINDOW, 0, 10), 10);
    ck_assert_int_eq(publish(STREAM, WINDOW, 0, 10), 0);
    ck_assert_int_eq(publish(STREAM, WINDOW, 5, 15), 5);
    ck_assert_int_eq(publish(STREAM, WINDOW, 3, 4), 0);
    ck_assert_str_eq(redis_do(&redis, "SCARD " SET), "15");
    ck_assert_str_eq(redis_do(&redis, "XLEN " STREAM), "2");
}
END_TEST

START_TEST(an_id_named_twice_in_one_call_is_one_reference)
{
    struct belt_call *call = belt_call_new(0);
    struct ref a = numbered_ref(1), b = numbered_ref(2);
    belt_publish(call, STREAM, WINDOW, &a);
    belt_publish(call, STREAM, WINDOW, &b);
    belt_publish(call, STREAM, WINDOW, &a);
    ck_assert_int_eq(send_call(call, "", 0).added, 2);
    lease("7", "m");
    struct reading reading = reading_from(">", 10);
    ck_assert_uint_eq(reading.entries, 1);
    ck_assert_uint_eq(reading.refs, 2);
}
END_TEST

START_TEST(an_entry_carries_at_most_64_references)
{
    ck_assert_int_eq(publish(STREAM, WINDOW, 0, 130), 130);
    lease("7", "m");
    struct reading reading = reading_from(">", 10);
    ck_assert_uint_eq(reading.entries, 3);
    ck_assert_uint_eq(reading.refs, 130);
    ck_assert_int_eq(reading.size, 130);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(reading.verdicts[i], MSG_OK);
}
END_TEST

START_TEST(thousands_of_references_in_one_call_are_packed)
{
    ck_assert_int_eq(publish(STREAM, 10000, 0, 5), 5);
    ck_assert_int_eq(publish(STREAM, 10000, 0, 5000), 4995);
    ck_assert_str_eq(redis_do(&redis, "XLEN " STREAM), "80"); /* 1 and 79 of 64 */
    lease("7", "m");
    struct reading reading = reading_from(">", 100);
    ck_assert_uint_eq(reading.refs, 5000);
    ck_assert_int_eq(acknowledge(0, 5000, NULL, 7).result, BELT_OK);
    ck_assert_str_eq(redis_do(&redis, "SCARD " SET), "0");
}
END_TEST

START_TEST(the_window_refuses_what_is_above_it)
{
    ck_assert_int_eq(publish(STREAM, 100, 0, 250), 100);
    ck_assert_int_eq(publish(STREAM, 100, 250, 260), 0);
    ck_assert_int_eq(publish(STREAM, 100, 250, 251), 0);
    ck_assert_str_eq(redis_do(&redis, "SCARD " SET), "100");
    ck_assert_int_eq(publish(STREAM, 101, 250, 260), 1);
}
END_TEST

START_TEST(hints_flow_beyond_the_owners_nine_tenths)
{
    ck_assert_int_eq(publish(STREAM, 900, 0, 1000), 900);
    ck_assert_int_eq(publish(STREAM, 900, 1000, 1010), 0);
    ck_assert_int_eq(publish(STREAM, WINDOW, 1000, 1010), 10);
    struct belt_call *call = belt_call_new(0);
    struct ref owner = numbered_ref(2000), hint = numbered_ref(2001);
    belt_publish(call, STREAM, 900, &owner);
    belt_publish(call, STREAM, WINDOW, &hint);
    ck_assert_int_eq(send_call(call, "", 0).added, 1);
}
END_TEST

START_TEST(a_hand_over_is_one_step)
{
    publish(STREAM, WINDOW, 0, 2);
    lease("7", "m");
    struct reading reading = reading_from(">", 10);
    struct belt_call *call = belt_call_new(0);
    struct ref done = numbered_ref(0), left = numbered_ref(1);
    ck_assert(belt_call_empty(call));
    belt_ack_ref(call, STREAM, &done.event);
    belt_ack_ref(call, STREAM, &left.event);
    belt_ack_entry(call, STREAM, reading.ids[0]);
    belt_publish(call, OTHER, WINDOW, &done);
    belt_publish(call, OTHER, WINDOW, &left);
    belt_publish(call, "conflicts:{p00}", WINDOW, &left);
    ck_assert(!belt_call_empty(call));
    struct outcome outcome = send_call(call, PROTO_STAGE_ROUTER, 7);
    ck_assert_int_eq(outcome.result, BELT_OK);
    ck_assert_int_eq(outcome.added, 3);
    ck_assert_str_eq(redis_do(&redis, "XLEN " STREAM), "0");
    ck_assert_str_eq(redis_do(&redis, "EXISTS " SET), "0");
    ck_assert_str_eq(redis_do(&redis, "XPENDING " STREAM " sync"), "[0 nil nil nil]");
    ck_assert_str_eq(redis_do(&redis, "SCARD on:" OTHER), "2");
    ck_assert_str_eq(redis_do(&redis, "XLEN conflicts:{p00}"), "1");
}
END_TEST

START_TEST(a_packed_entry_goes_only_with_its_last_reference)
{
    publish(STREAM, WINDOW, 0, 3);
    lease("7", "m");
    struct reading reading = reading_from(">", 10);
    ck_assert_int_eq(acknowledge(0, 2, NULL, 7).result, BELT_OK);
    ck_assert_str_eq(redis_do(&redis, "XLEN " STREAM), "1");
    ck_assert_str_eq(redis_do(&redis, "SCARD " SET), "1");
    ck_assert_int_eq(publish(STREAM, WINDOW, 2, 3), 0);
    ck_assert_int_eq(publish(STREAM, WINDOW, 0, 1), 1); /* done, and due again */
    ck_assert_int_eq(acknowledge(2, 3, reading.ids[0], 7).result, BELT_OK);
    ck_assert_str_eq(redis_do(&redis, "XLEN " STREAM), "1");
    ck_assert_str_eq(redis_do(&redis, "SCARD " SET), "1");
}
END_TEST

/* Everything that a refused call could have touched. */
static char *everything(void)
{
    struct buf all;
    buf_init(&all);
    static const char *const commands[] = {"XRANGE " STREAM " - +", "XPENDING " STREAM " sync",
                                           "SMEMBERS " SET, "EXISTS " OTHER, "HGETALL " OWNER};
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        buf_add_str(&all, redis_do(&redis, commands[i]));
    return buf_detach(&all, NULL);
}

static const struct {
    const char *stands; /* NULL: no owner key */
    int64_t fence;
} stale_rows[] = {{"8", 7}, {"6", 7}, {NULL, 7}, {"77", 7}, {"8", -1}};

START_TEST(a_stale_fence_changes_nothing)
{
    publish(STREAM, WINDOW, 0, 3);
    lease("7", "m");
    struct reading reading = reading_from(">", 10);
    redis_do(&redis, "DEL " OWNER);
    if (stale_rows[_i].stands)
        lease(stale_rows[_i].stands, "m");
    char *before = everything();
    struct belt_call *call = belt_call_new(0);
    struct ref ref = numbered_ref(0), fresh = numbered_ref(9);
    belt_ack_ref(call, STREAM, &ref.event);
    belt_ack_entry(call, STREAM, reading.ids[0]);
    belt_publish(call, OTHER, WINDOW, &fresh);
    struct outcome outcome = send_call(call, PROTO_STAGE_ROUTER, stale_rows[_i].fence);
    ck_assert_int_eq(outcome.result, BELT_FENCED);
    ck_assert_int_eq(outcome.added, 0);
    char *after = everything();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

START_TEST(acknowledging_needs_a_fence)
{
    struct stream_command *command = stream_script(lua_belt, 3);
    static const char *const words[] = {OWNER, STREAM, SET, "", "1", "0", "0", "0"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        stream_add(command, words[i]);
    ck_assert_str_eq(redis_call(&redis, command), "(ERR acknowledging needs a fence)");
}
END_TEST

START_TEST(without_redis_the_call_says_so)
{
    struct redis away;
    struct outcome outcome = {0, BELT_OK, 1};
    struct belt_call *call = belt_call_new(0);
    struct ref ref = numbered_ref(1);
    redis_open(&away, "redis://127.0.0.1:1", 1000, 10);
    belt_publish(call, STREAM, WINDOW, &ref);
    belt_send(away.stream, call, "", 0, on_sent, &outcome);
    redis_until(&away, outcome.calls == 1);
    ck_assert_int_eq(outcome.result, BELT_AWAY);
    ck_assert_int_eq(outcome.added, 0);
    call = belt_call_new(0); /* never sent */
    belt_publish(call, STREAM, WINDOW, &ref);
    belt_ack_ref(call, STREAM, &ref.event);
    belt_call_free(&call);
    belt_call_free(&call);
    redis_close(&away);
}
END_TEST

START_TEST(a_full_redis_refuses_hints_and_lets_hand_overs_finish)
{
    struct redis shared = redis;
    struct redis_server server;
    redis_server_start(&server, 0, NULL);
    redis_open(&redis, server.url, WAIT_MS, 10);
    redis_until(&redis, stream_up(redis.stream));
    publish(STREAM, WINDOW, 0, 1);
    lease("7", "m");
    struct reading reading = reading_from(">", 10);
    ck_assert_str_eq(redis_do(&redis, "CONFIG SET maxmemory 1"), "OK");
    struct belt_call *call = belt_call_new(0);
    struct ref ref = numbered_ref(0), fresh = numbered_ref(1);
    belt_publish(call, OTHER, WINDOW, &fresh);
    ck_assert_int_eq(send_call(call, "", 0).result, BELT_AWAY);
    ck_assert_str_eq(redis_do(&redis, "EXISTS " OTHER " on:" OTHER), "0");
    call = belt_call_new(0);
    belt_ack_ref(call, STREAM, &ref.event);
    belt_ack_entry(call, STREAM, reading.ids[0]);
    belt_publish(call, OTHER, WINDOW, &ref);
    struct outcome hand_over = send_call(call, PROTO_STAGE_ROUTER, 7);
    ck_assert_int_eq(hand_over.result, BELT_OK);
    ck_assert_int_eq(hand_over.added, 1);
    ck_assert_str_eq(redis_do(&redis, "SCARD on:" OTHER), "1");
    ck_assert_str_eq(redis_do(&redis, "XLEN " STREAM), "0");
    redis_close(&redis);
    redis_server_stop(&server);
    redis = shared;
}
END_TEST

START_TEST(a_lease_is_copied_only_upwards)
{
    ck_assert_str_eq(lease("7", "first"), "7");
    ck_assert_str_eq(lease("6", "late"), "7");
    ck_assert_str_eq(redis_do(&redis, "HMGET " OWNER " fence mark"), "[7 first]");
    ck_assert_str_eq(lease("7", "again"), "7");
    ck_assert_str_eq(redis_do(&redis, "HGET " OWNER " mark"), "first");
    ck_assert_str_eq(lease("10", "next"), "10");
    ck_assert_str_eq(redis_do(&redis, "HMGET " OWNER " fence mark"), "[10 next]");
}
END_TEST

START_TEST(reading_is_fenced_and_marked)
{
    publish(STREAM, WINDOW, 0, 1);
    ck_assert_str_eq(read_as("7", "m", ">", 10), "[0]");
    lease("7", "m");
    ck_assert_str_eq(read_as("6", "m", ">", 10), "[-1 7]");
    ck_assert_str_eq(read_as("8", "m", "0", 10), "[-1 7]");
    ck_assert_str_eq(read_as("7", "other", ">", 10), "[-2]");
    ck_assert_str_eq(redis_do(&redis, "XINFO GROUPS " STREAM), "[]"); /* nothing was done */
    ck_assert_uint_eq(reading_from(">", 10).refs, 1);
    redis_do(&redis, "FLUSHALL");
    ck_assert_str_eq(read_as("7", "m", ">", 10), "[0]");
}
END_TEST

START_TEST(a_count_of_zero_skips_a_stream_and_still_says_its_size)
{
    publish(STREAM, WINDOW, 0, 2);
    publish(OTHER, WINDOW, 0, 3);
    lease("7", "m");
    ck_assert_str_eq(redis_call(&redis, read_command("7", "m", ">", 0, 0)), "[1 0 [[] []] [2 3]]");
    const char *read = redis_call(&redis, read_command("7", "m", ">", 0, 5));
    ck_assert_msg(strncmp(read, "[1 1 [[] [[", 11) == 0 && strstr(read, "]]]] [2 3]]"), "%s", read);
}
END_TEST

START_TEST(a_count_is_kept_and_the_rest_comes_next)
{
    for (int i = 0; i < 5; i++)
        publish(STREAM, WINDOW, i, i + 1);
    lease("7", "m");
    ck_assert_uint_eq(reading_from(">", 3).entries, 3);
    ck_assert_uint_eq(reading_from(">", 3).entries, 2);
    ck_assert_uint_eq(reading_from(">", 3).entries, 0);
}
END_TEST

START_TEST(a_deleted_group_is_made_anew_and_everything_is_read_again)
{
    publish(STREAM, WINDOW, 0, 3);
    lease("7", "m");
    struct reading first = reading_from(">", 10);
    ck_assert_int_eq(first.repaired, 1); /* it is made by the first reader */
    redis_do(&redis, "XGROUP DESTROY " STREAM " sync");
    struct reading again = reading_from(">", 10);
    ck_assert_int_eq(again.repaired, 1);
    ck_assert_uint_eq(again.refs, 3);
    ck_assert_int_eq(again.size, 3);
    ck_assert_str_eq(again.ids[0], first.ids[0]);
    ck_assert_int_eq(reading_from(">", 10).repaired, 0);
    redis_do(&redis, "XGROUP DESTROY " STREAM " sync");
    struct reading pending = reading_from("0", 10);
    ck_assert_int_eq(pending.repaired, 1);
    ck_assert_uint_eq(pending.entries, 0);
    ck_assert_uint_eq(reading_from(">", 10).refs, 3);
}
END_TEST

START_TEST(a_deleted_stream_takes_its_set_along)
{
    publish(STREAM, WINDOW, 0, 3);
    lease("7", "m");
    reading_from(">", 10);
    redis_do(&redis, "DEL " STREAM);
    struct reading reading = reading_from(">", 10);
    ck_assert_int_eq(reading.repaired, 1);
    ck_assert_int_eq(reading.size, 0);
    ck_assert_int_eq(publish(STREAM, WINDOW, 0, 3), 3);
    ck_assert_uint_eq(reading_from(">", 10).refs, 3);
}
END_TEST

START_TEST(a_hint_after_a_deleted_stream_drops_the_old_set)
{
    publish(STREAM, WINDOW, 0, 3);
    redis_do(&redis, "DEL " STREAM);
    ck_assert_int_eq(publish(STREAM, WINDOW, 9, 10), 1);
    ck_assert_str_eq(redis_do(&redis, "SCARD " SET), "1");
    ck_assert_int_eq(publish(STREAM, WINDOW, 0, 3), 3);
}
END_TEST

START_TEST(a_stream_emptied_by_hand_empties_its_set)
{
    publish(STREAM, WINDOW, 0, 3);
    lease("7", "m");
    reading_from(">", 10);
    ck_assert_int_eq(reading_from(">", 10).repaired, 0);
    ck_assert_str_eq(redis_do(&redis, "XTRIM " STREAM " MAXLEN 0"), "1");
    struct reading reading = reading_from(">", 10);
    ck_assert_int_eq(reading.size, 0);
    ck_assert_int_eq(reading.repaired, 1);
    ck_assert_int_eq(publish(STREAM, WINDOW, 0, 3), 3);
}
END_TEST

START_TEST(what_the_last_owner_left_pending_is_read_with_counts)
{
    publish(STREAM, WINDOW, 0, 2);
    publish(STREAM, WINDOW, 2, 3);
    lease("7", "m");
    reading_from(">", 1);
    struct reading pending = reading_from("0", 10);
    ck_assert_uint_eq(pending.entries, 1);
    ck_assert_int_eq(pending.counts[0], 2);
    reading_from(">", 10);
    pending = reading_from("0-0", 10);
    ck_assert_uint_eq(pending.entries, 2);
    ck_assert_int_eq(pending.counts[0], 3);
    ck_assert_int_eq(pending.counts[1], 2);
    ck_assert_uint_eq(reading_from(pending.ids[1], 10).entries, 0);
    struct reading page = reading_from(pending.ids[0], 1);
    ck_assert_str_eq(page.ids[0], pending.ids[1]);
    ck_assert_int_eq(page.counts[0], 3);
    ck_assert_int_eq(page.size, 3);
}
END_TEST

START_TEST(pending_entries_that_were_trimmed_are_let_go)
{
    for (int i = 0; i < 6; i++)
        publish(STREAM, WINDOW, i, i + 1);
    lease("7", "m");
    reading_from(">", 10);
    ck_assert_str_eq(redis_do(&redis, "XTRIM " STREAM " MAXLEN 2"), "4");
    struct reading pending = reading_from("0", 3); /* a whole page is gone, and the next one is given */
    ck_assert_uint_eq(pending.entries, 2);
    ck_assert_int_eq(pending.size, 2); /* the four may be published again */
    ck_assert_int_eq(pending.repaired, 1);
    ck_assert_int_eq(pending.counts[0], 2);
    ck_assert_int_eq(publish(STREAM, WINDOW, 0, 6), 4);
    ck_assert_ptr_nonnull(strstr(redis_do(&redis, "XPENDING " STREAM " sync"), "[[owner 2]]"));
}
END_TEST

static void add_by_hand(const char *version, int refs, const char *ref)
{
    struct stream_command *command = stream_command("XADD");
    stream_add(command, STREAM);
    stream_add(command, "*");
    stream_add(command, "v");
    stream_add(command, version);
    for (int i = 0; i < refs; i++) {
        stream_add(command, "r");
        stream_add(command, ref);
    }
    redis_call(&redis, command);
}

START_TEST(poison_by_hand_is_told_from_newer_entries_and_leaves_the_set_alone)
{
    static const char good[] = "01890a5d-ac96-774b-bcce-b302099a8057 0a0b0c0d-1111-8222-8333-444455556666 7 "
                               "user_created - acme";
    static const enum msg_verdict expected[] = {MSG_POISON, MSG_NEWER,  MSG_POISON, MSG_POISON,
                                                MSG_POISON, MSG_POISON, MSG_OK};
    redis_do(&redis, "XADD " STREAM " * hello world");
    add_by_hand("2", 70, good);
    add_by_hand("1", 65, good);
    add_by_hand("1", 1, "not a reference");
    add_by_hand("1", 0, "");
    redis_do(&redis, "XADD " STREAM " 99999999999999-18446744073709551615 note x");
    add_by_hand("1", 1, good);
    lease("7", "m");
    struct reading reading = reading_from(">", 10);
    ck_assert_uint_eq(reading.entries, 7);
    for (size_t i = 0; i < reading.entries; i++)
        ck_assert_int_eq(reading.verdicts[i], expected[i]);
    ck_assert_int_eq(reading.size, 1);
    for (size_t i = 0; i < 6; i++) {
        if (reading.verdicts[i] == MSG_POISON)
            ck_assert_int_eq(acknowledge(0, 0, reading.ids[i], 7).result, BELT_OK);
    }
    struct reading left = reading_from("0", 10);
    ck_assert_uint_eq(left.entries, 2);
    ck_assert_int_eq(left.verdicts[0], MSG_NEWER);
    ck_assert_int_eq(left.verdicts[1], MSG_OK);
    ck_assert_int_eq(publish(STREAM, WINDOW, 0, 1), 1); /* after an odd id it still takes new ones */
}
END_TEST

static int64_t lines_of_activity(void)
{
    const char *entries = redis_do(&redis, "XRANGE activity - +");
    int64_t lines = 0;
    for (const char *at = entries; (at = strstr(at, "{\"t\":")); at++)
        lines++;
    return lines;
}

START_TEST(activity_leaves_packed)
{
    struct belt_activity *activity = belt_activity_new(redis.base, redis.stream, 1000);
    struct ref ref = numbered_ref(1);
    for (int i = 0; i < 100; i++)
        belt_activity_add(activity, &ref, "delivered", i ? NULL : "coreldove");
    redis_until(&redis, lines_of_activity() == 100);
    ck_assert_str_eq(redis_do(&redis, "XLEN activity"), "2");
    const char *entries = redis_do(&redis, "XRANGE activity - +");
    ck_assert_ptr_nonnull(strstr(entries, "[v 1 a {\"t\":"));
    ck_assert_ptr_nonnull(strstr(entries,
                                 ",\"event\":\"01000000-0000-0000-0000-000000000001\",\"tenant\":\"acme\","
                                 "\"type\":\"user_created\",\"state\":\"delivered\","
                                 "\"platform\":\"coreldove\",\"record\":\"00000000-"));
    belt_activity_free(&activity);
}
END_TEST

START_TEST(activity_is_capped)
{
    struct belt_activity *activity = belt_activity_new(redis.base, redis.stream, 10);
    struct ref ref = numbered_ref(1);
    for (int entries = 100; entries <= 500; entries += 100) {
        char added[32];
        for (int i = 0; i < 100 * PROTO_REFS_MAX; i++)
            belt_activity_add(activity, &ref, "routed", NULL);
        snprintf(added, sizeof(added), "entries-added %d ", entries); /* of XINFO since 7.0 */
        redis_until(&redis, strstr(redis_do(&redis, "XINFO STREAM activity"), added));
    }
    int64_t left = strtoll(redis_do(&redis, "XLEN activity"), NULL, 10);
    ck_assert_msg(left >= 10 && left < 250, "%lld entries are left of 500", (long long)left);
    belt_activity_free(&activity);
}
END_TEST

START_TEST(activity_keeps_to_its_ceiling)
{
    struct belt_activity *activity = belt_activity_new(redis.base, redis.stream, 100000);
    struct ref ref = numbered_ref(1);
    for (int i = 0; i < 10100; i++) {
        ref.seq = i;
        belt_activity_add(activity, &ref, i < 100 ? "accepted" : "routed", NULL);
    }
    redis_until(&redis, lines_of_activity() == 10000);
    ck_assert_ptr_null(strstr(redis_do(&redis, "XRANGE activity - +"), "accepted")); /* the oldest gave way */
    belt_activity_free(&activity);
}
END_TEST

START_TEST(activity_asks_nothing_of_a_redis_that_is_away)
{
    struct redis away;
    struct ref ref = numbered_ref(1);
    redis_open(&away, "redis://127.0.0.1:1", 1000, 10);
    struct belt_activity *activity = belt_activity_new(away.base, away.stream, 100);
    belt_activity_add(activity, &ref, "routed", NULL);
    redis_turn(&away);
    belt_activity_free(&activity);
    ck_assert_ptr_null(activity);
    redis_close(&away);
    activity = belt_activity_new(redis.base, redis.stream, 100); /* freed with an entry in flight */
    belt_activity_add(activity, &ref, "routed", NULL);
    belt_activity_free(&activity);
    redis_until(&redis, lines_of_activity() == 1);
}
END_TEST

static void add_read_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_lease_is_copied_only_upwards);
    tcase_add_test(tcase, reading_is_fenced_and_marked);
    tcase_add_test(tcase, a_count_of_zero_skips_a_stream_and_still_says_its_size);
    tcase_add_test(tcase, a_count_is_kept_and_the_rest_comes_next);
    tcase_add_test(tcase, a_deleted_group_is_made_anew_and_everything_is_read_again);
    tcase_add_test(tcase, a_deleted_stream_takes_its_set_along);
    tcase_add_test(tcase, a_hint_after_a_deleted_stream_drops_the_old_set);
    tcase_add_test(tcase, a_stream_emptied_by_hand_empties_its_set);
    tcase_add_test(tcase, what_the_last_owner_left_pending_is_read_with_counts);
    tcase_add_test(tcase, pending_entries_that_were_trimmed_are_let_go);
    tcase_add_test(tcase, poison_by_hand_is_told_from_newer_entries_and_leaves_the_set_alone);
}

int main(void)
{
    log_open("test_belt", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    Suite *suite = suite_create("belt");
    TCase *tcase = tcase_create("belt");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, open_redis, close_redis);
    tcase_add_test(tcase, publishing_twice_adds_once);
    tcase_add_test(tcase, an_id_named_twice_in_one_call_is_one_reference);
    tcase_add_test(tcase, an_entry_carries_at_most_64_references);
    tcase_add_test(tcase, thousands_of_references_in_one_call_are_packed);
    tcase_add_test(tcase, the_window_refuses_what_is_above_it);
    tcase_add_test(tcase, hints_flow_beyond_the_owners_nine_tenths);
    tcase_add_test(tcase, a_hand_over_is_one_step);
    tcase_add_test(tcase, a_packed_entry_goes_only_with_its_last_reference);
    tcase_add_loop_test(tcase, a_stale_fence_changes_nothing, 0,
                        (int)(sizeof(stale_rows) / sizeof(stale_rows[0])));
    tcase_add_test(tcase, acknowledging_needs_a_fence);
    tcase_add_test(tcase, without_redis_the_call_says_so);
    tcase_add_test(tcase, a_full_redis_refuses_hints_and_lets_hand_overs_finish);
    add_read_tests(tcase);
    tcase_add_test(tcase, activity_leaves_packed);
    tcase_add_test(tcase, activity_is_capped);
    tcase_add_test(tcase, activity_keeps_to_its_ceiling);
    tcase_add_test(tcase, activity_asks_nothing_of_a_redis_that_is_away);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
