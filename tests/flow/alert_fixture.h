/* alert_fixture.h: what GET /sync/alerts shows, for flow tests. What is returned stays until the test program ends. */
#pragma once
#include "json.h"

/* The active alert of a platform whose title has these words, as a service of API_TENANT sees it; NULL: there is none. */
struct json *alert_open(const char *platform, const char *title);
/* Waits up to that many seconds until there is one, or none. */
struct json *alert_await(const char *platform, const char *title, double seconds);
void alert_await_end(const char *platform, const char *title, double seconds);
