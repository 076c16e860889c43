/* ctl_fixture.h: syncctl as an operator types it, on the stack's stores. What is returned stays until the test program ends. */
#pragma once
#include "json.h"

struct ctl_answer {
    int status;       /* exit code */
    const char *text; /* standard output */
    const char *said; /* standard error */
};
/* `syncctl ARGUMENTS`, split by a shell, with the stack's DATABASE_URL and REDIS_URL. */
const struct ctl_answer *ctl(const char *arguments, ...) __attribute__((format(printf, 1, 2)));
void ctl_env(const char *name, const char *value); /* of the calls from now on */
/* A failed test unless it ends with 0 and prints JSON. */
struct json *ctl_json(const char *arguments, ...) __attribute__((format(printf, 1, 2)));
/* Fails with all of it when the text is not in the standard output. */
void ctl_says(const struct ctl_answer *answer, const char *text);
