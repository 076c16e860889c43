/*
 * migrate.c: brings the tables to this program's state, or says in one sentence why not; see migrate.h.
 *
 * A migration says in a comment line of its text (`-- min_reader: 4`) that older programs can no longer work with the tables;
 * without the line they can. A migration and its row in schema_migrations share the transaction, as do the first one and the
 * settings that hold for ever. What is next is decided under the lock only.
 */
#include "migrate.h"

#include <string.h>

#include "db_session.h"
#include "digest.h"
#include "log.h"
#include "mem.h"
#include "sql.h"

#define TRIES 5
#define MIN_READER "-- min_reader:"

enum outcome { DONE, BEHIND, AGAIN, LATER, REFUSED };

struct run {
    struct db_session *session;
    int64_t partitions;
    struct buf error;
    int number; /* newest migration in the database; 0: none */
};

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
    bug("no migration after %d", number);
}

static bool state_is(const struct run *run, const char *state)
{
    return !strcmp(db_session_sqlstate(run->session), state);
}

static bool state_in(const struct run *run, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (!strncmp(db_session_sqlstate(run->session), *prefixes, strlen(*prefixes)))
            return true;
    return false;
}

/* The sentence for a login without the rights. The catalogue is asked, as the server's words depend on its language. */
static void explain_rights(struct run *run, const char *what, const char *refused)
{
    if (db_session_ask(run->session, sql_migrate_rights, 0, NULL, 0) < 0 ||
        !db_session_value(run->session, 0)) {
        buf_addf(&run->error, "PostgreSQL refuses %s: %s", what, refused);
        return;
    }
    const char *login = db_session_value(run->session, 0), *schema = db_session_value(run->session, 1);
    bool creates = *db_session_value(run->session, 2) == '1',
         makes_roles = *db_session_value(run->session, 3) == '1';
    bool roles_exist = *db_session_value(run->session, 4) == '2',
         is_admin = *db_session_value(run->session, 5) == '2';
    if (!*schema)
        buf_addf(&run->error,
                 "The database has no schema for the tables: run CREATE SCHEMA public AUTHORIZATION \"%s\"",
                 login);
    else if (!creates)
        buf_addf(
            &run->error,
            "DATABASE_URL's login may not create tables: run GRANT CREATE ON SCHEMA \"%s\" TO \"%s\", or "
            "make it the owner of the database",
            schema, login);
    else if (roles_exist && !is_admin)
        buf_addf(
            &run->error,
            "DATABASE_URL's login may not grant the roles sync_writer and sync_reader: run, as a superuser, "
            "ALTER ROLE \"%s\" CREATEROLE; GRANT sync_writer, sync_reader TO \"%s\" WITH ADMIN OPTION",
            login, login);
    else if (!makes_roles)
        buf_addf(
            &run->error,
            "DATABASE_URL's login may not create the roles sync_writer and sync_reader: run, as a superuser, "
            "ALTER ROLE \"%s\" CREATEROLE",
            login);
    else
        buf_addf(&run->error, "PostgreSQL refuses %s to DATABASE_URL's login %s: %s", what, login, refused);
}

/* The verdict on a statement that failed. What passes by itself is tried later; the rest needs a person. */
static enum outcome failed(struct run *run, const char *what)
{
    static const char *const passing[] = {"08", "53", "57", "55P03", "25006", NULL};
    static const char *const raced[] = {"23505", "42710", "42723",
                                        "XX000", "40",    NULL}; /* another database makes the same roles */
    bool later = db_session_lost(run->session) || state_in(run, passing), again = state_in(run, raced);
    bool rights = state_is(run, "42501");
    char message[256];
    snprintf(message, sizeof(message), "%s", db_session_message(run->session));
    if (later) {
        buf_addf(&run->error, "PostgreSQL cannot do %s now: %s", what, message);
        return LATER;
    }
    db_session_rollback(run->session);
    if (rights)
        explain_rights(run, what, message);
    else
        buf_addf(&run->error, "PostgreSQL refuses %s: %s (%s)", what, message,
                 db_session_sqlstate(run->session));
    return again ? AGAIN : REFUSED;
}

static enum outcome check_partitions(struct run *run)
{
    if (db_session_ask(run->session, sql_migrate_partitions, 0, NULL, 0) < 0)
        return failed(run, "reading the settings");
    const char *stored = db_session_value(run->session, 0);
    if (stored && strtoll(stored, NULL, 10) == run->partitions)
        return DONE;
    if (stored)
        buf_addf(&run->error,
                 "PARTITIONS is %lld, but this database was initialised with %s: set PARTITIONS=%s",
                 (long long)run->partitions, stored, stored);
    else
        buf_add_str(&run->error,
                    "The database does not say its number of partitions: restore the table settings");
    return REFUSED;
}

static enum outcome look(struct run *run)
{
    if (db_session_ask(run->session, sql_migrate_state, 0, NULL, 0) < 0) {
        if (state_is(run, "42P01")) /* no such table: a new database */
            return BEHIND;
        if (!state_is(run, "42703")) /* no such column */
            return failed(run, "reading schema_migrations");
        buf_add_str(&run->error,
                    "The database has a table schema_migrations of another program: give this service a "
                    "database of its own");
        return REFUSED;
    }
    run->number = (int)strtol(db_session_value(run->session, 0), NULL, 10);
    int min_reader = (int)strtol(db_session_value(run->session, 1), NULL, 10);
    if (min_reader > newest_known()) {
        buf_addf(
            &run->error,
            "The database asks for programs that know migration %d, and this one knows %d at most: install "
            "the newer release",
            min_reader, newest_known());
        return REFUSED;
    }
    enum outcome partitions = run->number > 0 ? check_partitions(run) : DONE;
    if (partitions != DONE)
        return partitions;
    return run->number < newest_known() ? BEHIND : DONE;
}

static int note(struct run *run, const struct migration *migration)
{
    char number[16], min_reader[24];
    const char *line = strstr(migration->sql, MIN_READER);
    snprintf(number, sizeof(number), "%d", migration->number);
    if (line)
        snprintf(min_reader, sizeof(min_reader), "%ld", strtol(line + strlen(MIN_READER), NULL, 10));
    const char *values[] = {number, migration->name, line ? min_reader : NULL};
    return db_session_ask(run->session, sql_migrate_note, 3, values, 0);
}

static int write_settings(struct run *run)
{
    char partitions[24], key[32];
    snprintf(partitions, sizeof(partitions), "%lld", (long long)run->partitions);
    digest_random(key, sizeof(key));
    const char *values[] = {partitions, key};
    return db_session_ask(run->session, sql_migrate_settings, 2, values, sizeof(key));
}

static enum outcome apply_next(struct run *run)
{
    struct db_session *session = run->session;
    if (db_session_run(session, sql_migrate_begin) < 0 || db_session_run(session, sql_migrate_table) < 0)
        return failed(run, "the start of a migration");
    enum outcome state = look(run);
    if (state != BEHIND)
        return state; /* another process was faster: the lock goes with the connection */
    const struct migration *next = migration_after(run->number);
    char what[128];
    snprintf(what, sizeof(what), "migration %s", next->name);
    if (db_session_run(session, next->sql) < 0 || note(run, next) < 0 ||
        (run->number == 0 && write_settings(run) < 0) || db_session_run(session, "commit") < 0)
        return failed(run, what);
    log_info("database migrated", LOG_INT("number", next->number), LOG_STR("name", next->name));
    return BEHIND;
}

static enum outcome migrate(struct run *run)
{
    enum outcome state = look(run);
    for (int tries = 0; state == BEHIND || (state == AGAIN && ++tries < TRIES);) {
        buf_reset(&run->error);
        state = apply_next(run);
    }
    return state;
}

static enum outcome make_function(struct run *run, const struct migration *function)
{
    struct db_session *session = run->session;
    const char *values[] = {function->name};
    if (db_session_ask(session, sql_migrate_function, 1, values, 0) < 0)
        return failed(run, "looking for a function");
    if (db_session_value(session, 0))
        return DONE;
    if (db_session_run(session, sql_migrate_begin) < 0 ||
        db_session_ask(session, sql_migrate_function, 1, values, 0) < 0)
        return failed(run, "the start of a function");
    if (!db_session_value(session, 0) && db_session_run(session, function->sql) < 0)
        return failed(run, function->name);
    return db_session_run(session, "commit") < 0 ? failed(run, function->name) : DONE;
}

static enum outcome make_functions(struct run *run)
{
    enum outcome state = DONE;
    db_session_rollback(
        run->session); /* another process was faster with the last migration: its lock is still held */
    for (const struct migration *f = functions; f->sql && state == DONE; f++)
        for (int tries = 0; (state = make_function(run, f)) == AGAIN && ++tries < TRIES;)
            buf_reset(&run->error);
    return state;
}

int migrate_run(const char *url, int64_t partitions, struct buf *error)
{
    if (!db_url_valid(url)) {
        buf_add_str(error,
                    "DATABASE_URL cannot be read: write it as postgresql://user:password@host:5432/database");
        return -1;
    }
    struct run run = {
        .session = db_session_open(url, "migrate", error), .partitions = partitions, .error = BUF_INIT};
    if (!run.session)
        return 1;
    enum outcome outcome = migrate(&run);
    if (outcome == DONE)
        outcome = make_functions(&run);
    if (outcome != DONE)
        buf_add(error, run.error.data, run.error.len);
    buf_release(&run.error);
    db_session_close(&run.session);
    return outcome == DONE ? 0 : outcome == LATER ? 1 : -1;
}
