/* strike.h: carries the schedule out, keeps what really happened and when, and heals everything at the end. */
#pragma once
#include <stdbool.h>
#include <stdio.h>

#include "schedule.h"

struct struck {
    const struct fault *fault;
    int64_t began_us, ended_us; /* ended: healed, and the process is back; 0: goes on */
};

struct strikes;
struct strikes *strikes_new(const struct schedule *schedule);
void strikes_free(struct strikes **strikes);
/* What is due now begins, what is over ends. at_ms: since the load began. Call it every few ms. */
void strikes_tick(struct strikes *strikes, int64_t at_ms);
/* Ends all faults, starts what is down, waits for it. */
void strikes_heal(struct strikes *strikes);
size_t strikes_count(const struct strikes *strikes);
const struct struck *strikes_at(const struct strikes *strikes, size_t index);
/* The first fault of the kinds (bits) on this object, or on a replica of it, that goes on in any part of the span; NULL: none. */
const struct struck *strikes_find(const struct strikes *strikes, const char *object, bool replicas, unsigned kinds, int64_t from_us,
                                  int64_t to_us);
/* Processes that ended though nobody struck them, and such that would not start again; one line each. */
const char *strikes_complaints(const struct strikes *strikes);
void strikes_write_kinds(const struct strikes *strikes, FILE *out);
