/*
 * verify.h: does the platform have what it should have? Verifications of this worker's platform: one at a time is taken up, kept
 * by a lease, and read page by page under the platform's window and breaker (docs/drift.md).
 */
#pragma once
#include <stdbool.h>

struct verify;
struct worker;

struct verify *verify_new(struct worker *worker);
void verify_free(struct verify **verify);
void verify_drain(struct verify *verify); /* what it has in hand goes to another worker */
bool verify_wants(const struct verify *verify); /* it would ask the platform something, if it may */
