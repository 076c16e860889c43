/* belt_fixture.c: see belt_fixture.h. */
#include "belt_fixture.h"

#include <check.h>

#include "clock.h"
#include "lua.h"
#include "mem.h"

struct redis belt_redis;

void belt_open(void)
{
    redis_open_test(&belt_redis);
}

void belt_close(void)
{
    redis_close(&belt_redis);
}

struct ref belt_numbered_ref(int number)
{
    struct ref ref = {.seq = number, .type = EVENT_USER_CREATED, .tenant = "acme"};
    ref.event.bytes[0] = 1;
    ref.event.bytes[14] = (uint8_t)(number >> 8);
    ref.event.bytes[15] = (uint8_t)number;
    return ref;
}

void belt_on_sent(enum belt_result result, int64_t added, void *arg)
{
    struct belt_outcome *outcome = arg;
    outcome->calls++;
    outcome->result = result;
    outcome->added = added;
}

struct belt_outcome belt_send_wait(struct belt_call *call, const char *stage, int64_t fence)
{
    struct belt_outcome outcome = {0, BELT_AWAY, 0};
    belt_send(belt_redis.stream, call, stage, fence, belt_on_sent, &outcome);
    redis_until(&belt_redis, outcome.calls == 1);
    return outcome;
}

int64_t belt_publish_numbers(const char *stream, int64_t limit, int from, int to)
{
    struct belt_call *call = belt_call_new(0);
    for (int i = from; i < to; i++) {
        struct ref ref = belt_numbered_ref(i);
        belt_publish(call, stream, limit, &ref);
    }
    struct belt_outcome outcome = belt_send_wait(call, "", 0);
    ck_assert_int_eq(outcome.result, BELT_OK);
    return outcome.added;
}

struct belt_outcome belt_acknowledge_numbers(int from, int to, const char *entry, int64_t fence)
{
    struct belt_call *call = belt_call_new(0);
    for (int i = from; i < to; i++) {
        struct ref ref = belt_numbered_ref(i);
        belt_ack_ref(call, BELT_STREAM, &ref.event);
    }
    if (entry)
        belt_ack_entry(call, BELT_STREAM, entry);
    return belt_send_wait(call, PROTO_STAGE_ROUTER, fence);
}

const char *belt_lease(const char *fence, const char *mark)
{
    struct stream_command *command = stream_script(lua_lease, 1);
    stream_add(command, BELT_OWNER);
    stream_add(command, fence);
    stream_add(command, mark);
    return redis_call(&belt_redis, command);
}

struct stream_command *belt_read_command(const char *fence, const char *mark, const char *from, int count,
                                         int count_other)
{
    struct stream_command *command = stream_script(lua_read, 5);
    stream_add(command, BELT_OWNER);
    stream_add(command, BELT_STREAM);
    stream_add(command, BELT_OTHER);
    stream_add(command, BELT_SET);
    stream_add(command, "on:" BELT_OTHER);
    stream_add(command, fence);
    stream_add(command, mark);
    stream_add(command, from);
    stream_add_int(command, count);
    stream_add_int(command, count_other);
    return command;
}

static void read_entry(struct belt_reading *reading, const struct stream_reply *entry)
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
    struct belt_reading *reading = arg;
    ck_assert_msg(reply_type(reply) == REPLY_ARRAY, "read.lua: %s", reply_text(reply, NULL));
    reading->done = true;
    reading->verdict = reply_int(reply_at(reply, 0));
    reading->repaired = reply_int(reply_at(reply, 1));
    const struct stream_reply *entries = reply_at(reply_at(reply, 2), 0);
    for (size_t i = 0; i < reply_count(entries); i++)
        read_entry(reading, reply_at(entries, i));
    reading->size = reply_int(reply_at(reply_at(reply, 3), 0));
}

struct belt_reading belt_read_from(const char *from, int count)
{
    struct belt_reading reading = {.done = false};
    stream_send(belt_redis.stream, belt_read_command("7", "m", from, count, 0), on_reading, &reading);
    redis_until(&belt_redis, reading.done);
    ck_assert_int_eq(reading.verdict, 1);
    return reading;
}
