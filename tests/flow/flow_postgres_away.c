/*
 * flow_postgres_away.c: PostgreSQL is killed, ends at once, or hangs: clients hear 503 within a second, every answer agrees with
 * what is stored, the programs wait without spinning, and all goes on by itself; no outcome that was known is sent again.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "backfill_fixture.h"
#include "flow_fixture.h"
#include "map.h"
#include "mem.h"
#include "postgres_fixture.h"

#define TOGETHER 8 /* requests at the same time */
#define EVENTS_MAX 20000
#define PROMPT_US \
    2000000 /* within a second is promised; the next time anything would be said is after five */
#define CPU_SHARE_MAX 0.02

static const char *const targets[] = {"coreldove", "bizosaas"};
static const char *const programs[] = {"api-gateway",        "router",          "worker-coreldove",
                                       "worker-coreldove-2", "worker-bizosaas", "worker-bizosaas-2",
                                       "resolver",           "monitor"};

/* What the clients were told, by number of their event. */
enum told { ACCEPTED, REFUSED, UNKNOWN };
static struct {
    const char *name; /* ids begin with it */
    int count, of[3];
    enum told told[EVENTS_MAX];
    int64_t slowest_us;
} book;

static void open_book(const char *name)
{
    memset(&book, 0, sizeof book);
    book.name = name;
}

static const char *id_of(int n)
{
    return api_text("%s-%d", book.name, n);
}

static const char *body_of(int n)
{
    const char *id = id_of(n);

    return api_text("{\"id\":\"%s\",\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
                    "\"target_platforms\":[\"coreldove\",\"bizosaas\"],\"data\":{\"user_id\":\"%s\","
                    "\"email\":\"e@example.com\",\"name\":\"N\"}}",
                    id, id);
}

/* ── posting ── */

static enum told told_by(const struct api_answer *answer)
{
    const char *type = pick_text(answer->json, "/type"), *retry = api_header(answer, "Retry-After");

    if (answer->status == 200)
        return ACCEPTED;
    ck_assert_msg(answer->status == 503 && type, "%d %s %s", answer->status, answer->why, answer->body);
    ck_assert_msg(retry && strtol(retry, NULL, 10) > 0, "no Retry-After: %s", answer->head);
    if (strstr(type, "outcome-unknown"))
        return UNKNOWN;
    ck_assert_msg(strstr(answer->body, "nothing was stored"), "%s", answer->body);
    return REFUSED;
}

/* Some events at the same time, each once; the answers enter the book. */
static void post_some(void)
{
    struct api_request requests[TOGETHER];
    const struct api_answer *answers[TOGETHER];

    ck_assert_int_le(book.count + TOGETHER, EVENTS_MAX);
    for (int i = 0; i < TOGETHER; i++)
        requests[i] = (struct api_request){
            .url = "/sync/events", .body = body_of(book.count + i), .key = id_of(book.count + i)};
    api_send_together(requests, answers, TOGETHER);
    for (int i = 0; i < TOGETHER; i++) {
        enum told told = told_by(answers[i]);
        book.told[book.count++] = told;
        book.of[told]++;
        if (answers[i]->took_us > book.slowest_us)
            book.slowest_us = answers[i]->took_us;
    }
}

/* So that the stages have their hands full; each bulk until it is taken. */
static void preload(void)
{
    long bulks = flow_size(3, 40);

    for (long bulk = 0; bulk < bulks; bulk++) {
        struct buf body = BUF_INIT;
        buf_add_str(&body, "{\"events\":[");
        for (int i = 0; i < 200; i++)
            buf_addf(
                &body,
                "%s{\"id\":\"load-%s-%ld-%d\",\"event_type\":\"user_created\",\"source_platform\":"
                "\"bizoholic\","
                "\"target_platforms\":[\"coreldove\",\"bizosaas\"],\"data\":{\"user_id\":\"load-%s-%ld-%d\","
                "\"email\":\"e@example.com\",\"name\":\"N\"}}",
                i ? "," : "", book.name, bulk, i, book.name, bulk, i);
        buf_add_str(&body, "]}");
        flow_wait(api_post("/sync/events/bulk", body.data)->status == 200, 10);
        buf_release(&body);
    }
}

/* ── breaking PostgreSQL ── */

static void end_at_once(void)
{
    stack_signal("postgres", SIGQUIT); /* pg_ctl stop -m immediate */
    flow_wait(!stack_running("postgres"), 10);
}

/* ── what must hold ── */

/* The stored events of the book by their own ids. */
static struct map *read_stored(void)
{
    struct map *stored = map_new();
    const char *ids = sql_text(
        "SELECT string_agg(client_id, ' ') FROM sync_events WHERE client_id LIKE '%s-%%'", book.name);

    for (size_t len; ids && *ids; ids += len + (ids[len] == ' ')) {
        len = strcspn(ids, " ");
        ck_assert_msg(!map_get(stored, ids, len), "stored twice: %.*s", (int)len, ids);
        map_put(stored, ids, len, &book);
    }
    return stored;
}

/* Nothing refused is stored, all that was accepted is, and who asks again learns which. */
static void check_book(void)
{
    struct map *stored;

    for (int n = 0; n < book.count; n++) {
        if (book.told[n] != UNKNOWN)
            continue;
        const struct api_answer *answer =
            api_send(&(struct api_request){.url = "/sync/events", .body = body_of(n), .key = id_of(n)});
        ck_assert_msg(answer->status == 200, "%s again: %d %s", id_of(n), answer->status, answer->body);
        ck_assert_str_eq(pick_text(answer->json, "/event_id"), id_of(n));
    }
    stored = read_stored();
    for (int n = 0; n < book.count; n++) {
        bool there = map_get(stored, id_of(n), strlen(id_of(n))) != NULL;
        ck_assert_msg(there == (book.told[n] != REFUSED), "%s was %s and is %s", id_of(n),
                      book.told[n] == REFUSED ? "refused" : "accepted", there ? "stored" : "not stored");
    }
    map_free(&stored);
}

static void wait_completed(int seconds)
{
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE status < 2") == 0, seconds);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE status <> 2"), 0);
}

/* The value of "name":"value" in a line. */
static const char *field(const char *line, const char *name, char *value, size_t size)
{
    const char *at = strstr(line, name);

    *value = '\0';
    if (at && (at = strchr(at, ':')) && at[1] == '"')
        snprintf(value, size, "%.*s", (int)strcspn(at + 2, "\""), at + 2);
    return value;
}

/* A line of the log for every answer that a worker got: none of its events was delivered well twice. */
static void check_log_of(const char *program, struct map *delivered)
{
    char *line = NULL, event[64], target[64], outcome[32];
    size_t size = 0;
    FILE *file = fopen(api_text("%s/log/%s.log", stack_dir(), program), "r");

    ck_assert_msg(file != NULL, "%s has no log", program);
    while (getline(&line, &size, file) > 0) {
        if (!strstr(line, "\"delivery\"") ||
            strcmp(field(line, "\"outcome\"", outcome, sizeof outcome), "delivered") != 0)
            continue;
        field(line, "\"event\"", event, sizeof event);
        field(line, "\"target\"", target, sizeof target);
        const char *key = api_text("%s %s", target, event);
        ck_assert_msg(!map_get(delivered, key, strlen(key)), "%s was delivered, and was sent again: %s", key,
                      line);
        map_put(delivered, key, strlen(key), delivered);
    }
    free(line);
    fclose(file);
}

static void check_nothing_known_was_sent_again(void)
{
    struct map *delivered = map_new();

    for (size_t i = 0; i < COUNT(programs); i++)
        if (strncmp(programs[i], "worker", 6) == 0)
            check_log_of(programs[i], delivered);
    ck_assert_uint_gt(map_count(delivered), 0);
    map_free(&delivered);
}

/* Written with what they count, so right after any crash. */
static void check_counters(void)
{
    ck_assert_int_eq(sql_int("SELECT sum(accepted) FROM sync_metrics WHERE platform = ''"),
                     sql_int("SELECT count(*) FROM sync_events"));
    ck_assert_int_eq(sql_int("SELECT sum(completed) FROM sync_metrics WHERE platform = ''"),
                     sql_int("SELECT count(*) FROM sync_events WHERE status = 2"));
    for (size_t i = 0; i < COUNT(targets); i++)
        ck_assert_int_eq(
            sql_int("SELECT sum(completed) FROM sync_metrics WHERE platform = '%s'", targets[i]),
            sql_int("SELECT count(*) FROM deliveries WHERE target = '%s' AND state = 2", targets[i]));
    ck_assert_int_eq(sql_int("SELECT sum(abs(waiting) + abs(backoff)) FROM (SELECT sum(waiting) AS waiting, "
                             "sum(backoff) AS backoff FROM stage_counts GROUP BY stage) s"),
                     0);
}

static void check_started_once(void)
{
    for (size_t i = 0; i < COUNT(programs); i++) {
        ck_assert_msg(stack_running(programs[i]), "%s has ended", programs[i]);
        ck_assert_int_eq(stack_log_count(programs[i], "\"what\":\"start\""), 1);
    }
}

/* Load, then the fault with the load going on, then its end; the ledger of answers against the tables. */
static void away_under_load(const char *name, void (*begin)(void), void (*end)(void))
{
    open_book(name);
    preload();
    pid_t child = fork();
    if (child == 0) {
        usleep(300000);
        begin();
        usleep(1800000);
        end();
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    while (waitpid(child, NULL, WNOHANG) == 0)
        post_some();
    flow_wait((post_some(), book.told[book.count - 1] == ACCEPTED), 15);
    post_some();
    printf("%s: %d accepted, %d refused, %d unknown, slowest answer %lld ms\n", name, book.of[ACCEPTED],
           book.of[REFUSED], book.of[UNKNOWN], (long long)book.slowest_us / 1000);
    ck_assert_int_gt(book.of[REFUSED] + book.of[UNKNOWN], 0);
    ck_assert_msg(book.slowest_us < PROMPT_US * flow_patience(), "an answer after %lld us",
                  (long long)book.slowest_us);
    check_book();
    wait_completed(30);
    check_nothing_known_was_sent_again();
    check_counters();
    check_started_once();
}

static void kill_it(void)
{
    stack_kill("postgres");
}

static void start_it(void)
{
    stack_start("postgres");
}

static void stop_moving(void)
{
    postgres_hang(true);
}

static void move_again(void)
{
    postgres_hang(false);
}

START_TEST(a_postgres_that_ends_at_once_loses_nothing_and_each_answer_agrees_with_the_table)
{
    away_under_load("immediate", end_at_once, start_it);
}
END_TEST

START_TEST(a_killed_postgres_loses_nothing_and_each_answer_agrees_with_the_table)
{
    away_under_load("killed", kill_it, start_it);
}
END_TEST

START_TEST(a_hanging_postgres_is_503_within_a_second_and_each_answer_agrees_with_the_table)
{
    away_under_load("hanging", stop_moving, move_again);
    ck_assert_int_gt(book.of[UNKNOWN], 0);
}
END_TEST

START_TEST(what_is_read_from_a_hanging_postgres_is_503_within_a_second)
{
    static const char *const urls[] = {"/sync/events/00000000-0000-7000-8000-000000000000", "/sync/events",
                                       "/readyz"};

    api_get("/sync/events");
    postgres_hang(true);
    for (size_t i = 0; i < COUNT(urls); i++) {
        const struct api_answer *answer = api_get("%s", urls[i]);
        ck_assert_msg(answer->status == 503 || i == 2, "%s: %d %s", urls[i], answer->status, answer->body);
        ck_assert_msg(answer->took_us < PROMPT_US * flow_patience(), "%s after %lld us", urls[i],
                      (long long)answer->took_us);
    }
    flow_wait(api_get("/readyz")->status == 503, 3);
    postgres_hang(false);
    flow_wait(api_get("/readyz")->status == 200, 5);
}
END_TEST

static void check_told(const struct api_request *request, const struct api_answer *answer, const char *type)
{
    const char *told = pick_text(answer->json, "/type"), *retry = api_header(answer, "Retry-After");

    ck_assert_msg(answer->status == 503 && told && strstr(told, type), "%s %s: %d %s %s", request->method,
                  request->url, answer->status, answer->why, answer->body);
    ck_assert_msg(retry && strtol(retry, NULL, 10) > 0, "no Retry-After: %s", answer->head);
    ck_assert_msg(answer->took_us < PROMPT_US * flow_patience(), "%s %s after %lld us", request->method,
                  request->url, (long long)answer->took_us);
}

static const char *post_failing(const char *id)
{
    fake_control("coreldove", api_text("{\"rules\":[{\"match\":{\"id\":\"%s\"},\"status\":400}]}", id));
    const char *event = api_event("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
                                  "\"target_platforms\":[\"coreldove\"],\"data\":{\"user_id\":\"%s\","
                                  "\"email\":\"e@example.com\",\"name\":\"N\"}}",
                                  id);
    api_await(event, "failed");
    fake_control("coreldove", "{\"rules\":[]}");
    return event;
}

START_TEST(what_changes_something_in_a_hanging_postgres_is_told_within_a_second_that_nobody_knows)
{
    static const char file[] = "{\"platform\":\"bizosaas\",\"source\":\"file\",\"entities\":[\"user\"]}";
    const char *token = api_token(API_TENANT, "operator"), *failed = post_failing("failed");
    const char *job = api_text("/sync/backfill/%s", backfill_start(API_TENANT, "%s", file));
    const struct api_request requests[] = {
        {.method = "POST", .url = api_text("/sync/events/%s/retry", failed), .token = token},
        {.method = "PATCH", .url = job, .token = token, .body = "{\"rate\":7}"},
        {.method = "PUT",
         .url = api_text("%s/parts/1", job),
         .token = token,
         .type = "application/x-ndjson",
         .body = "{\"user_id\":\"part\"}\n"},
        {.method = "POST", .url = "/sync/backfill", .token = token, .body = file}};
    const struct api_answer *answers[COUNT(requests)];

    postgres_hang(true);
    api_send_together(requests, answers, COUNT(requests));
    for (size_t i = 0; i < COUNT(requests); i++) /* PostgreSQL has the statement: it may be done yet */
        check_told(&requests[i], answers[i], "outcome-unknown");
    api_send_together(requests, answers, COUNT(requests));
    for (size_t i = 0; i < COUNT(requests); i++) /* known to be silent by now: nothing is sent to it */
        check_told(&requests[i], answers[i], "unavailable");
    postgres_hang(false);
    api_await(failed, "completed"); /* what was sent was done once, what was refused not at all */
    ck_assert_uint_eq(fake_count("coreldove", 0, "/body/event_id", failed), 2);
    flow_wait(sql_int("SELECT count(*) FROM backfill_jobs") == 2, 5);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM backfill_parts"), 1);
}
END_TEST

/* ── pausing ── */

static void post_accepted(int events)
{
    while (book.count < events)
        post_some();
    ck_assert_int_eq(book.of[ACCEPTED], book.count);
}

static int64_t answered(const char *target)
{
    return pick_int(fake_summary(target), "/total");
}

/* Requests are under way when PostgreSQL goes, and their answers come while it is away. */
START_TEST(without_postgres_nothing_starts_or_spins_and_known_outcomes_are_recorded_first)
{
    int64_t before[COUNT(programs)], away_ms = flow_size(3, 600) * 1000, total;

    open_book("pausing");
    for (size_t i = 0; i < COUNT(targets); i++) {
        fake_reset(targets[i]);
        fake_control(targets[i], "{\"rules\":[{\"delay_ms\":400}]}");
    }
    post_accepted(600);
    flow_wait(answered(targets[0]) > 20, 10);
    end_at_once();
    usleep(700000); /* what was under way is answered by now */
    for (size_t i = 0; i < COUNT(programs); i++)
        before[i] = stack_cpu_ns(programs[i]);
    total = answered(targets[0]);
    int64_t start_ms = clock_mono_ms();
    flow_wait(clock_mono_ms() - start_ms >= away_ms, away_ms / 1000 + 5);
    double away_ns = (double)(clock_mono_ms() - start_ms) * 1e6;
    for (size_t i = 0; i < COUNT(programs); i++) {
        double share = (double)(stack_cpu_ns(programs[i]) - before[i]) / away_ns;
        printf("without PostgreSQL: %-20s %.2f %% of a core\n", programs[i], share * 100);
        ck_assert_msg(share < CPU_SHARE_MAX, "%s spins: %.1f %%", programs[i], share * 100);
    }
    ck_assert_int_eq(answered(targets[0]), total);
    for (size_t i = 0; i < COUNT(targets); i++)
        fake_control(targets[i], "{\"rules\":[]}");
    start_it();
    wait_completed(30);
    check_book();
    check_nothing_known_was_sent_again();
    check_counters();
    check_started_once();
    for (size_t i = 0; i < COUNT(targets); i++)
        ck_assert_int_ge(answered(targets[i]), book.count);
}
END_TEST

int main(void)
{
    /* Leases that run out while PostgreSQL is away: others may take them afterwards, and must not repeat what is known. */
    static const char *const env[] = {"RETRY_SCHEDULE=100ms,200ms", "SYNC_INTERVAL_SECONDS=1s",
                                      "LEASE_SECONDS=2s", NULL};
    static const struct stack_options options = {
        .env = env, .replicas = "worker-coreldove=2,worker-bizosaas=2,worker-bizoholic=0"};

    /* Killed under load it is in flow_faults, too: here only in the soak. */
    const TTest *const claims[] = {
        a_postgres_that_ends_at_once_loses_nothing_and_each_answer_agrees_with_the_table,
        a_hanging_postgres_is_503_within_a_second_and_each_answer_agrees_with_the_table,
        what_is_read_from_a_hanging_postgres_is_503_within_a_second,
        what_changes_something_in_a_hanging_postgres_is_told_within_a_second_that_nobody_knows,
        without_postgres_nothing_starts_or_spins_and_known_outcomes_are_recorded_first,
        flow_size(0, 1) ? a_killed_postgres_loses_nothing_and_each_answer_agrees_with_the_table : NULL,
        NULL};

    return flow_run("postgres_away", &options, claims);
}
