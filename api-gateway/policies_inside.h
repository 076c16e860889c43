/* policies_inside.h: what the files policies_….c share. */
#pragma once
#include "gateway.h"

/* The tenant that the path names; NULL: refused (404 where something is read, 403 where something is written). */
const char *policies_tenant(struct http_request *request, bool writes);
/* A sentence per mistake of the text, with its line, as mistakes of `pointer`. NULL: it has some. */
struct policy_set *policies_check(const struct gateway *gateway, const char *tenant, int64_t version,
                                  const char *text, const char *pointer, struct json *errors);
/* Answers 200 with a version, the row of policy_get.sql; without a row with version 0, which has no text. */
void policies_answer(const struct gateway *gateway, struct http_request *request, const char *tenant,
                     const struct db_result *result);
