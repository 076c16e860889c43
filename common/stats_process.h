/* stats_process.h: what every process says about itself under /metrics; read when asked, never kept. For stats.c alone. */
#pragma once
#include "buf.h"

void stats_process_write(struct buf *out);
