/*
 * migrate.c: brings the tables to this program's state, or says in one sentence why not; see migrate.h.
 *
 * Blocking, and therefore with libpq of its own instead of db's: it runs before the loop, for programs that do nothing before
 * the tables are there. A migration says in a comment line of its text (`-- min_reader: 4`) that older programs can no longer
 * work with the tables; without the line they can. A migration and its row in schema_migrations share the transaction, as do
 * the first one and the settings that hold for ever.
 */
#include "migrate.h"

#include <libpq-fe.h>
#include <string.h>

#include "digest.h"
#include "log.h"
#include "mem.h"
#include "sql.h"

#define TRIES 5
#define MIN_READER "-- min_reader:"

enum outcome { DONE, BEHIND, AGAIN, LATER, REFUSED };

struct run {
    PGconn *pg;
    int64_t partitions;
    struct buf *error;
    int number;        /* newest migration in the database; 0: none */
    char sqlstate[6];  /* of the last statement, "" when it succeeded or the connection was lost */
    char message[256];
};

static void on_notice(void *arg, const PGresult *result)
{
    (void)arg, (void)result;
}

static PGresult *keep_error(struct run *run, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    run->sqlstate[0] = run->message[0] = '\0';
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return result;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    snprintf(run->sqlstate, sizeof(run->sqlstate), "%s", state ? state : "");
    snprintf(run->message, sizeof(run->message), "%s", message ? message : "the connection was lost");
    PQclear(result);
    return NULL;
}

static int execute(struct run *run, const char *sql)
{
    PGresult *result = keep_error(run, PQexec(run->pg, sql));
    PQclear(result);
    return result ? 0 : -1;
}

/* Values are text but the last when binary_len is given. NULL: failed. */
static PGresult *ask(struct run *run, const char *sql, int count, const char *const *values, int binary_len)
{
    int lengths[3] = {0}, formats[3] = {0};
    if (binary_len) {
        lengths[count - 1] = binary_len;
        formats[count - 1] = 1;
    }
    return keep_error(run, PQexecParams(run->pg, sql, count, NULL, values, lengths, formats, 0));
}

static int tell(struct run *run, const char *sql, int count, const char *const *values, int binary_len)
{
    PGresult *result = ask(run, sql, count, values, binary_len);
    PQclear(result);
    return result ? 0 : -1;
}

static int newest_known(void)
{
    int newest = 0;
    for (const struct migration *m = migrations; m->sql; m++)
        newest = m->number;
    return newest;
}

static const struct migration *migration_after(int number)
{
    for (const struct migration *m = migrations; m->sql; m++)
        if (m->number > number)
            return m;
    return NULL;
}

static bool state_in(const struct run *run, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (!strncmp(run->sqlstate, *prefixes, strlen(*prefixes)))
            return true;
    return false;
}

/* The sentence for a login without the rights. The catalogue is asked, as the server's words depend on its language. */
static void explain_rights(struct run *run, const char *what)
{
    char refused[sizeof(run->message)];
    memcpy(refused, run->message, sizeof(refused));
    PGresult *rights = ask(run, sql_migrate_rights, 0, NULL, 0);
    if (!rights || PQntuples(rights) == 0) {
        buf_addf(run->error, "PostgreSQL refuses %s: %s", what, refused);
        PQclear(rights);
        return;
    }
    const char *login = PQgetvalue(rights, 0, 0), *schema = PQgetvalue(rights, 0, 1);
    bool creates = *PQgetvalue(rights, 0, 2) == '1', makes_roles = *PQgetvalue(rights, 0, 3) == '1';
    bool roles_exist = *PQgetvalue(rights, 0, 4) == '2', is_admin = *PQgetvalue(rights, 0, 5) == '2';
    if (!*schema)
        buf_addf(run->error, "The database has no schema for the tables: run CREATE SCHEMA public AUTHORIZATION \"%s\"", login);
    else if (!creates)
        buf_addf(run->error, "DATABASE_URL's login may not create tables: run GRANT CREATE ON SCHEMA \"%s\" TO \"%s\", or "
                 "make it the owner of the database", schema, login);
    else if (roles_exist && !is_admin)
        buf_addf(run->error, "DATABASE_URL's login may not grant the roles sync_writer and sync_reader: run, as a superuser, "
                 "ALTER ROLE \"%s\" CREATEROLE; GRANT sync_writer, sync_reader TO \"%s\" WITH ADMIN OPTION", login, login);
    else if (!makes_roles)
        buf_addf(run->error, "DATABASE_URL's login may not create the roles sync_writer and sync_reader: run, as a superuser, "
                 "ALTER ROLE \"%s\" CREATEROLE", login);
    else
        buf_addf(run->error, "PostgreSQL refuses %s to DATABASE_URL's login %s: %s", what, login, refused);
    PQclear(rights);
}

/* The verdict on a statement that failed. What passes by itself is tried later; the rest needs a person. */
static enum outcome failed(struct run *run, const char *what)
{
    static const char *const passing[] = {"08", "53", "57", "55P03", "25006", NULL};
    static const char *const raced[] = {"23505", "42710", "XX000", "40", NULL}; /* another database makes the same roles */
    if (PQstatus(run->pg) == CONNECTION_BAD || state_in(run, passing)) {
        buf_addf(run->error, "PostgreSQL cannot do %s now: %s", what, run->message);
        return LATER;
    }
    if (PQtransactionStatus(run->pg) != PQTRANS_IDLE)
        PQclear(PQexec(run->pg, "rollback"));
    if (!strcmp(run->sqlstate, "42501")) {
        explain_rights(run, what);
        return REFUSED;
    }
    buf_addf(run->error, "PostgreSQL refuses %s: %s (%s)", what, run->message, run->sqlstate);
    return state_in(run, raced) ? AGAIN : REFUSED;
}

static enum outcome check_partitions(struct run *run)
{
    PGresult *result = ask(run, sql_migrate_partitions, 0, NULL, 0);
    if (!result)
        return failed(run, "reading the settings");
    const char *stored = PQntuples(result) ? PQgetvalue(result, 0, 0) : "";
    bool same = strtoll(stored, NULL, 10) == run->partitions;
    if (!same && *stored)
        buf_addf(run->error, "PARTITIONS is %lld, but this database was initialised with %s: set PARTITIONS=%s",
                 (long long)run->partitions, stored, stored);
    else if (!same)
        buf_add_str(run->error, "The database does not say its number of partitions: restore the table settings");
    PQclear(result);
    return same ? DONE : REFUSED;
}

static enum outcome look(struct run *run)
{
    PGresult *result = ask(run, sql_migrate_state, 0, NULL, 0);
    if (!result && !strcmp(run->sqlstate, "42P01")) /* no such table: a new database */
        return BEHIND;
    if (!result && !strcmp(run->sqlstate, "42703")) { /* no such column */
        buf_add_str(run->error, "The database has a table schema_migrations of another program: give this service a database "
                                "of its own");
        return REFUSED;
    }
    if (!result)
        return failed(run, "reading schema_migrations");
    run->number = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    int min_reader = (int)strtol(PQgetvalue(result, 0, 1), NULL, 10);
    PQclear(result);
    if (min_reader > newest_known()) {
        buf_addf(run->error, "The database asks for programs that know migration %d, and this one knows %d at most: install "
                 "the newer release", min_reader, newest_known());
        return REFUSED;
    }
    enum outcome partitions = run->number > 0 ? check_partitions(run) : DONE;
    if (partitions != DONE)
        return partitions;
    return run->number < newest_known() ? BEHIND : DONE;
}

static int note(struct run *run, const struct migration *migration)
{
    char number[16], min_reader[16];
    const char *line = strstr(migration->sql, MIN_READER);
    snprintf(number, sizeof(number), "%d", migration->number);
    if (line)
        snprintf(min_reader, sizeof(min_reader), "%ld", strtol(line + strlen(MIN_READER), NULL, 10));
    const char *values[] = {number, migration->name, line ? min_reader : NULL};
    return tell(run, sql_migrate_note, 3, values, 0);
}

static int write_settings(struct run *run)
{
    char partitions[24], key[32];
    snprintf(partitions, sizeof(partitions), "%lld", (long long)run->partitions);
    digest_random(key, sizeof(key));
    const char *values[] = {partitions, key};
    return tell(run, sql_migrate_settings, 2, values, sizeof(key));
}

/* In the transaction of migrate_begin.sql: what is next is known only under the lock. */
static enum outcome apply_next(struct run *run)
{
    char what[128] = "the migration";
    if (execute(run, sql_migrate_begin) < 0 || execute(run, sql_migrate_table) < 0)
        return failed(run, "the start of a migration");
    enum outcome state = look(run);
    if (state != BEHIND)
        return state; /* another process was faster: the lock goes with the connection */
    const struct migration *next = migration_after(run->number);
    snprintf(what, sizeof(what), "migration %s", next->name);
    if (execute(run, next->sql) < 0 || note(run, next) < 0 || (run->number == 0 && write_settings(run) < 0) ||
        execute(run, "commit") < 0)
        return failed(run, what);
    log_info("database migrated", LOG_INT("number", next->number), LOG_STR("name", next->name));
    return BEHIND;
}

static enum outcome migrate(struct run *run)
{
    enum outcome state = look(run);
    for (int tries = 0; state == BEHIND || (state == AGAIN && ++tries < TRIES);) {
        buf_reset(run->error);
        state = apply_next(run);
    }
    return state;
}

static bool url_valid(const char *url)
{
    char *message = NULL; /* may quote the password: not shown */
    PQconninfoOption *options = PQconninfoParse(url, &message);
    PQfreemem(message);
    PQconninfoFree(options);
    return options != NULL;
}

int migrate_run(const char *url, int64_t partitions, struct buf *error)
{
    static const char *const names[] = {"application_name", "keepalives_idle", "tcp_user_timeout", "dbname",
                                        "connect_timeout", "client_encoding", NULL};
    const char *const values[] = {"migrate", "10", "10000", url, "2", "UTF8", NULL};
    if (!url_valid(url)) {
        buf_add_str(error, "DATABASE_URL cannot be read: write it as postgresql://user:password@host:5432/database");
        return -1;
    }
    struct buf sentence = BUF_INIT;
    struct run run = {.pg = PQconnectdbParams(names, values, 1), .partitions = partitions, .error = &sentence};
    enum outcome outcome = LATER;
    if (PQstatus(run.pg) == CONNECTION_OK) {
        PQsetNoticeReceiver(run.pg, on_notice, NULL);
        outcome = migrate(&run);
    } else {
        const char *why = PQerrorMessage(run.pg);
        buf_addf(&sentence, "PostgreSQL cannot be reached: %.*s", (int)strcspn(why, "\n"), why);
    }
    PQfinish(run.pg);
    if (outcome != DONE)
        buf_add(error, sentence.data, sentence.len);
    buf_release(&sentence);
    return outcome == DONE ? 0 : outcome == LATER ? 1 : -1;
}
