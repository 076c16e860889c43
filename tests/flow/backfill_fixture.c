/* backfill_fixture.c: see backfill_fixture.h. */
#include "backfill_fixture.h"

#include <stdarg.h>

#include "flow_fixture.h"
#include "mem.h"

static const struct api_answer *tell_fake(const char *path, const char *body)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .method = "POST", .url = api_text("%s%s", fake_url("bizoholic"), path), .body = body, .token = ""});

    ck_assert_msg(answer->status == 200, "the fake bizoholic says %d %s", answer->status, answer->body);
    return answer;
}

void backfill_preload(const char *tenant, const char *entity, int count)
{
    const struct api_answer *answer =
        tell_fake(api_text("/records/%s?tenant=%s&count=%d", entity, tenant, count), "{}");

    ck_assert_int_eq(pick_int(answer->json, "/kept"), count);
}

void backfill_preload_these(const char *tenant, const char *entity, const char *records)
{
    tell_fake(api_text("/records/%s?tenant=%s", entity, tenant), api_text("{\"records\":[%s]}", records));
}

const struct api_answer *backfill_ask(const char *tenant, const char *method, const char *path,
                                      const char *body)
{
    return api_send(&(struct api_request){
        .method = method, .url = path, .body = body, .token = api_token(tenant, "operator")});
}

static const char *taken(const struct api_answer *answer)
{
    const char *id;

    ck_assert_msg(answer->status == 202, "%d %s", answer->status, answer->body);
    id = pick_text(answer->json, "/id");
    ck_assert_str_eq(api_header(answer, "Location"), api_text("/sync/backfill/%s", id));
    return id;
}

const char *backfill_start(const char *tenant, const char *format, ...)
{
    char *body;
    va_list args;

    va_start(args, format);
    ck_assert_int_gt(vasprintf(&body, format, args), 0);
    va_end(args);
    pick_keep(body);
    return taken(backfill_ask(tenant, "POST", "/sync/backfill", body));
}

const char *backfill_start_lines(const char *tenant, const char *query, const char *lines)
{
    return taken(api_send(&(struct api_request){.method = "POST",
                                                .url = api_text("/sync/backfill?%s", query),
                                                .body = lines,
                                                .type = "application/x-ndjson",
                                                .token = api_token(tenant, "operator")}));
}

struct json *backfill_look(const char *tenant, const char *id)
{
    const struct api_answer *answer = api_send(&(struct api_request){.url = api_text("/sync/backfill/%s", id),
                                                                     .token = api_token(tenant, "viewer")});

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    return answer->json;
}

const char *backfill_state(const char *tenant, const char *id)
{
    return pick_text(backfill_look(tenant, id), "/state");
}

static bool is_so(const char *tenant, const char *id, const char *state, struct json **job)
{
    *job = backfill_look(tenant, id);
    return strcmp(pick_text(*job, "/state"), state) == 0 &&
           (strcmp(state, "done") != 0 || pick_int(*job, "/waiting") == 0);
}

struct json *backfill_await(const char *tenant, const char *id, const char *state)
{
    int64_t end = clock_mono_ms() + (int64_t)(40000 * flow_patience());
    struct json *job;

    while (!is_so(tenant, id, state, &job)) {
        ck_assert_msg(clock_mono_ms() < end, "it is not %s: %s", state, pick_print(job));
        usleep(50000);
    }
    return job;
}

int64_t backfill_kept(const char *platform, const char *entity, const char *tenant)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = api_text("%s/records/%s?limit=1&tenant=%s", fake_url(platform), entity, tenant), .token = ""});

    return pick_int(answer->json, "/count");
}

int64_t backfill_asked(void)
{
    return pick_int(
        api_send(&(struct api_request){.url = api_text("%s/lists", fake_url("bizoholic")), .token = ""})
            ->json,
        "/asked");
}
