/* send.h: what goes out for one work, built from the record as it is now; and the single REST call that carries it. */
#pragma once
#include "delivery.h"
#include "worker.h"

/* Starts the call, or concludes the work without one. */
void send_start(struct work *work);
/* The same at once in another way (an update instead of a create): by itself or in the next bulk. */
void send_again(struct work *work);

/* What would go out; the route's path is of what will be called. */
const struct platform_route *send_route(const struct work *work);
struct delivery_source send_source(const struct work *work);
/* Adds the REST body of an attempt that starts now to `body`. False: nothing is to be sent, and the work is concluded. */
bool send_build(struct work *work, const struct delivery_source *source, struct buf *body);
