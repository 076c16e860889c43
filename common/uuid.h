/* uuid.h: RFC 9562 UUIDs: version 7 for events (time ordered), version 8 for records (from a hash). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_TEXT_LEN 36
struct uuid {
    uint8_t bytes[16];
};

int uuid_parse(struct uuid *uuid, const char *text, size_t len); /* 8-4-4-4-12, any case; -1 otherwise */
void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_LEN + 1]);
void uuid_v7(struct uuid *uuid, int64_t unix_ms); /* strictly increasing within the process, also when time stands still or
                                                     steps back: rand_a is a counter (RFC 9562 §6.2 method 1), the rest random */
int64_t uuid_v7_ms(const struct uuid *uuid);
void uuid_v7_floor(struct uuid *uuid, int64_t unix_ms); /* the lowest v7 of that millisecond: bounds of partitions, `from` filters */
void uuid_v8(struct uuid *uuid, const uint8_t hash[16]); /* sets version and variant bits over the hash's first 16 bytes */
int uuid_compare(const struct uuid *a, const struct uuid *b);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_nil(const struct uuid *uuid);
