/* row.h: rows of PostgreSQL's answers as JSON objects, which commands print as they are or as tables. */
#pragma once
#include "db.h"
#include "json.h"

enum row_kind { ROW_TEXT, ROW_INT, ROW_BOOL, ROW_TIME, ROW_UUID, ROW_BYTES };
struct row_field {
    const char *name; /* of the column and of the member; NULL ends */
    enum row_kind kind;
};
/* Null columns are null members. Bytes: stored text behind its format byte. */
struct json *row_object(const struct db_result *result, size_t row, const struct row_field *fields);

int64_t row_int(const struct json *object, const char *name); /* 0 when absent or null */
bool row_bool(const struct json *object, const char *name);
const char *row_text(const struct json *object, const char *name); /* "" when absent or null */
