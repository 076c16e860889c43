/* records.h: the business records a fake platform holds, merged from the deliveries it took. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "json.h"

struct record {
    char entity[16];
    char *tenant;
    char *record_id; /* as the deliveries name it; "" when they do not */
    char own_id[96]; /* what this platform calls it */
    int64_t version; /* 0: deliveries carried none */
    bool deleted;    /* kept as a tombstone, so that late deliveries are recognised */
    uint64_t deliveries;
    struct json *data;
};

enum record_operation { RECORD_CREATE, RECORD_UPDATE, RECORD_DELETE };

struct record_change {
    enum record_operation operation;
    const char *entity;
    const char *tenant;
    const char *path_id;     /* id in the path, or NULL */
    const struct json *data; /* NULL: none came */
    int64_t version;         /* 0: none came */
};

enum record_verdict { RECORD_DONE, RECORD_IGNORED, RECORD_EXISTS, RECORD_UNKNOWN, RECORD_FULL };

struct records {
    const char *platform;
    bool strict;        /* create what is there and update what is not are refused */
    bool ignore_lower;  /* versions not above the kept one change nothing */
    size_t count, max;
    struct record **all; /* in order of creation */
    struct map *by_id;
    uint64_t list_requests, listed; /* of list.c: requests, rows */
};

void records_init(struct records *records, const char *platform, size_t max);
void records_release(struct records *records);

/* Fields that may name a record of this entity, NULL-terminated; the common name first. */
const char *const *records_id_names(const char *entity);
/* The record, or NULL when it was never there; tenant "" means any. */
struct record *records_find(const struct records *records, const char *entity, const char *tenant, const char *id);
/* *record is NULL for RECORD_UNKNOWN and RECORD_FULL. */
enum record_verdict records_apply(struct records *records, const struct record_change *change, struct record **record);
void records_write(const struct record *record, struct buf *out); /* as a JSON object */
