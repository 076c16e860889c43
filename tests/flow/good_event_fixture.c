/* good_event_fixture.c: see good_event_fixture.h. */
#include "good_event_fixture.h"

#include <string.h>

#include "flow_fixture.h"

/* Words of our innards that no answer may hold. */
static const char *const secrets[] = {"postgres", "SELECT", "redis://", ".c:", "/home", "/tmp"};

static void check_shape(const struct api_answer *answer, const char *what)
{
    ck_assert_msg(api_header(answer, "Content-Type") &&
                      strcmp(api_header(answer, "Content-Type"), "application/problem+json") == 0,
                  "%s: no problem+json: %s", what, answer->head);
    ck_assert_msg(pick_text(answer->json, "/title") != NULL, "%s: no title: %s", what, answer->body);
    ck_assert_msg(pick_text(answer->json, "/detail") != NULL, "%s: no detail: %s", what, answer->body);
    ck_assert_msg(pick_text(answer->json, "/request_id") != NULL, "%s: no request_id: %s", what,
                  answer->body);
    ck_assert_msg(api_header(answer, "X-Request-Id") != NULL &&
                      strcmp(api_header(answer, "X-Request-Id"), pick_text(answer->json, "/request_id")) == 0,
                  "%s: X-Request-Id is not the body's: %s", what, answer->head);
    for (size_t i = 0; i < COUNT(secrets); i++)
        ck_assert_msg(!strstr(answer->body, secrets[i]), "%s: says %s: %s", what, secrets[i], answer->body);
}

void good_event_check_refused(const struct api_answer *answer, const struct refusal *due, const char *what)
{
    ck_assert_msg(answer->status == due->status, "%s: %d (%s %s) instead of %d", what, answer->status,
                  answer->why, answer->body, due->status);
    check_shape(answer, what);
    ck_assert_msg(pick_int(answer->json, "/status") == due->status, "%s: %s", what, answer->body);
    const char *type = api_text("urn:data-sync:problem:%s", due->type);
    ck_assert_msg(strcmp(pick_text(answer->json, "/type"), type) == 0, "%s: the type is not %s: %s", what,
                  type, answer->body);
    const char *pointer = pick_text(answer->json, "/errors/0/pointer");
    if (due->pointer)
        ck_assert_msg(pointer && strcmp(pointer, due->pointer) == 0, "%s: the pointer is not %s: %s", what,
                      due->pointer, answer->body);
    else
        ck_assert_msg(!pointer, "%s: a pointer where none is due: %s", what, answer->body);
}

const char *good_event_body(const char *name)
{
    static int number;

    return api_text("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                    "[\"coreldove\"],"
                    "\"data\":{\"id\":\"%s-%d-%d\",\"email\":\"good@example.com\",\"name\":\"Good\"}}",
                    name, (int)getpid(), number++);
}

void good_event_goes_through(const char *what)
{
    const struct api_answer *answer = api_post("/sync/events", good_event_body("good"));

    ck_assert_msg(answer->status == 200, "a good event after %s: %d %s %s", what, answer->status, answer->why,
                  answer->body);
    api_await(pick_text(answer->json, "/event_id"), "completed");
}
