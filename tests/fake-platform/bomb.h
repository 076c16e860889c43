/* bomb.h: a small answer that is a large one once somebody unpacks it. */
#pragma once
#include "buf.h"

/* gzip (RFC 1952) of so many letters x, about a 160th of their size. */
void bomb_gzip(struct buf *out, size_t unpacked);
