/*
 * clock.h: the three times of the service; a variable in tests.
 *
 * monotonic: spans and time-outs. wall: this machine's clock, for logs only. database: what all processes agree on; event
 * ids and stored times use it. Its offset to this machine's clock is learnt by db at every connect.
 */
#pragma once
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* since 1970 */
int64_t clock_wall_us(void);
int64_t clock_db_ms(void);   /* wall time corrected by the offset learnt; never runs backwards within the process */
void clock_set_db_offset_ms(int64_t offset_ms);
int64_t clock_db_offset_ms(void);
void clock_freeze(int64_t mono_ms, int64_t wall_ms); /* tests: stands still until moved; negative mono_ms: runs again */
