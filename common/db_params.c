/*
 * db_params.c: parameters and arrays, written directly in PostgreSQL's binary form while they are added.
 *
 * Array on the wire (src/backend/utils/adt/arrayfuncs.c, array_recv): int32 dimensions, int32 has-null flag, oid of the
 * element; per dimension int32 size and int32 lower bound; then each element as int32 length (-1: null) and its bytes. An
 * empty array has no dimension. The count and the flag are patched when the statement is sent.
 */
#include <endian.h>
#include <limits.h>
#include <string.h>

#include "buf.h"
#include "db_internal.h"
#include "log.h"
#include "mem.h"

#define VALUE_MAX (1024 * 1024 * 1024 - 1) /* PostgreSQL's own limit of one value */
#define ARRAY_HEADER 20
#define ARRAY_HEADER_EMPTY 12
#define EPOCH_2000_MS INT64_C(946684800000)

struct db_array {
    enum db_type element;
    struct buf data;
    uint32_t count;
    bool has_null;
};

struct db_param {
    unsigned type;
    int length; /* -1: null; arrays: not used */
    size_t offset;
    struct db_array *array;
};

struct db_params {
    struct buf data; /* all values but arrays */
    struct db_param *list;
    size_t count;
    size_t capacity;
    struct db_wire wire;
};

static const struct {
    unsigned scalar; /* oids from pg_type.dat; they never change */
    unsigned array;
} type_oids[] = {
    [DB_UUID] = {2950, 2951}, [DB_INT8] = {20, 1016},  [DB_INT4] = {23, 1007}, [DB_INT2] = {21, 1005},
    [DB_TEXT] = {25, 1009},   [DB_BYTEA] = {17, 1001}, [DB_BOOL] = {16, 1000}, [DB_TIME] = {1184, 1185},
};

struct db_params *db_params_new(void)
{
    struct db_params *params = mem_alloc(sizeof(*params));
    buf_init(&params->data);
    return params;
}

static void wire_release(struct db_wire *wire)
{
    free(wire->types);
    free(wire->values);
    free(wire->lengths);
    free(wire->formats);
    memset(wire, 0, sizeof(*wire));
}

void db_params_free(struct db_params **params)
{
    if (!*params)
        return;
    for (size_t i = 0; i < (*params)->count; i++) {
        struct db_array *array = (*params)->list[i].array;
        if (array)
            buf_release(&array->data);
        free(array);
    }
    wire_release(&(*params)->wire);
    buf_release(&(*params)->data);
    free((*params)->list);
    free(*params);
    *params = NULL;
}

static struct db_param *param_add(struct db_params *params, unsigned type)
{
    if (params->count == params->capacity) {
        params->capacity = params->capacity ? params->capacity * 2 : 8;
        params->list = mem_realloc(params->list, params->capacity * sizeof(*params->list));
    }
    struct db_param *param = &params->list[params->count++];
    *param = (struct db_param){.type = type, .length = -1};
    return param;
}

static void param_bytes(struct db_params *params, enum db_type type, const void *data, size_t len)
{
    if (len > VALUE_MAX)
        bug("a parameter of %zu bytes", len);
    struct db_param *param = param_add(params, type_oids[type].scalar);
    param->offset = params->data.len;
    param->length = (int)len;
    buf_add(&params->data, data, len);
}

/* Microseconds since 2000, as timestamptz is stored. */
static int64_t time_to_wire(int64_t unix_ms)
{
    if (unix_ms > INT64_MAX / 1000 || unix_ms < INT64_MIN / 1000 + EPOCH_2000_MS)
        bug("a time of %lld ms cannot be stored", (long long)unix_ms);
    return (int64_t)htobe64((uint64_t)((unix_ms - EPOCH_2000_MS) * 1000));
}

void db_add_null(struct db_params *params, enum db_type type)
{
    param_add(params, type_oids[type].scalar);
}

void db_add_int(struct db_params *params, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    param_bytes(params, DB_INT8, &wire, sizeof(wire));
}

void db_add_bool(struct db_params *params, bool value)
{
    param_bytes(params, DB_BOOL, value ? "\1" : "\0", 1);
}

void db_add_text(struct db_params *params, const char *text)
{
    if (text)
        param_bytes(params, DB_TEXT, text, strlen(text));
    else
        db_add_null(params, DB_TEXT);
}

void db_add_text_len(struct db_params *params, const char *text, size_t len)
{
    param_bytes(params, DB_TEXT, text, len);
}

void db_add_uuid(struct db_params *params, const struct uuid *uuid)
{
    if (uuid)
        param_bytes(params, DB_UUID, uuid->bytes, sizeof(uuid->bytes));
    else
        db_add_null(params, DB_UUID);
}

void db_add_bytes(struct db_params *params, const void *data, size_t len)
{
    param_bytes(params, DB_BYTEA, data, len);
}

void db_add_time(struct db_params *params, int64_t unix_ms)
{
    if (unix_ms == INT64_MIN) { /* what db_get_time_ms gives for null */
        db_add_null(params, DB_TIME);
        return;
    }
    int64_t wire = time_to_wire(unix_ms);
    param_bytes(params, DB_TIME, &wire, sizeof(wire));
}

struct db_array *db_add_array(struct db_params *params, enum db_type element)
{
    struct db_array *array = mem_alloc(sizeof(*array));
    array->element = element;
    buf_init(&array->data);
    uint32_t header[ARRAY_HEADER / 4] = {htobe32(1), 0, htobe32(type_oids[element].scalar), 0, htobe32(1)};
    buf_add(&array->data, header, sizeof(header));
    param_add(params, type_oids[element].array)->array = array;
    return array;
}

static void array_element(struct db_array *array, const void *data, size_t len)
{
    if (len > VALUE_MAX - array->data.len)
        bug("an array of more than a gigabyte");
    uint32_t length = htobe32((uint32_t)len);
    buf_add(&array->data, &length, sizeof(length));
    buf_add(&array->data, data, len);
    array->count++;
}

static void array_check(const struct db_array *array, enum db_type type)
{
    if (array->element != type)
        bug("an element of type %d in an array of type %d", (int)type, (int)array->element);
}

void db_array_null(struct db_array *array)
{
    static const uint32_t null = UINT32_MAX;
    buf_add(&array->data, &null, sizeof(null));
    array->has_null = true;
    array->count++;
}

void db_array_int(struct db_array *array, int64_t value)
{
    if (array->element == DB_INT8) {
        uint64_t wire = htobe64((uint64_t)value);
        array_element(array, &wire, sizeof(wire));
    } else if (array->element == DB_INT4 && value >= INT32_MIN && value <= INT32_MAX) {
        uint32_t wire = htobe32((uint32_t)(int32_t)value);
        array_element(array, &wire, sizeof(wire));
    } else if (array->element == DB_INT2 && value >= INT16_MIN && value <= INT16_MAX) {
        uint16_t wire = htobe16((uint16_t)(int16_t)value);
        array_element(array, &wire, sizeof(wire));
    } else {
        bug("%lld in an array of type %d", (long long)value, (int)array->element);
    }
}

void db_array_bool(struct db_array *array, bool value)
{
    array_check(array, DB_BOOL);
    array_element(array, value ? "\1" : "\0", 1);
}

void db_array_text(struct db_array *array, const char *text)
{
    if (text)
        db_array_text_len(array, text, strlen(text));
    else
        db_array_null(array);
}

void db_array_text_len(struct db_array *array, const char *text, size_t len)
{
    array_check(array, DB_TEXT);
    array_element(array, text, len);
}

void db_array_uuid(struct db_array *array, const struct uuid *uuid)
{
    array_check(array, DB_UUID);
    if (uuid)
        array_element(array, uuid->bytes, sizeof(uuid->bytes));
    else
        db_array_null(array);
}

void db_array_bytes(struct db_array *array, const void *data, size_t len)
{
    array_check(array, DB_BYTEA);
    array_element(array, data, len);
}

void db_array_time(struct db_array *array, int64_t unix_ms)
{
    array_check(array, DB_TIME);
    if (unix_ms == INT64_MIN) {
        db_array_null(array);
        return;
    }
    int64_t wire = time_to_wire(unix_ms);
    array_element(array, &wire, sizeof(wire));
}

size_t db_array_count(const struct db_array *array)
{
    return array->count;
}

/* Fills in what is known only now; the length to send. */
static int array_seal(struct db_array *array)
{
    uint32_t header[4] = {htobe32(array->count ? 1 : 0), htobe32(array->has_null ? 1 : 0),
                          htobe32(type_oids[array->element].scalar), htobe32(array->count)};
    memcpy(array->data.data, header, sizeof(header));
    return array->count ? (int)array->data.len : ARRAY_HEADER_EMPTY;
}

const struct db_wire *db_params_wire(struct db_params *params)
{
    struct db_wire *wire = &params->wire;
    wire_release(wire);
    size_t count = params->count;
    wire->count = (int)count;
    wire->types = mem_array(count + 1, sizeof(*wire->types));
    wire->values = mem_array(count + 1, sizeof(*wire->values));
    wire->lengths = mem_array(count + 1, sizeof(*wire->lengths));
    wire->formats = mem_array(count + 1, sizeof(*wire->formats));
    for (size_t i = 0; i < count; i++) {
        struct db_param *param = &params->list[i];
        wire->types[i] = param->type;
        wire->formats[i] = 1;
        if (param->array) {
            wire->lengths[i] = array_seal(param->array);
            wire->values[i] = param->array->data.data;
        } else if (param->length >= 0) {
            wire->lengths[i] = param->length;
            wire->values[i] = params->data.data + param->offset;
        }
    }
    return wire;
}
