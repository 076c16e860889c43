/* conflicts.h: what the files of syncctl conflicts share: conflicts.c asks the API, conflicts_show.c prints its answers. */
#pragma once
#include "buf.h"
#include "json.h"

void conflicts_show_list(const struct json *page, struct buf *out);
void conflicts_show_one(const struct json *conflict, struct buf *out);
void conflicts_show_simulation(const struct json *simulation, struct buf *out);
