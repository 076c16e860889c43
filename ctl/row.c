/* row.c: see row.h. */
#include "row.h"

#include "msg.h"
#include "text.h"
#include "timefmt.h"

static struct json *time_value(int64_t unix_ms)
{
    char text[TIMEFMT_LEN + 1];

    timefmt_rfc3339(unix_ms, text);
    return json_new_text(text);
}

static struct json *uuid_value(const struct db_result *result, size_t row, int column)
{
    struct uuid uuid;
    char text[UUID_TEXT_LEN + 1];

    db_get_uuid(result, row, column, &uuid);
    uuid_format(&uuid, text);
    return json_new_text(text);
}

static struct json *bytes_value(const struct db_result *result, size_t row, int column)
{
    size_t len;
    const char *bytes = db_get_bytes(result, row, column, &len);
    struct buf text = BUF_INIT;
    struct json *value;

    if (len > 0 && bytes[0] == BODY_PLAIN)
        text_valid(&text, bytes + 1, len - 1);
    else
        buf_add_str(&text, "(of a format that this release does not know)");
    value = json_new_text_len(text.data, text.len);
    buf_release(&text);
    return value;
}

static struct json *value_of(const struct db_result *result, size_t row, int column, enum row_kind kind)
{
    size_t len = 0;
    const char *text;

    switch (kind) {
    case ROW_INT:
        return json_new_int(db_get_int(result, row, column));
    case ROW_BOOL:
        return json_new_bool(db_get_bool(result, row, column));
    case ROW_TIME:
        return time_value(db_get_time_ms(result, row, column));
    case ROW_UUID:
        return uuid_value(result, row, column);
    case ROW_BYTES:
        return bytes_value(result, row, column);
    case ROW_TEXT:
        break;
    }
    text = db_get_text(result, row, column, &len);
    return json_new_text_len(text, len);
}

struct json *row_object(const struct db_result *result, size_t row, const struct row_field *fields)
{
    struct json *object = json_new_object();

    for (; fields->name; fields++) {
        int column = db_column(result, fields->name);
        json_set(object, fields->name,
                 db_is_null(result, row, column) ? NULL : value_of(result, row, column, fields->kind));
    }
    return object;
}

int64_t row_int(const struct json *object, const char *name)
{
    int64_t value = 0;

    return json_type(json_get(object, name)) == JSON_NUMBER && json_int64(json_get(object, name), &value) == 0
               ? value
               : 0;
}

bool row_bool(const struct json *object, const char *name)
{
    const struct json *value = json_get(object, name);

    return json_type(value) == JSON_BOOL && json_bool(value);
}

const char *row_text(const struct json *object, const char *name)
{
    const char *text = json_get_text(object, name);

    return text ? text : "";
}
