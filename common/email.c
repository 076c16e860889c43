/* email.c: see email.h. Judging more strictly than mail servers do would refuse people who have such an address. */
#include "email.h"

#include "mem.h"

#define LOCAL_BYTES_MAX 64

static bool has_only_address_characters(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f || strchr("<>(),;:\\\"[]", text[i]) != NULL)
            return false;
    }
    return true;
}

bool email_is_valid(const char *text, size_t len)
{
    const char *at = memchr(text, '@', len), *end = text + len;
    size_t local = at != NULL ? (size_t)(at - text) : 0;
    if (len > EMAIL_BYTES_MAX || local == 0 || local > LOCAL_BYTES_MAX || local + 1 >= len)
        return false;
    if (memchr(at + 1, '@', len - local - 1) != NULL || memmem(text, len, "..", 2) != NULL)
        return false;
    if (text[0] == '.' || at[-1] == '.' || at[1] == '.' || end[-1] == '.')
        return false;
    return has_only_address_characters(text, len);
}
