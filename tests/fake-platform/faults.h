/*
 * faults.h: rules that make a fake platform fail on purpose.
 *
 * {"match":{"entity":"user","operation":"create","id":"u1","tenant":"t1","path":"/api/sync/user","every":3},
 *  "times":3,                  omitted: for ever
 *  "status":503, "retry_after":"2", "delay_ms":500, "body":"…", "headers":{"Location":"/elsewhere"},
 *  "action":"hang"|"late"|"reset"|"reset_mid_answer"|"truncate"|"close"|"huge"|"endless"|"gzip"|"drip"|"html"|"redirect"|"empty",
 *            (huge: 10 MB of JSON; gzip: a few KB that unpack to them; endless: chunks for ever; drip: 20 bytes a second)
 *            for answers to bulks besides: "too_few"|"foreign_ids"|"no_results"|"no_statuses"
 *            "late" hangs too; the record changes when POST /control says "late_arrive", whatever came meanwhile
 *  "apply":true}               whether the record changes all the same; default: when the client may believe it did
 *                              (reset_mid_answer, truncate, drip, empty, huge, endless, gzip, a delay alone)
 * A rule that names a path, or names nothing at all, strikes bulks as a whole ("id": those that carry it); any other rule strikes
 * the items that it matches, whose status is then the rule's.
 * The first rule that matches decides. `every` counts the requests that match the rest.
 */
#pragma once
#include "http.h"
#include "json.h"

struct faults;

enum fault_part { FAULT_SINGLE, FAULT_BULK, FAULT_ITEM };

struct fault_subject {
    const char *path;
    const char *entity;    /* "" when unknown, as all below */
    const char *operation;
    const char *tenant;
    const char *const *ids; /* NULL-terminated: every id the request names */
    enum fault_part part;
};

struct fault {
    const char *action; /* for the log of what was received; never NULL */
    bool apply;
    bool replaces_answer; /* false: only the delay and the ending are the rule's */
};

struct faults *faults_new(void);
void faults_free(struct faults **faults);
/* Replaces all rules; -1 with a sentence in error, and the rules stay as they were. */
int faults_load(struct faults *faults, const struct json *rules, char *error, size_t error_size);
/* Whether a rule strikes; if so it is used up once, and `answer` gets what the rule says (owned by faults until the next call). */
bool faults_strike(struct faults *faults, const struct fault_subject *subject, struct fault *fault,
                   struct http_answer *answer);
void faults_write(const struct faults *faults, struct buf *out); /* a JSON array with hits */
