/*
 * platform_check.c: what a text in a platform file must look like. Each check answers NULL, or why the text is not that: the
 * end of a sentence that begins with the setting's name.
 */
#include "platform_format.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define NAME_MAX_BYTES 64
#define TEXT_MAX_BYTES 256

static bool only(const char *text, const char *characters)
{
    return text[0] != '\0' && text[strspn(text, characters)] == '\0';
}

/* Printable and no blank: what may stand in a request line or an address. */
static bool is_plain(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~')
            return false;
    }
    return text[0] != '\0';
}

const char *platform_check_name(const char *text)
{
    if (!only(text, LOWER DIGIT "-_") || strchr(LOWER, text[0]) == NULL)
        return "it must be lower-case letters, digits, - and _ with a letter first";
    if (strlen(text) > MSG_PLATFORM_MAX)
        return "it must have at most 32 characters";
    if (strcmp(text, "service") == 0)
        return "the word service stands for the synchronization itself";
    return NULL;
}

const char *platform_check_currency(const char *text)
{
    return strlen(text) == 3 && only(text, UPPER)
               ? NULL
               : "must be an ISO 4217 code of three capital letters such as INR";
}

const char *platform_check_date(const char *text)
{
    static const char *why = "must be a day such as 2026-01-31";
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || !only(text, DIGIT "-"))
        return why;
    if (sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3 || month < 1 || month > 12)
        return why;
    if (day < 1 || day > days[month - 1] ||
        (month == 2 && day == 29 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0))))
        return why;
    return NULL;
}

const char *platform_check_variable(const char *text)
{
    return only(text, UPPER DIGIT "_") && strlen(text) <= NAME_MAX_BYTES
               ? NULL
               : "must be the name of an environment variable such as BIZOSAAS_BRAIN_URL";
}

const char *platform_check_header(const char *text)
{
    static const char token[] = LOWER UPPER DIGIT "!#$%&'*+-.^_`|~"; /* RFC 9110 §5.6.2 */
    return only(text, token) && strlen(text) <= NAME_MAX_BYTES ? NULL : "must be the name of an HTTP header";
}

const char *platform_check_locale(const char *text)
{
    return only(text, LOWER UPPER DIGIT "-") && strlen(text) <= NAME_MAX_BYTES
               ? NULL
               : "must be a language tag such as en-IN";
}

const char *platform_check_timezone(const char *text)
{
    return only(text, LOWER UPPER DIGIT "-_+/") && strlen(text) <= NAME_MAX_BYTES
               ? NULL
               : "must be a time zone's name such as Asia/Kolkata or UTC";
}

const char *platform_check_url(const char *text)
{
    const char *rest = strncmp(text, "http://", 7) == 0    ? text + 7
                       : strncmp(text, "https://", 8) == 0 ? text + 8
                                                           : NULL;
    if (rest == NULL || !is_plain(rest) || strchr("/:?#", rest[0]) != NULL)
        return "must be an address such as http://host:3008";
    if (strpbrk(rest, "?#") != NULL)
        return "must end before any ? or #";
    return strlen(text) <= PLATFORM_PATH_MAX ? NULL : "is longer than 1024 bytes";
}

const char *platform_check_member(const char *text)
{
    if (text[0] == '\0' || strlen(text) > NAME_MAX_BYTES)
        return "must be a name of 1 to 64 bytes";
    if (strcmp(text, "_sync_metadata") == 0 || strcmp(text, "_platform_context") == 0)
        return "is a name that the synchronization itself adds";
    return NULL;
}

const char *platform_check_secret(const char *text)
{
    return is_plain(text) ? NULL : "must be printable ASCII without blanks, because it goes into a header";
}

static const char *check_path(const char *text, bool entity, bool id)
{
    if (text[0] != '/' || !is_plain(text) || strchr(text, '#') != NULL)
        return "must begin with / and hold neither blanks nor #";
    if (strlen(text) > TEXT_MAX_BYTES)
        return "is longer than 256 bytes";
    for (const char *at = text; (at = strpbrk(at, "{}")) != NULL; at = strchr(at, '}') + 1) {
        bool is_id = id && strncmp(at, "{id}", 4) == 0;
        if (strncmp(at, "{entity}", 8) != 0 && strncmp(at, "{verb}", 6) != 0 && !is_id)
            return id ? "may hold {entity}, {verb} and {id} but no other braces"
                      : "may hold {entity} and {verb} but no other braces";
        if (!entity)
            return "may hold neither {entity} nor {verb} nor {id}: there is no record behind this event type";
    }
    return NULL;
}

const char *platform_check_path(const char *text, bool entity)
{
    return check_path(text, entity, false);
}

const char *platform_check_route(const char *text, bool entity)
{
    return check_path(text, entity, true);
}

void platform_expand_path(struct buf *out, const char *path, enum event_type type)
{
    while (*path != '\0') {
        if (*path != '{' || path[1] == 'i') { /* {id} stays: it is each record's own */
            buf_add_ch(out, *path++);
            continue;
        }
        bool entity = path[1] == 'e';
        buf_add_str(out,
                    entity ? msg_entity_name(msg_event_entity(type)) : msg_verb_name(msg_event_verb(type)));
        path = strchr(path, '}') + 1;
    }
}
