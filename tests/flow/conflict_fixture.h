/* conflict_fixture.h: records of API_TENANT that platforms change at once, and conflicts as the API tells them. */
#pragma once
#include <stdbool.h>

#include "api_fixture.h"

/* An event to all three platforms; base_version 0: none is said. Its id. */
const char *conflict_change(const char *type, const char *source, int base_version, const char *data);
/* A user that all three have, whose e-mail and name bizoholic (ID-b@example.com, B) and then coreldove (ID-c@example.com, C, and a
 * phone) change on the first version: the e-mail waits for a person. The conflict's id. */
const char *conflict_of_user(const char *id);

const char *conflict_id(const char *entity_id, const char *status); /* NULL: there is none (yet) */
const char *conflict_await(const char *entity_id, const char *status);
const struct json *conflict_get(const char *id);
const struct json *conflict_rule(const struct json *conflict, const char *field); /* its member of `fields` */
const struct json *conflict_record(const char *id);  /* of a user */
const struct api_answer *conflict_operate(const char *url, const char *body); /* POST as an operator */

/* What a platform has in that field of its own; "" for nothing. names: the field's, at bizoholic, coreldove and bizosaas. */
const char *conflict_held(const char *platform, const char *entity, const char *id, const char *field);
bool conflict_all_hold(const char *entity, const char *id, const char *const names[3], const char *value);
