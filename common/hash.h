/* hash.h: the hash of every in-memory table: SipHash-1-3 with a seed drawn at start, so that chosen keys cannot pile up. Its
 * values differ from process to process: never store or send one. */
#pragma once
#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *data, size_t len);
uint64_t hash_siphash13(const uint8_t seed[16], const void *data,
                        size_t len); /* for tests against known values */
