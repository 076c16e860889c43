/* fake_db.c: db.h in memory: parameters, results, and statements that take their time. See simulation.h. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "simulation.h"

/* ── parameters ── */

struct db_params *db_params_new(void)
{
    return mem_alloc(sizeof(struct db_params));
}

void db_params_free(struct db_params **paramsp)
{
    struct db_params *params = *paramsp;

    if (!params)
        return;
    for (size_t i = 0; i < params->count; i++) {
        struct db_array *array = &params->arrays[i];
        for (size_t k = 0; k < array->count; k++)
            free((char *)array->cells[k].text);
        free(array->cells);
    }
    free(params);
    *paramsp = NULL;
}

struct db_array *db_add_array(struct db_params *params, enum db_type element)
{
    if (params->count == sizeof params->arrays / sizeof *params->arrays)
        bug("more parameters than the simulation has room for");
    params->arrays[params->count].type = element;
    return &params->arrays[params->count++];
}

static struct cell *add(struct db_array *array)
{
    if (array->count == array->cap) {
        array->cap = array->cap ? 2 * array->cap : 4;
        array->cells = mem_realloc(array->cells, array->cap * sizeof *array->cells);
    }
    array->cells[array->count] = (struct cell){0};
    return &array->cells[array->count++];
}

static void add_bytes(struct db_array *array, const void *bytes, size_t len)
{
    struct cell *cell = add(array);

    cell->text = bytes_copy(bytes, len);
    cell->len = len;
}

void db_array_null(struct db_array *array)
{
    add(array)->null = true;
}

void db_array_int(struct db_array *array, int64_t value)
{
    add(array)->number = value;
}

void db_array_bool(struct db_array *array, bool value)
{
    add(array)->number = value;
}

void db_array_text(struct db_array *array, const char *text)
{
    if (text)
        add_bytes(array, text, strlen(text));
    else
        db_array_null(array);
}

void db_array_text_len(struct db_array *array, const char *text, size_t len)
{
    add_bytes(array, text, len);
}

void db_array_uuid(struct db_array *array, const struct uuid *uuid)
{
    if (uuid)
        add_bytes(array, uuid->bytes, sizeof uuid->bytes);
    else
        db_array_null(array);
}

void db_array_bytes(struct db_array *array, const void *data, size_t len)
{
    add_bytes(array, data, len);
}

void db_array_time(struct db_array *array, int64_t unix_ms)
{
    add(array)->number = unix_ms;
}

size_t db_array_count(const struct db_array *array)
{
    return array->count;
}

void db_add_int(struct db_params *params, int64_t value)
{
    db_array_int(db_add_array(params, DB_INT8), value);
}

void db_add_bool(struct db_params *params, bool value)
{
    db_array_bool(db_add_array(params, DB_BOOL), value);
}

void db_add_text(struct db_params *params, const char *text)
{
    db_array_text(db_add_array(params, DB_TEXT), text);
}

void db_add_uuid(struct db_params *params, const struct uuid *uuid)
{
    db_array_uuid(db_add_array(params, DB_UUID), uuid);
}

/* ── results ── */

struct db_result *result_new(const char *const *names, int columns)
{
    struct db_result *result = mem_alloc(sizeof *result);

    result->names = names;
    result->columns = columns + 1; /* the last one: of whatever the model knows nothing, null */
    return result;
}

struct cell *result_row(struct db_result *result)
{
    struct cell *row;

    if (result->rows == result->cap) {
        result->cap = result->cap ? 2 * result->cap : 4;
        result->cells =
            mem_realloc(result->cells, result->cap * (size_t)result->columns * sizeof *result->cells);
    }
    row = &result->cells[result->rows++ * (size_t)result->columns];
    for (int i = 0; i < result->columns; i++)
        row[i] = (struct cell){.null = true};
    return row;
}

void cell_int(struct cell *cell, int64_t value)
{
    cell->null = false;
    cell->number = value;
}

void cell_text(struct cell *cell, const char *text)
{
    cell_bytes(cell, text, text ? strlen(text) : 0);
}

void cell_bytes(struct cell *cell, const char *bytes, size_t len)
{
    cell->null = bytes == NULL;
    cell->text = bytes;
    cell->len = len;
}

void cell_uuid(struct cell *cell, const struct uuid *uuid)
{
    cell_bytes(cell, (const char *)uuid->bytes, sizeof uuid->bytes);
}

static void result_free(struct db_result *result)
{
    if (result)
        free(result->cells);
    free(result);
}

size_t db_rows(const struct db_result *result)
{
    return result->rows;
}

/* Names are literals: where one stands is remembered by its address. A column that the models lack is null. */
int db_column(const struct db_result *result, const char *name)
{
    static struct {
        const char *name;
        const char *const *names;
        int column;
    } known[1024];
    size_t at = (((uintptr_t)name >> 1) ^ ((uintptr_t)result->names >> 3)) & 1023;

    if (known[at].name == name && known[at].names == result->names)
        return known[at].column;
    for (int i = 0; i < result->columns; i++)
        if (i + 1 == result->columns || strcmp(result->names[i], name) == 0) {
            known[at].name = name;
            known[at].names = result->names;
            known[at].column = i;
            return i;
        }
    bug("no column %s", name);
}

static const struct cell *cell_at(const struct db_result *result, size_t row, int column)
{
    return &result->cells[row * (size_t)result->columns + (size_t)column];
}

bool db_is_null(const struct db_result *result, size_t row, int column)
{
    return cell_at(result, row, column)->null;
}

int64_t db_get_int(const struct db_result *result, size_t row, int column)
{
    return cell_at(result, row, column)->number;
}

bool db_get_bool(const struct db_result *result, size_t row, int column)
{
    return cell_at(result, row, column)->number != 0;
}

const char *db_get_text(const struct db_result *result, size_t row, int column, size_t *len)
{
    const struct cell *cell = cell_at(result, row, column);

    if (len)
        *len = cell->len;
    return cell->null ? NULL : cell->text;
}

const void *db_get_bytes(const struct db_result *result, size_t row, int column, size_t *len)
{
    return db_get_text(result, row, column, len);
}

int db_get_uuid(const struct db_result *result, size_t row, int column, struct uuid *uuid)
{
    const struct cell *cell = cell_at(result, row, column);

    if (cell->null)
        return -1;
    memcpy(uuid->bytes, cell->text, sizeof uuid->bytes);
    return 0;
}

int64_t db_get_time_ms(const struct db_result *result, size_t row, int column)
{
    const struct cell *cell = cell_at(result, row, column);

    return cell->null ? INT64_MIN : cell->number;
}

const char *db_sqlstate(const struct db_result *result)
{
    return result->sqlstate;
}

bool db_refused_data(const char *sqlstate)
{
    (void)sqlstate;
    return false; /* nothing here is refused for its data */
}

const char *db_message(const struct db_result *result)
{
    (void)result;
    return "as the simulation wants it";
}

/* ── statements ── */

struct statement {
    struct process *process;
    const char *sql;
    struct db_params *params;
    db_cb callback;
    void *arg;
    bool executed;
    enum db_status status;
    struct db_result *result;
};
static struct statement *statements;
static size_t count, cap, waiting; /* of count: not executed */

void db_reset(void)
{
    statements = NULL;
    count = cap = waiting = 0;
}

size_t db_in_flight(void)
{
    return count;
}

void db_query(struct db *db, enum db_role role, const char *sql, struct db_params *params, db_cb callback,
              void *arg)
{
    (void)role;
    if (count == cap) {
        cap = cap ? 2 * cap : 16;
        statements = mem_realloc(statements, cap * sizeof *statements);
    }
    statements[count++] = (struct statement){
        .process = (struct process *)db, .sql = sql, .params = params, .callback = callback, .arg = arg};
    waiting++;
}

static struct statement *pick(bool executed)
{
    size_t matching = executed ? count - waiting : waiting, nth;

    if (matching == 0)
        return NULL;
    nth = chance_below((unsigned)matching);
    for (size_t i = 0; i < count; i++)
        if (statements[i].executed == executed && nth-- == 0)
            return &statements[i];
    return NULL;
}

static void run(struct statement *statement)
{
    statement->result = tables_run(statement->sql, statement->params);
    if (statement->result && statement->result->sqlstate)
        statement->status = DB_REFUSED;
}

static void forget_result(struct statement *statement)
{
    result_free(statement->result);
    statement->result = NULL;
}

bool db_step_execute(void)
{
    struct statement *statement = pick(false);
    bool faulty = (world.options.faults & FAULT_DATABASE) && !world.healing;

    if (!statement)
        return false;
    statement->executed = true;
    statement->status = DB_OK;
    waiting--;
    if (faulty && chance_in(60)) { /* the connection is lost before it */
        statement->status = chance_in(2) ? DB_AWAY : DB_UNKNOWN;
        tell("a statement of %s is lost", statement->process->instance);
    } else {
        run(statement);
        if (faulty && statement->status == DB_OK && chance_in(60)) { /* or behind it */
            statement->status = DB_UNKNOWN;
            forget_result(statement);
            tell("a statement of %s is done, and its answer lost", statement->process->instance);
        }
    }
    db_params_free(&statement->params);
    return true;
}

bool db_step_answer(void)
{
    struct statement *picked = pick(true), statement;

    if (!picked)
        return false;
    statement = *picked;
    *picked = statements[--count];
    if (!statement.process->dead)
        statement.callback(statement.status, statement.result, statement.arg);
    forget_result(&statement);
    return true;
}

/* What was sent is done all the same, or not: nobody waits for it. */
void db_forget(const struct process *process)
{
    for (size_t i = 0; i < count;)
        if (statements[i].process == process && (statements[i].executed || chance_in(2))) {
            waiting -= !statements[i].executed;
            statements[i] = statements[--count];
        } else {
            i++;
        }
}
