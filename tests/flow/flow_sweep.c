/*
 * flow_sweep.c: many events wait, half of them in back-off at one platform, half for another one that is away; then the tails of
 * streams are cut off and a gateway dies between its commit and its hint. What deliveries say and what is on the belt agree
 * afterwards, everything arrives, nothing that was delivered is sent again, and Redis stays at its size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_fixture.h"
#include "load_fixture.h"

#define TENANT "\"tenant_id\":\"" API_TENANT "\""
#define AWAY "coreldove"
#define BAD "bizosaas"
#define UNSAID 20 /* events whose gateway died before it could publish them */
#define CUT 200
#define MEMORY_MAX (24 << 20)

static long waiting; /* half of them in back-off */
static long late;    /* sent to the platform that is away, after those */
static int64_t memory_before;

static int64_t redis_memory(void)
{
    const char *used = strstr(redis_line("INFO memory"), "used_memory:");

    ck_assert_ptr_nonnull(used);
    return strtoll(used + strlen("used_memory:"), NULL, 10);
}

static void tell(const char *what, int64_t began_ms)
{
    printf("%-46s %7.1f s  Redis %5.1f MB\n", what, (double)(clock_mono_ms() - began_ms) / 1000,
           (double)redis_memory() / 1048576);
}

/* ── the load ── */

static void post(struct buf *body)
{
    const struct api_answer *answer;

    buf_add_str(body, "]}");
    answer = api_post("/sync/events/bulk", body->data);
    ck_assert_msg(answer->status == 200 && !strstr(answer->body, "\"error\""), "%d %s", answer->status,
                  answer->body);
    buf_reset(body);
}

static void add(struct buf *body, const char *kind, const char *entity, const char *targets, long n)
{
    buf_add_str(body, body->len ? "," : "{\"events\":[");
    buf_addf(body,
             "{\"id\":\"%s-%ld\",\"event_type\":\"%s_created\",\"source_platform\":\"bizoholic\",\"target_"
             "platforms\":[%s]," TENANT
             ",\"data\":{\"id\":\"%s-%ld\",\"email\":\"e@example.com\",\"name\":\"N\",\"status\":\"new\"}}",
             kind, n, entity, targets, kind, n);
}

/* Leads fail at the bad platform, users do not: one in five succeeds there, so that it does not count as away. */
static void post_all(void)
{
    struct buf body = BUF_INIT;
    long slice = waiting / 2 < 500 ? waiting / 20 : 250;

    for (long n = 0; n < waiting / 2; n++) {
        add(&body, "away", "user", "\"" AWAY "\"", n);
        add(&body, "bad", "lead", "\"" BAD "\"", n);
        if (n % 4 == 0)
            add(&body, "fine", "user", "\"" BAD "\"", n);
        if (n % slice == slice - 1)
            post(&body);
    }
    if (body.len)
        post(&body);
    buf_release(&body);
}

static int64_t deliveries(const char *platform, const char *states)
{
    return sql_int("SELECT count(*) FROM deliveries WHERE target = '%s' AND state IN (%s)", platform, states);
}

/* ── what is on the belt is what waits in the tables ── */

static int64_t strangers_on_the_belt(void)
{
    int64_t strangers = 0;

    for (int p = 0; p < 16; p++) {
        struct buf ids = BUF_INIT;
        const char *members = redis_line("SMEMBERS on:deliver:" AWAY ":normal:{p%02d}", p);
        buf_add(&ids, members + 1, strlen(members) - 2);
        for (size_t i = 0; i < ids.len; i++)
            ids.data[i] = ids.data[i] == ' ' ? ',' : ids.data[i];
        strangers += sql_int(
            "SELECT count(*) FROM unnest('{%.*s}'::uuid[]) i LEFT JOIN deliveries d ON d.event_id = i AND "
            "d.target = '" AWAY "' AND d.state = 0 AND d.partition = %d WHERE d.event_id IS NULL",
            (int)ids.len, ids.len ? ids.data : "", p);
        buf_release(&ids);
    }
    return strangers;
}

/* A row that was ready when it was asked for may have gone into back-off when it is published: its owner lets it go as soon as it
 * reads again, which is with the next probe of the platform that is away: those are at most 30 s apart. */
static void wait_until_they_agree(void)
{
    int64_t end = clock_mono_ms() + (int64_t)(45000 * flow_patience());

    for (;;) {
        struct belt_state state = belt_look("*");
        int64_t strangers = strangers_on_the_belt();
        if (state.orphans + state.unmarked + state.doubles + strangers == 0)
            return;
        ck_assert_msg(clock_mono_ms() < end,
                      "of %lld ids and %lld entries: %lld without an entry, %lld not in the set, %lld twice, "
                      "%lld that do "
                      "not wait",
                      (long long)state.ids, (long long)state.entries, (long long)state.orphans,
                      (long long)state.unmarked, (long long)state.doubles, (long long)strangers);
        usleep(100000);
    }
}

/* Takes the last entries of the streams for the platform that is away, at most so many; how many it were. */
static int64_t cut_tails(int64_t most)
{
    int64_t cut = 0;

    for (int p = 0; p < 16 && cut < most; p++)
        cut += redis_number(
            "EVAL local\te=redis.call('XREVRANGE',KEYS[1],'+','-','COUNT',ARGV[1])local\tn=0\nfor\t_,x\tin\t"
            "ipairs(e)do\tn=n+redis.call('XDEL',KEYS[1],x[1])end\treturn\tn 1 deliver:" AWAY
            ":normal:{p%02d} %lld",
            p, (long long)(most - cut < 8 ? most - cut : 8));
    return cut;
}

/* What the platform that is away is sent meanwhile loses its entries while it waits. */
static void cut_off(void)
{
    struct buf body = BUF_INIT;

    for (int64_t cut = 0; cut < CUT; cut += cut_tails(CUT - cut)) {
        ck_assert_int_lt(late, 50 * CUT);
        for (int n = 0; n < 16; n++)
            add(&body, "late", "user", "\"" AWAY "\"", late++);
        post(&body);
        flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE client_id LIKE 'late-%%' AND status = 1") ==
                      late,
                  20);
    }
    buf_release(&body);
}

/* ── a gateway that dies between commit and hint ── */

static int on_port(const char *password, const char *command)
{
    const char *url = stack_setting("REDIS_URL");
    int status = system(
        api_text("REDISCLI_AUTH=%s redis-cli -p %s %s >/dev/null 2>&1", password,
                 api_text("%.*s", (int)strcspn(strrchr(url, ':') + 1, "/"), strrchr(url, ':') + 1), command));

    return status;
}

/* Ends the connections of that name, with a password that is another one by now. */
static void end_connections(const char *clients, const char *name, const char *password)
{
    const char *field = api_text(" name=%s ", name), *at = clients;

    while ((at = strstr(at, field))) {
        const char *line = at;
        while (line > clients && line[-1] != '\n')
            line--;
        ck_assert_int_eq(
            on_port(password, api_text("CLIENT KILL ID %ld", strtol(line + strlen("id="), NULL, 10))), 0);
        at += strlen(field);
    }
}

/* Its connection ends and the password is another one for a moment: only the gateway has to come in again, and cannot. */
static void die_between_commit_and_hint(void)
{
    const char *url = stack_setting("REDIS_URL"), *at = strchr(url + strlen("redis://"), ':') + 1;
    const char *password = api_text("%.*s", (int)strcspn(at, "@"), at);
    struct buf body = BUF_INIT;

    for (long n = 0; n < UNSAID; n++)
        add(&body, "unsaid", "user", "\"" AWAY "\",\"" BAD "\"", n);
    const char *clients = redis_line("CLIENT LIST");
    ck_assert_str_eq(redis_line("CONFIG SET requirepass another"), "OK");
    end_connections(clients, "api-gateway", "another");
    flow_wait(strcmp(pick_text(api_get("/health")->json, "/services/redis"), "disconnected") == 0, 5);
    post(&body);
    ck_assert_int_eq(
        sql_int("SELECT count(*) FROM sync_events WHERE client_id LIKE 'unsaid-%%' AND status = 0"), UNSAID);
    stack_kill("api-gateway");
    ck_assert_int_eq(on_port("another", api_text("CONFIG SET requirepass %s", password)), 0);
    ck_assert_int_eq(belt_look("events:*").ids, 0);
    stack_start("api-gateway");
    buf_release(&body);
}

/* ── the claim ── */

static void all_wait(void)
{
    int64_t began = clock_mono_ms();

    stack_kill("fake-platform-" AWAY);
    fake_control(BAD, "{\"rules\":[{\"match\":{\"entity\":\"lead\"},\"status\":500}]}");
    post_all();
    tell("posted", began);
    flow_wait(deliveries(BAD, "1") == waiting / 2 && deliveries(BAD, "2") == (waiting / 2 + 3) / 4, 600);
    flow_wait(deliveries(AWAY, "0, 1") == waiting / 2, 600);
    tell("all wait, half of them in back-off", began);
    ck_assert_int_lt(redis_memory(), memory_before + MEMORY_MAX);
}

static void hurt(void)
{
    int64_t began = clock_mono_ms();

    cut_off();
    die_between_commit_and_hint();
    flow_wait(sql_int("SELECT count(*) FROM deliveries d JOIN sync_events e ON e.id = d.event_id WHERE "
                      "e.client_id LIKE "
                      "'unsaid-%%'") == 2 * UNSAID,
              20);
    wait_until_they_agree();
    ck_assert_int_gt(belt_repairs("worker-" AWAY, "set"), 0);
    tell("cut off, a gateway killed: deliveries and belt agree", began);
}

static void make_due(const char *platform)
{
    sql_do("UPDATE deliveries SET next_attempt_at = now() WHERE target = '%s' AND state = 1", platform);
}

static void check_once(const char *platform, int64_t requests, int64_t ids)
{
    const struct json *summary = fake_summary(platform);

    ck_assert_msg(pick_int(summary, "/total") == requests && pick_int(summary, "/webhook_ids") == ids,
                  "%s: %lld requests and %lld ids were due: %s", platform, (long long)requests,
                  (long long)ids, pick_print(summary));
}

START_TEST(what_waits_survives_a_cut_off_tail_and_a_dead_gateway_and_arrives_once)
{
    int64_t began, tried;

    waiting = flow_size(1000, 100000);
    memory_before = redis_memory();
    all_wait();
    tried = fake_total(BAD);
    hurt();

    began = clock_mono_ms();
    stack_start("fake-platform-" AWAY);
    make_due(AWAY); /* those at which the outage was noticed */
    flow_wait(deliveries(AWAY, "2") == waiting / 2 + late + UNSAID, 600);
    check_once(AWAY, waiting / 2 + late + UNSAID, waiting / 2 + late + UNSAID);
    tell("the platform is back: all delivered to it", began);

    began = clock_mono_ms();
    flow_wait(deliveries(BAD, "2") == (waiting / 2 + 3) / 4 + UNSAID, 20);
    fake_control(BAD, "{\"rules\":[]}");
    make_due(BAD);
    flow_wait(deliveries(BAD, "0, 1") == 0, 600);
    check_once(BAD, tried + UNSAID + waiting / 2, (waiting / 2 + 3) / 4 + UNSAID + waiting / 2);
    tell("back-off over: all delivered", began);

    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE status <> 2") == 0, 20);
    belt_check_empty();
    ck_assert_int_lt(redis_memory(), memory_before + MEMORY_MAX);
}
END_TEST

int main(void)
{
    const char *env[] = {"RETRY_SCHEDULE=1h", "SYNC_INTERVAL_SECONDS=1s",
                         flow_size(0, 1) ? "STREAM_WINDOW=1000" : "STREAM_WINDOW=40", NULL};
    const struct stack_options options = {.env = env};

    return flow_run(
        "sweep", &options,
        (const TTest *[]){what_waits_survives_a_cut_off_tail_and_a_dead_gateway_and_arrives_once, NULL});
}
