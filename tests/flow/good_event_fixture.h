/* good_event_fixture.h: what tests of bad input share: the answer that a bad request must get, and the good event after it. */
#pragma once
#include "api_fixture.h"

struct refusal {
    int status;
    const char *type;    /* last part of the problem's type */
    const char *pointer; /* of its first error; NULL: it has none */
};

/* A problem as RFC 9457 wants it, with this status, type and pointer, that gives nothing away. */
void good_event_check_refused(const struct api_answer *answer, const struct refusal *due, const char *what);
/* After whatever came before, a good event is still accepted and reaches its platform. */
void good_event_goes_through(const char *what);
/* JSON of a good event of API_TENANT with an id of its own; name is in the id. */
const char *good_event_body(const char *name);
