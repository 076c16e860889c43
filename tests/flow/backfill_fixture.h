/* backfill_fixture.h: first syncs as an operator starts and watches them. What is returned stays until the test program ends. */
#pragma once
#include "json.h"

struct api_answer;

/* Records of bizoholic that no delivery brought: `count` made up ones (seed-1 …), or {"records":[…]}. */
void backfill_preload(const char *tenant, const char *entity, int count);
void backfill_preload_these(const char *tenant, const char *entity, const char *records);
/* Any request as an operator of the tenant; body NULL: none. */
const struct api_answer *backfill_ask(const char *tenant, const char *method, const char *path, const char *body);
/* POST of this body, which must be taken: its id. */
const char *backfill_start(const char *tenant, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* POST of lines, with this query. */
const char *backfill_start_lines(const char *tenant, const char *query, const char *lines);
struct json *backfill_look(const char *tenant, const char *id);
const char *backfill_state(const char *tenant, const char *id);
/* Waits until it is in this state and, when it is done, until its events are all delivered; as it is then. */
struct json *backfill_await(const char *tenant, const char *id, const char *state);
/* How many live records of the tenant the platform keeps. */
int64_t backfill_kept(const char *platform, const char *entity, const char *tenant);
/* How often a list of bizoholic was asked for since its records were cleared. */
int64_t backfill_asked(void);
