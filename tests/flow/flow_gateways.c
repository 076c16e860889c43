/*
 * flow_gateways.c: several gateways side by side: a key that comes to two of them at the same moment makes one event, and what a gateway
 * acknowledged before it was killed is there; what it did not answer can be sent again to another one, under the same key.
 */
#include <signal.h>
#include <string.h>

#include "flow_fixture.h"

#define PAIRS 40
#define ROUND 16
#define ROUNDS 20

static const char *url_of(size_t gateway)
{
    const char *urls = stack_setting("API_URLS"), *blank = strchr(urls, ' ');

    ck_assert_ptr_nonnull(blank);
    return gateway == 0 ? api_text("%.*s/sync/events", (int)(blank - urls), urls)
                        : api_text("%s/sync/events", blank + 1);
}

static struct api_request request(size_t gateway, const char *id)
{
    return (struct api_request){
        .url = url_of(gateway),
        .key = id,
        .body = api_text("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_"
                         "platforms\":[\"coreldove\"],\"data\":{\"user_id\":\"%s\",\"email\":"
                         "\"e@example.com\",\"name\":\"n\"}}",
                         id)};
}

static bool taken(const struct api_answer *answer)
{
    return answer->status >= 200 && answer->status < 300;
}

static const char *event_of(const struct api_answer *answer)
{
    return pick_text(answer->json, "/event_id");
}

START_TEST(a_key_at_two_gateways_at_once_makes_one_event)
{
    struct api_request requests[2 * PAIRS];
    const struct api_answer *answers[2 * PAIRS];
    int64_t before = sql_int("SELECT count(*) FROM sync_events");

    for (size_t i = 0; i < 2 * PAIRS; i++)
        requests[i] = request(i % 2, api_text("both-%zu", i / 2));
    api_send_together(requests, answers, 2 * PAIRS);
    for (size_t i = 0; i < 2 * PAIRS; i++)
        ck_assert_msg(taken(answers[i]), "%zu: %d %s %s", i, answers[i]->status, answers[i]->why,
                      answers[i]->body);
    for (size_t i = 0; i < 2 * PAIRS; i += 2)
        ck_assert_str_eq(event_of(answers[i]), event_of(answers[i + 1]));
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events") - before, PAIRS);
}
END_TEST

static struct api_request sent[ROUND * ROUNDS];
static const struct api_answer *answered[ROUND * ROUNDS];

/* Half of each round goes to either; in the middle of one the second gateway dies. */
static void send_rounds(void)
{
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t first = round * ROUND;
        pid_t killer = -1;
        for (size_t i = first; i < first + ROUND; i++)
            sent[i] = request(i % 2, api_text("load-%zu", i));
        if (round == ROUNDS / 2 && (killer = fork()) == 0) {
            usleep(3000);
            kill(stack_pid("api-gateway-2"), SIGKILL);
            _exit(0);
        }
        api_send_together(sent + first, answered + first, ROUND);
    }
}

START_TEST(a_killed_gateway_loses_nothing_that_it_acknowledged)
{
    size_t unanswered = 0;

    send_rounds();
    for (size_t i = 0; i < ROUND * ROUNDS; i++) {
        if (taken(answered[i])) {
            ck_assert_int_eq(
                sql_int("SELECT count(*) FROM sync_events WHERE id = '%s'", event_of(answered[i])), 1);
            continue;
        }
        ck_assert_msg(i % 2 == 1, "the living one: %d %s", answered[i]->status, answered[i]->why);
        sent[i].url = url_of(0);
        answered[i] = api_send(&sent[i]);
        ck_assert_msg(taken(answered[i]), "%d %s", answered[i]->status, answered[i]->body);
        unanswered++;
    }
    ck_assert_uint_ge(unanswered, ROUND / 2);
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE entity_id LIKE 'load-%%' AND status = 2") ==
                  ROUND * ROUNDS,
              15);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id LIKE 'load-%%'"),
                     ROUND * ROUNDS);
    ck_assert_int_eq(fake_total("coreldove"), PAIRS + ROUND * ROUNDS);
}
END_TEST

int main(void)
{
    static const struct stack_options options = {
        .replicas = "api-gateway=2,worker-bizosaas=0,worker-bizoholic=0,resolver=0,monitor=0"};

    return flow_run("gateways", &options,
                    (const TTest *[]){a_key_at_two_gateways_at_once_makes_one_event,
                                      a_killed_gateway_loses_nothing_that_it_acknowledged, NULL});
}
