/* platform_impl.h: what the files of the platform share; nobody else includes it. */
#pragma once
#include "faults.h"
#include "platform.h"
#include "received.h"
#include "records.h"

struct platform {
    const char *name;
    struct buf secret; /* empty: signatures are not checked */
    struct records records;
    struct received *received;
    struct faults *faults;
    uint64_t operational; /* deliveries without a record; names them */
    size_t records_max;
    struct buf out;       /* the answer being made */
};

/* delivery.c */
void delivery_request(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                      const char *path_after_sync);
/* inspect.c: everything that is not a delivery */
void inspect_request(struct platform *platform, struct http_conn *conn, const struct http_request *request);

void platform_answer(struct platform *platform, struct http_conn *conn, int status); /* with what is in out */
void platform_answer_error(struct platform *platform, struct http_conn *conn, int status, const char *sentence);
