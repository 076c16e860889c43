/* fake_fixture.c: see fake_fixture.h. */
#include "fake_fixture.h"

#include <check.h>

#include "flow_fixture.h"

const char *fake_url(const char *platform)
{
    static const char *const urls[][2] = {{"bizoholic", "BIZOHOLIC_FRONTEND_URL"},
                                          {"coreldove", "CORELDOVE_FRONTEND_URL"},
                                          {"bizosaas", "BIZOSAAS_BRAIN_URL"}};

    for (size_t i = 0; i < COUNT(urls); i++)
        if (strcmp(urls[i][0], platform) == 0)
            return stack_setting(urls[i][1]);
    ck_abort_msg("there is no platform %s", platform);
}

/* Its own windows need no token. */
static const struct api_answer *ask(const char *platform, const char *method, const char *path,
                                    const char *body)
{
    const struct api_answer *answer = api_send(&(struct api_request){
        .method = method, .url = api_text("%s%s", fake_url(platform), path), .body = body, .token = ""});

    ck_assert_msg(answer->status != 0, "the fake %s does not answer: %s", platform, answer->why);
    return answer;
}

static struct json *must(const char *platform, const char *method, const char *path, const char *body)
{
    const struct api_answer *answer = ask(platform, method, path, body);

    ck_assert_msg(answer->status == 200, "the fake %s says %d %s", platform, answer->status, answer->body);
    return answer->json;
}

struct json *fake_content(const struct json *body)
{
    struct json *content = pick_keep_json(json_copy(body));
    struct json *metadata = json_get(json_get(content, "data"), "_sync_metadata");

    ck_assert_msg(json_get(metadata, "started_at") != NULL, "when did it start? %s", pick_print(body));
    json_remove(metadata, "started_at");
    return content;
}

void fake_control(const char *platform, const char *json)
{
    must(platform, "POST", "/control", json);
}

void fake_reset(const char *platform)
{
    must(platform, "DELETE", "/control", NULL);
    must(platform, "DELETE", "/received", NULL);
    must(platform, "DELETE", "/records", NULL);
}

struct json *fake_received(const char *platform, int64_t after)
{
    return pick(must(platform, "GET", api_text("/received?limit=10000&after=%lld", (long long)after), NULL),
                "/received");
}

struct json *fake_summary(const char *platform)
{
    return must(platform, "GET", "/received?summary=1", NULL);
}

int64_t fake_total(const char *platform)
{
    return pick_int(fake_summary(platform), "/total");
}

struct json *fake_record(const char *platform, const char *entity, const char *tenant, const char *id)
{
    const struct api_answer *answer =
        ask(platform, "GET", api_text("/records/%s/%s?tenant=%s", entity, id, tenant), NULL);

    return pick_there(answer->json, "/own_id") ? answer->json : NULL;
}

static struct json *search(const char *platform, int64_t after, const char *pointer, const char *text,
                           size_t *n)
{
    const struct json *all = fake_received(platform, after);

    for (size_t i = 0; i < json_count(all); i++) {
        const char *value = pick_text(json_at(all, i), pointer);

        if (value && strcmp(value, text) == 0 && (*n)-- == 0)
            return json_at(all, i);
    }
    return NULL;
}

struct json *fake_find(const char *platform, int64_t after, const char *pointer, const char *text, size_t n)
{
    return search(platform, after, pointer, text, &n);
}

size_t fake_count(const char *platform, int64_t after, const char *pointer, const char *text)
{
    size_t left = SIZE_MAX;

    search(platform, after, pointer, text, &left);
    return SIZE_MAX - left;
}

struct json *fake_await_nth(const char *platform, const char *pointer, const char *text, size_t n)
{
    int64_t end = clock_mono_ms() + (int64_t)(10000 * flow_patience());
    struct json *found;

    while (!(found = fake_find(platform, 0, pointer, text, n))) {
        ck_assert_msg(clock_mono_ms() < end, "%s got no request %zu with %s = %s; it got: %s", platform, n,
                      pointer, text, pick_print(fake_summary(platform)));
        usleep(20000);
    }
    return found;
}

struct json *fake_await(const char *platform, const char *pointer, const char *text)
{
    return fake_await_nth(platform, pointer, text, 0);
}
