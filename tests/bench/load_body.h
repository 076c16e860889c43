/* load_body.h: the requests that the load generator posts. */
#pragma once
#include "load_client.h"

/* A whole request with the events number … number+count-1, stamped with sent_us. */
void load_body_request(struct buf *out, const struct load_options *options, int64_t number, unsigned count, int64_t sent_us);
/* How many of the `count` events the answer's body accepts; calls on_failed for the others. */
unsigned load_body_accepted(const char *answer, int64_t number, unsigned count, load_failed_cb on_failed, void *arg);
