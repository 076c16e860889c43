/* member.c: see member.h. */
#include "member.h"

#include <stdio.h>

int64_t member_int(const struct json *object, const char *name)
{
    int64_t number = 0;

    if (json_get(object, name))
        json_int64(json_get(object, name), &number);
    return number;
}

void member_copy(char *to, size_t size, const struct json *object, const char *name)
{
    const char *text = json_get_text(object, name);

    snprintf(to, size, "%s", text ? text : "");
}
