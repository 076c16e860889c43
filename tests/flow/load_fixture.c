/* load_fixture.c: see load_fixture.h. */
#include "load_fixture.h"

#include <stdio.h>
#include <string.h>

#include "flow_fixture.h"
#include "map.h"

#define SLICE 100

const char *const load_targets[LOAD_TARGETS] = {"coreldove", "bizosaas"};

static struct {
    const char *name;
    unsigned posted;
    int64_t after[LOAD_TARGETS]; /* the last request seen before */
} load;

void load_begin(const char *name)
{
    load.name = name;
    load.posted = 0;
    for (int i = 0; i < LOAD_TARGETS; i++)
        load.after[i] = fake_total(load_targets[i]);
}

static bool all_taken(const struct api_answer *answer, unsigned count)
{
    const struct json *results = pick(answer->json, "/results");

    if (answer->status == 0 || answer->status == 503)
        return false;
    ck_assert_msg(answer->status == 200 && json_count(results) == count, "%d %s", answer->status,
                  answer->body);
    for (size_t i = 0; i < count; i++)
        if (!pick_text(json_at(results, i), "/event_id")) {
            ck_assert_msg(pick_int(json_at(results, i), "/error/status") >= 500, "%s",
                          pick_print(json_at(results, i)));
            return false;
        }
    return true;
}

static void post_slice(unsigned from, unsigned count)
{
    struct buf body = BUF_INIT;
    int64_t end = clock_mono_ms() + (int64_t)(30000 * flow_patience());

    buf_add_str(&body, "{\"events\":[");
    for (unsigned n = from; n < from + count; n++)
        buf_addf(
            &body,
            "%s{\"id\":\"%s-%u\",\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_"
            "platforms\":[\"coreldove\",\"bizosaas\"],\"tenant_id\":\"" API_TENANT
            "\",\"data\":{\"user_id\":\"%s-%u\",\"email\":\"e@example.com\",\"name\":\"N\"}}",
            n > from ? "," : "", load.name, n, load.name, n);
    buf_add_str(&body, "]}");
    while (!all_taken(api_post("/sync/events/bulk", body.data), count)) {
        ck_assert_msg(clock_mono_ms() < end, "events from %u on are not taken", from);
        usleep(50000);
    }
    buf_release(&body);
}

void load_post(unsigned count)
{
    for (unsigned end = load.posted + count; load.posted < end;) {
        unsigned slice = end - load.posted < SLICE ? end - load.posted : SLICE;
        post_slice(load.posted, slice);
        load.posted += slice;
    }
}

unsigned load_posted(void)
{
    return load.posted;
}

int64_t load_completed(void)
{
    return sql_int("SELECT count(*) FROM sync_events WHERE client_id LIKE '%s-%%' AND status = 2", load.name);
}

static void check_target(const char *platform, int64_t after)
{
    struct map *by_id = map_new(), *events = map_new();
    const struct json *page;

    while (json_count(page = fake_received(platform, after)) > 0)
        for (size_t i = 0; i < json_count(page); i++) {
            const struct json *entry = json_at(page, i);
            const char *id = pick_text(entry, "/headers/webhook-id"),
                       *event = pick_text(entry, "/body/event_id");
            after = pick_int(entry, "/seq");
            ck_assert_msg(!map_get(by_id, id, strlen(id)) && !map_get(events, event, strlen(event)),
                          "%s got it twice: %s", platform, pick_print(entry));
            map_put(by_id, id, strlen(id), &load);
            map_put(events, event, strlen(event), &load);
        }
    ck_assert_msg(map_count(events) == load.posted, "%s got %zu of %u", platform, map_count(events),
                  load.posted);
    map_free(&by_id);
    map_free(&events);
}

void load_check_delivered_once(void)
{
    flow_wait(load_completed() == load.posted, 30);
    for (int i = 0; i < LOAD_TARGETS; i++)
        check_target(load_targets[i], load.after[i]);
}

/* ── the belt ── */

/* Words apart by tabs and line ends: a line is split at blanks. */
static const char look[] =
    "local\tids,entries,orphans,unmarked,doubles=0,0,0,0,0\n"
    "local\tnames={}\n"
    "for\t_,k\tin\tipairs(redis.call('KEYS',ARGV[1]))do\n"
    "if\tstring.find(k,'^%l+:.*{p%d+}$')and\tredis.call('TYPE',k).ok=='stream'then\tnames[k]=true\tend\tend\n"
    "for\t_,k\tin\tipairs(redis.call('KEYS','on:'..ARGV[1]))do\tnames[string.sub(k,4)]=true\tend\n"
    "for\tk\tin\tpairs(names)do\n"
    "local\tin_set,there={},{}\n"
    "for\t_,id\tin\tipairs(redis.call('SMEMBERS','on:'..k))do\tin_set[id]=true\tids=ids+1\tend\n"
    "for\t_,e\tin\tipairs(redis.call('XRANGE',k,'-','+'))do\n"
    "entries=entries+1\n"
    "for\ti=4,#e[2],2\tdo\n"
    "local\tid=string.match(e[2][i],'^%S+')\n"
    "if\tthere[id]then\tdoubles=doubles+1\telseif\tnot\tin_set[id]then\tunmarked=unmarked+1\tend\n"
    "there[id]=true\n"
    "end\tend\n"
    "for\tid\tin\tpairs(in_set)do\tif\tnot\tthere[id]then\torphans=orphans+1\tend\tend\n"
    "end\n"
    "return\t{ids,entries,orphans,unmarked,doubles}";

/* Streams that hold something, with their pending entries and the first one of all. */
static const char left[] =
    "local\tout={}\n"
    "for\t_,k\tin\tipairs(redis.call('KEYS','*'))do\n"
    "if\tstring.find(k,'{p%d+}$')and\tredis.call('TYPE',k).ok=='stream'and\tredis.call('XLEN',k)>0\tthen\n"
    "out[#out+1]={k,redis.call('XLEN',k),redis.call('SCARD','on:'..k),redis.pcall('XPENDING',k,'sync'),"
    "redis.call('XRANGE',k,'-','+','COUNT',1)}\n"
    "end\tend\n"
    "return\tout";

struct belt_state belt_look(const char *pattern)
{
    const char *says = redis_line("EVAL %s 0 %s", look, pattern);
    long long numbers[5];

    ck_assert_msg(sscanf(says, "[%lld %lld %lld %lld %lld]", &numbers[0], &numbers[1], &numbers[2],
                         &numbers[3], &numbers[4]) == 5,
                  "%s", says);
    return (struct belt_state){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
}

void belt_check_empty(void)
{
    int64_t end = clock_mono_ms() + (int64_t)(15000 * flow_patience());

    for (struct belt_state state = belt_look("*"); state.ids + state.entries > 0; state = belt_look("*")) {
        if (clock_mono_ms() > end)
            ck_abort_msg("left on the belt: %lld ids, %lld entries: %s", (long long)state.ids,
                         (long long)state.entries, redis_line("EVAL %s 0", left));
        usleep(20000);
    }
}

int64_t belt_repairs(const char *process, const char *what)
{
    return (int64_t)stack_metric(process, api_text("sync_belt_repairs_total{what=\"%s\"}", what));
}
