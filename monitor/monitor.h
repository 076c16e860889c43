/* monitor.h: the modules of the monitor: follow (counts what the activity stream tells) and keep (housekeeping of the tables). */
#pragma once

struct service;
struct store;
struct follow;
struct keep;

/* Reads the activity stream from its present end on, and counts changes of state per state. Best effort, like the stream. */
struct follow *follow_new(struct service *service);
void follow_free(struct follow **follow);

/* Days ahead, days past EVENT_RETENTION_DAYS, expired keys, old metrics: at start and every KEEP_EVERY_MS while PostgreSQL answers. */
struct keep *keep_new(struct service *service, struct store *store);
void keep_free(struct keep **keep);
