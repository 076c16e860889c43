/* seen.h: what was seen before, by a 64-bit hash of its name, with a number beside it: webhook ids, records' versions. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_MAX (8u << 20) /* entries; 128 MB at the most */

struct seen;
struct seen *seen_new(void);
void seen_free(struct seen **seen);
uint64_t seen_hash(const void *data, size_t len);
/* The number noted for the key, to be read and changed; *fresh says that it is new (and 0). NULL: the ceiling is reached. */
uint32_t *seen_note(struct seen *seen, uint64_t key, bool *fresh);
size_t seen_count(const struct seen *seen);
