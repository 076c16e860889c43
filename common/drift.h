/*
 * drift.h: does a platform have what it should have? A record against what the platform shows of it, and hashes that spare the
 * comparison where neither changed; pure. docs/drift.md tells the format.
 *
 *   content   of what a platform shows of a record: HMAC-SHA256, cut to 8 bytes, over its members in common names, in order of their
 *             names: name NUL JSON NUL. The key is the database's (store_fingerprint_key): short contents cannot be guessed.
 *   hash      of (id, version, content): SHA-256, cut to 8 bytes, over the record's id (16 bytes), the version of the record that was
 *             found to agree with that content, and the content (8 bytes each, most significant first)
 *   bucket    the last byte of the record's id: how many records, the XOR of the last 8 bytes of their ids, and of their hashes.
 *             Order makes no difference; a record more, less or another changes it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "json.h"
#include "platform.h"
#include "uuid.h"

#define DRIFT_KEY_LEN 32
#define DRIFT_BUCKETS 256
#define DRIFT_SUMS_LEN ((size_t)DRIFT_BUCKETS * 20)

struct drift_sums {
    struct {
        uint32_t records;
        uint64_t ids, hash;
    } buckets[DRIFT_BUCKETS];
};

unsigned drift_bucket(const struct uuid *record);
uint64_t drift_content(const uint8_t key[DRIFT_KEY_LEN], const struct json *shown);
uint64_t drift_hash(const struct uuid *record, int64_t version, uint64_t content);
void drift_add(struct drift_sums *sums, const struct uuid *record, uint64_t hash);
/* As they are stored: per bucket the count (4 bytes), ids and hash (8 each), most significant byte first. */
void drift_write(const struct drift_sums *sums, uint8_t bytes[DRIFT_SUMS_LEN]);
int drift_read(struct drift_sums *sums, const uint8_t *bytes, size_t len); /* -1: they are none */
bool drift_lacks(const struct drift_sums *should, const struct drift_sums *is, unsigned bucket); /* other records */
bool drift_differs(const struct drift_sums *should, const struct drift_sums *is, unsigned bucket);

/* A record, and what is shown of it in common names (mapping_in). */
struct drift_record {
    const struct platform *platform;
    const struct platform_set *platforms;
    enum entity entity;
    const struct json *data, *notes;
    const struct json *shown;
};
enum drift_verdict {
    DRIFT_AGREES,
    DRIFT_DIFFERS,   /* in these fields */
    DRIFT_IMPOSSIBLE /* the record cannot be told to the platform as it is */
};
/* Adds the names of the fields that differ, with commas; "*" when names cannot be listed so. Only what the platform can hold and
 * change counts, through the mapping there and back: what it cannot show, its own further fields and the times at which it keeps
 * something are its own business. */
enum drift_verdict drift_compare(const struct drift_record *record, struct buf *fields);
