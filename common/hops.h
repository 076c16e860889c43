/*
 * hops.h: fields that go to and fro. A hop is a change accepted within ten seconds after a delivery to its platform that touches
 * nothing but what was delivered, and says something else: what a lossy copy or a rule of that platform makes of what it is sent.
 * The third hop of a field within a minute is not taken, nor is any other while hops go on: the field keeps its value, and people are
 * told (I6).
 */
#pragma once
#include "merge.h"

#define HOPS_MAX 3 /* the one that is not taken */
#define HOPS_MS 60000

/* Is this field among the names, with commas? */
bool hops_named(const char *names, const char *field);
/* Notes the hops of a change in the record (*noted: there are some). handed: fields delivered to its platform in the ten seconds
 * before it was accepted, with commas; NULL: nothing was. The names of the change's fields that are not taken: a new array; NULL:
 * all are. */
struct json *hops_stop(struct record *record, const struct change *change, const char *handed, int64_t accepted_ms,
                       bool *noted);
