/*
 * db_session.c: a blocking connection; see db_session.h. One of the files of db that include libpq-fe.h (db_internal.h lists
 * them).
 */
#include "db_session.h"

#include <libpq-fe.h>
#include <string.h>

#include "log.h"
#include "mem.h"

struct db_session {
    PGconn *pg;
    PGresult *result; /* of the last statement; NULL: it failed */
    char sqlstate[6];
    char message[256];
};

static void on_notice(void *arg, const PGresult *result)
{
    (void)arg, (void)result;
}

bool db_url_valid(const char *url)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &message);
    PQfreemem(message);
    PQconninfoFree(options);
    return options != NULL;
}

struct db_session *db_session_open(const char *url, const char *name, struct buf *error)
{
    static const char *const names[] = {"application_name",
                                        "keepalives_idle",
                                        "tcp_user_timeout",
                                        "dbname",
                                        "connect_timeout",
                                        "client_encoding",
                                        NULL};
    const char *const values[] = {name, "10", "10000", url, "2", "UTF8", NULL};
    struct db_session *session = mem_alloc(sizeof(*session));
    session->pg = PQconnectdbParams(names, values, 1);
    if (PQstatus(session->pg) != CONNECTION_OK) {
        const char *why = PQerrorMessage(session->pg);
        buf_addf(error, "PostgreSQL cannot be reached: %.*s", (int)strcspn(why, "\n"), why);
        db_session_close(&session);
        return NULL;
    }
    PQsetNoticeReceiver(session->pg, on_notice, NULL);
    return session;
}

void db_session_close(struct db_session **session)
{
    if (!*session)
        return;
    PQclear((*session)->result);
    PQfinish((*session)->pg);
    free(*session);
    *session = NULL;
}

static int keep(struct db_session *session, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    PQclear(session->result);
    session->result = result;
    session->sqlstate[0] = session->message[0] = '\0';
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return 0;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    snprintf(session->sqlstate, sizeof(session->sqlstate), "%s", state ? state : "");
    snprintf(session->message, sizeof(session->message), "%s", message ? message : "the connection was lost");
    PQclear(result);
    session->result = NULL;
    return -1;
}

int db_session_run(struct db_session *session, const char *sql)
{
    return keep(session, PQexec(session->pg, sql));
}

int db_session_ask(struct db_session *session, const char *sql, int count, const char *const *values,
                   int binary_len)
{
    int lengths[8] = {0}, formats[8] = {0};
    if (count > 8)
        bug("a blocking statement with %d parameters", count);
    if (binary_len) {
        lengths[count - 1] = binary_len;
        formats[count - 1] = 1;
    }
    return keep(session, PQexecParams(session->pg, sql, count, NULL, values, lengths, formats, 0));
}

const char *db_session_value(const struct db_session *session, int column)
{
    const PGresult *result = session->result;
    if (!result || PQntuples(result) == 0 || PQgetisnull(result, 0, column))
        return NULL;
    return PQgetvalue(result, 0, column);
}

void db_session_rollback(struct db_session *session)
{
    if (PQtransactionStatus(session->pg) != PQTRANS_IDLE)
        PQclear(PQexec(session->pg, "rollback"));
}

const char *db_session_sqlstate(const struct db_session *session)
{
    return session->sqlstate;
}

const char *db_session_message(const struct db_session *session)
{
    return session->message;
}

bool db_session_lost(const struct db_session *session)
{
    return PQstatus(session->pg) == CONNECTION_BAD;
}
