/*
 * sharing.h: this replica's beat in what all replicas of the platform's worker have in common (share.h): tells PostgreSQL what
 * happened here, and is lent its part of the window, the rates and the probing for the next moments.
 *
 * Once a second while it is alone, every BEAT_SHARED_MS while it is not, and at once when the breaker or Retry-After changes here.
 * What was lent ends by itself when no beat is answered, so that a pause set by one holds for all within a second of the answer
 * that asked for it, and a replica that was stopped for a while starts nothing on what it knew before.
 */
#pragma once
#include "share.h"

struct worker;
struct sharing;

struct sharing *sharing_new(struct worker *worker);
void sharing_free(struct sharing **sharing);
/* A beat at the latest so long after the last one. 0: now, for what the others must know. */
void sharing_beat_in(struct worker *worker, int64_t ms);
void sharing_hold(struct worker *worker, int64_t wait_ms); /* Retry-After */
/* What waits may be the probe: asks for the right to probe when it is nobody's. */
void sharing_look(struct worker *worker);
/* Gives back what was lent; `left` is called in any case. */
void sharing_leave(struct worker *worker, void (*left)(struct worker *worker));
