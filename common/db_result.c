/*
 * db_result.c: values out of an answer, which is binary throughout.
 *
 * Asking a column for what it is not is a mistake in our SQL or in our code, never in the data: bug(). One of the files of
 * db that include libpq-fe.h (db_internal.h lists them).
 */
#include <endian.h>
#include <libpq-fe.h>
#include <string.h>

#include "db_internal.h"
#include "log.h"
#include "mem.h"

enum { /* oids from pg_type.dat; they never change */
       OID_BOOL = 16,
       OID_BYTEA = 17,
       OID_NAME = 19,
       OID_INT8 = 20,
       OID_INT2 = 21,
       OID_INT4 = 23,
       OID_TEXT = 25,
       OID_JSON = 114,
       OID_FLOAT8 = 701,
       OID_UNKNOWN = 705,
       OID_INT2_ARRAY = 1005,
       OID_INT4_ARRAY = 1007,
       OID_TEXT_ARRAY = 1009,
       OID_INT8_ARRAY = 1016,
       OID_BPCHAR = 1042,
       OID_VARCHAR = 1043,
       OID_TIMESTAMPTZ = 1184,
       OID_UUID = 2950,
       OID_JSONB = 3802,
       OID_FIRST_USER = 16384
};
#define EPOCH_2000_MS INT64_C(946684800000)

struct cell {
    const char *data; /* NULL: null */
    size_t len;
    unsigned type;
};

void db_result_clear(struct pg_result **pg)
{
    PQclear(*pg);
    *pg = NULL;
}

size_t db_rows(const struct db_result *result)
{
    return (size_t)PQntuples(result->pg);
}

int db_column(const struct db_result *result, const char *name)
{
    int column = PQfnumber(result->pg, name);
    if (column < 0)
        bug("an answer without the column %s", name);
    return column;
}

static struct cell cell_at(const struct db_result *result, size_t row, int column)
{
    if (row >= db_rows(result) || column < 0 || column >= PQnfields(result->pg))
        bug("row %zu, column %d of an answer with %zu rows and %d columns", row, column, db_rows(result),
            PQnfields(result->pg));
    struct cell cell = {.type = PQftype(result->pg, column)};
    if (PQgetisnull(result->pg, (int)row, column))
        return cell;
    cell.data = PQgetvalue(result->pg, (int)row, column);
    cell.len = (size_t)PQgetlength(result->pg, (int)row, column);
    return cell;
}

static _Noreturn void wrong_type(const struct db_result *result, int column, const char *wanted)
{
    bug("column %s has type %u and was read as %s", PQfname(result->pg, column), PQftype(result->pg, column),
        wanted);
}

static struct cell cell_of(const struct db_result *result, size_t row, int column, unsigned type,
                           const char *wanted)
{
    struct cell cell = cell_at(result, row, column);
    if (cell.type != type)
        wrong_type(result, column, wanted);
    return cell;
}

static uint32_t get_u32(const char *data)
{
    uint32_t value;
    memcpy(&value, data, sizeof(value));
    return be32toh(value);
}

static int64_t get_i64(const char *data)
{
    uint64_t value;
    memcpy(&value, data, sizeof(value));
    return (int64_t)be64toh(value);
}

/* Binary integers say their size by their length. */
static int64_t get_int(const char *data, size_t len)
{
    uint16_t small;
    switch (len) {
    case 2:
        memcpy(&small, data, sizeof(small));
        return (int16_t)be16toh(small);
    case 4:
        return (int32_t)get_u32(data);
    case 8:
        return get_i64(data);
    default:
        bug("an integer of %zu bytes", len);
    }
}

bool db_is_null(const struct db_result *result, size_t row, int column)
{
    return cell_at(result, row, column).data == NULL;
}

int64_t db_get_int(const struct db_result *result, size_t row, int column)
{
    struct cell cell = cell_at(result, row, column);
    if (cell.type != OID_INT8 && cell.type != OID_INT4 && cell.type != OID_INT2)
        wrong_type(result, column, "an integer");
    return cell.data ? get_int(cell.data, cell.len) : 0;
}

bool db_get_bool(const struct db_result *result, size_t row, int column)
{
    struct cell cell = cell_of(result, row, column, OID_BOOL, "a boolean");
    return cell.data && cell.data[0];
}

static bool type_is_text(unsigned type)
{
    return type == OID_TEXT || type == OID_VARCHAR || type == OID_BPCHAR || type == OID_NAME ||
           type == OID_JSON || type == OID_JSONB || type == OID_UNKNOWN ||
           type >= OID_FIRST_USER; /* enums are their labels */
}

const char *db_get_text(const struct db_result *result, size_t row, int column, size_t *len)
{
    struct cell cell = cell_at(result, row, column);
    if (!type_is_text(cell.type))
        wrong_type(result, column, "text");
    if (cell.data && cell.type == OID_JSONB) { /* one byte of format version goes before the text */
        cell.data++;
        cell.len--;
    }
    if (len)
        *len = cell.len;
    return cell.data;
}

const void *db_get_bytes(const struct db_result *result, size_t row, int column, size_t *len)
{
    struct cell cell = cell_of(result, row, column, OID_BYTEA, "bytes");
    if (len)
        *len = cell.len;
    return cell.data;
}

int db_get_uuid(const struct db_result *result, size_t row, int column, struct uuid *uuid)
{
    struct cell cell = cell_of(result, row, column, OID_UUID, "a UUID");
    if (!cell.data)
        return -1;
    memcpy(uuid->bytes, cell.data, sizeof(uuid->bytes));
    return 0;
}

int64_t db_get_time_ms(const struct db_result *result, size_t row, int column)
{
    struct cell cell = cell_of(result, row, column, OID_TIMESTAMPTZ, "a time");
    if (!cell.data)
        return INT64_MIN;
    int64_t us = get_i64(cell.data);
    if (us == INT64_MAX) /* infinity */
        return INT64_MAX;
    if (us == INT64_MIN) /* -infinity; the very lowest value means null */
        return INT64_MIN + 1;
    return us / 1000 - (us % 1000 < 0) + EPOCH_2000_MS;
}

double db_get_real(const struct db_result *result, size_t row, int column)
{
    struct cell cell = cell_of(result, row, column, OID_FLOAT8, "a real number");
    if (!cell.data)
        return 0;
    int64_t bits = get_i64(cell.data);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

struct array_walk {
    const char *next;
    const char *end;
    size_t left;
};

static struct array_walk array_open(struct cell cell)
{
    struct array_walk walk = {.next = cell.data, .end = cell.data + cell.len};
    size_t dimensions = cell.len >= 12 ? get_u32(cell.data) : 0;
    if (dimensions == 0 || cell.len < 12 + 8 * dimensions)
        return walk;
    walk.left = 1;
    for (size_t i = 0; i < dimensions; i++)
        walk.left *= get_u32(cell.data + 12 + 8 * i);
    walk.next += 12 + 8 * dimensions;
    return walk;
}

/* false at the end; *data is NULL for a null element. */
static bool array_next(struct array_walk *walk, const char **data, size_t *len)
{
    if (walk->left == 0 || walk->end - walk->next < 4)
        return false;
    walk->left--;
    uint32_t length = get_u32(walk->next);
    walk->next += 4;
    *data = length == UINT32_MAX ? NULL : walk->next;
    *len = length == UINT32_MAX ? 0 : length;
    if (*len > (size_t)(walk->end - walk->next))
        bug("an array element that ends after its array");
    walk->next += *len;
    return true;
}

size_t db_get_ints(const struct db_result *result, size_t row, int column, int64_t *values, size_t max)
{
    struct cell cell = cell_at(result, row, column);
    if (cell.type != OID_INT8_ARRAY && cell.type != OID_INT4_ARRAY && cell.type != OID_INT2_ARRAY)
        wrong_type(result, column, "integers");
    if (!cell.data)
        return 0;
    struct array_walk walk = array_open(cell);
    const char *data;
    size_t len, count = 0;
    while (count < max && array_next(&walk, &data, &len))
        values[count++] = data ? get_int(data, len) : INT64_MIN;
    return count;
}

size_t db_get_texts(const struct db_result *result, size_t row, int column, const char **texts, size_t *lens,
                    size_t max)
{
    struct cell cell = cell_of(result, row, column, OID_TEXT_ARRAY, "texts");
    if (!cell.data)
        return 0;
    struct array_walk walk = array_open(cell);
    size_t count = 0;
    while (count < max && array_next(&walk, &texts[count], &lens[count]))
        count++;
    return count;
}

static const char *error_field(const struct db_result *result, int field, const char *fallback)
{
    const char *text = PQresultErrorField(result->pg, field);
    return text ? text : fallback;
}

bool db_refused_data(const char *sqlstate)
{
    return strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0 ||
           strncmp(sqlstate, "54", 2) == 0;
}

const char *db_sqlstate(const struct db_result *result)
{
    return error_field(result, PG_DIAG_SQLSTATE, "     ");
}

const char *db_message(const struct db_result *result)
{
    return error_field(result, PG_DIAG_MESSAGE_PRIMARY, "no message");
}
