/*
 * objections.h: what about a change is for a person although nobody contradicts it: a value that breaks a business rule, or is of
 * another type than the one before. Pure.
 */
#pragma once
#include "merge.h"
#include "policy.h"

/* Object: field → RESOLVE_ bits, for change.objections, the caller's; NULL: nothing. What a platform's live change sets is looked at;
 * decisions, pages of a backfill and deletions are not. */
struct json *objections_find(const struct policy_set *policies, const char *tenant,
                             const struct record *record, const struct change *change);
