/*
 * libpq.c: the calls of libpq that common/db_conn.c works with, of which the n-th fails as libpq would say it (failing.h). What
 * libpq has for an answer is thrown away then and an error without a code stands in its place: nobody knows what was done.
 */
#include <dlfcn.h>
#include <libpq-fe.h>
#include <stdint.h>

#include "failing.h"

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

#define REAL(type, name) ((type)(uintptr_t)real(name))

PostgresPollingStatusType PQconnectPoll(PGconn *conn)
{
    if (failing_due(FAILING_LIBPQ, "PQconnectPoll"))
        return PGRES_POLLING_FAILED;
    return REAL(PostgresPollingStatusType(*)(PGconn *), "PQconnectPoll")(conn);
}

int PQsetnonblocking(PGconn *conn, int arg)
{
    if (failing_due(FAILING_LIBPQ, "PQsetnonblocking"))
        return -1;
    return REAL(int (*)(PGconn *, int), "PQsetnonblocking")(conn, arg);
}

int PQenterPipelineMode(PGconn *conn)
{
    return failing_due(FAILING_LIBPQ, "PQenterPipelineMode")
               ? 0
               : REAL(int (*)(PGconn *), "PQenterPipelineMode")(conn);
}

int PQsendQueryParams(PGconn *conn, const char *command, int count, const Oid *types,
                      const char *const *values, const int *lengths, const int *formats, int format)
{
    if (failing_due(FAILING_LIBPQ, "PQsendQueryParams"))
        return 0;
    return REAL(
        int (*)(PGconn *, const char *, int, const Oid *, const char *const *, const int *, const int *, int),
        "PQsendQueryParams")(conn, command, count, types, values, lengths, formats, format);
}

int PQpipelineSync(PGconn *conn)
{
    return failing_due(FAILING_LIBPQ, "PQpipelineSync") ? 0 : REAL(int (*)(PGconn *), "PQpipelineSync")(conn);
}

int PQflush(PGconn *conn)
{
    return failing_due(FAILING_LIBPQ, "PQflush") ? -1 : REAL(int (*)(PGconn *), "PQflush")(conn);
}

int PQconsumeInput(PGconn *conn)
{
    return failing_due(FAILING_LIBPQ, "PQconsumeInput") ? 0 : REAL(int (*)(PGconn *), "PQconsumeInput")(conn);
}

/* The answer to a Sync is left: without it libpq and its user would count differently, which no failure brings about. */
PGresult *PQgetResult(PGconn *conn)
{
    PGresult *result = REAL(PGresult * (*)(PGconn *), "PQgetResult")(conn);
    if (!result || PQresultStatus(result) == PGRES_PIPELINE_SYNC ||
        !failing_due(FAILING_LIBPQ, "PQgetResult"))
        return result;
    PQclear(result);
    return PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR);
}
