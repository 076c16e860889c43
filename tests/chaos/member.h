/* member.h: members of what platforms and logs tell, which may be absent. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "json.h"

int64_t member_int(const struct json *object, const char *name); /* 0 when absent */
void member_copy(char *to, size_t size, const struct json *object, const char *name); /* "" when absent */
