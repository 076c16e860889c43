/*
 * alert.c: what people must know about one platform: its key begins with the platform's name, so that replicas speak of the
 * same alert. Nothing here says anything of a tenant: every tenant may read these.
 */
#include "alert.h"

#include <stdio.h>

#include "clock.h"
#include "worker.h"

#define ALERT_KEY_MAX 512
#define REFRESH_EVERY_MS 5000
#define ANSWERED_MS 3000 /* an answer so long ago says that the platform answers: a few heartbeats */

static void full_key(const struct worker *worker, const char *cause, char *key, size_t size)
{
    snprintf(key, size, "%s %s", worker->name, cause);
}

void alert_raise(struct worker *worker, const char *cause, enum alert_level level, const char *title,
                 const char *message)
{
    char key[ALERT_KEY_MAX];
    struct alert alert = {.key = key,
                          .level = level,
                          .title = title,
                          .message = message,
                          .platform = worker->name,
                          .shared = true};

    full_key(worker, cause, key, sizeof key);
    alerts_raise(worker->alerts, &alert);
}

void alert_resolve(struct worker *worker, const char *cause, const char *note)
{
    char key[ALERT_KEY_MAX];

    if (!alerts_any(worker->alerts))
        return;
    full_key(worker, cause, key, sizeof key);
    alerts_resolve(worker->alerts, key, note);
}

void alert_resolve_own(struct worker *worker, const char *cause, const char *note)
{
    char key[ALERT_KEY_MAX];

    if (!alerts_any(worker->alerts))
        return;
    full_key(worker, cause, key, sizeof key);
    alerts_resolve_own(worker->alerts, key, note);
}

/* A breaker that opens for the seconds of a restart is the service doing its work; one that stays open is somebody's. */
static void watch_breaker(struct worker *worker, int64_t now)
{
    char title[128], message[512];

    if (worker->gate.state == GATE_CLOSED) {
        worker->failing_since_ms = 0;
        /* Ours was closed all along, perhaps: only who has just had an answer speaks for the others. */
        if (worker->ok_ms > now - ANSWERED_MS)
            alert_resolve_own(worker, "breaker", "the platform answers again");
        return;
    }
    if (worker->failing_since_ms == 0)
        worker->failing_since_ms = now;
    if (now - worker->failing_since_ms < worker->conf->breaker_alert)
        return;
    snprintf(title, sizeof title, "%s does not answer as it should", worker->name);
    snprintf(message, sizeof message,
             "The breaker of %s stays open: %s. Its deliveries wait and lose no attempt; it is tried again "
             "every half a "
             "minute at least, and everything goes out once it answers.",
             worker->name, *worker->breaker_reason ? worker->breaker_reason : "its requests fail");
    alert_raise(worker, "breaker", ALERT_CRITICAL, title, message);
}

void alert_watch(struct worker *worker)
{
    int64_t now = clock_mono_ms();

    watch_breaker(worker, now);
    if (now - worker->alerts_read_ms < REFRESH_EVERY_MS)
        return;
    worker->alerts_read_ms = now;
    alerts_refresh(worker->alerts);
}
