/* alert_fixture.c: see alert_fixture.h. */
#include "alert_fixture.h"

#include "flow_fixture.h"

struct json *alert_open(const char *platform, const char *title)
{
    const struct json *alerts =
        pick(api_get("/sync/alerts?status=active&platform=%s", platform)->json, "/alerts");

    for (size_t i = 0; i < json_count(alerts); i++)
        if (strstr(pick_text(json_at(alerts, i), "/title"), title))
            return json_at(alerts, i);
    return NULL;
}

struct json *alert_await(const char *platform, const char *title, double seconds)
{
    struct json *alert;

    flow_wait((alert = alert_open(platform, title)) != NULL, seconds);
    return alert;
}

void alert_await_end(const char *platform, const char *title, double seconds)
{
    flow_wait(alert_open(platform, title) == NULL, seconds);
}
