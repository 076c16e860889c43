/* platform_impl.h: what the files of the platform share; nobody else includes it. */
#pragma once
#include "faults.h"
#include "platform.h"
#include "received.h"
#include "records.h"

#define LATE_MAX 64

/* delivery.c: one delivery, as a request of its own or as an item of a bulk. */
struct delivery {
    char entity[32];
    char operation[16];
    char path_id[256]; /* "" unless the path names the record */
    bool has_record;   /* false: analytics and operational data */
    struct json *body, *data;
    const char *tenant;
    const char *ids[8]; /* NULL-terminated */
    int64_t version;
    char order_key[600];
    const char *refusal; /* why it cannot be taken, or NULL */
    int refusal_status;
};

struct platform {
    const char *name;
    struct buf secret; /* empty: signatures are not checked */
    struct records records;
    struct received *received;
    struct faults *faults;
    uint64_t operational; /* deliveries without a record; names them */
    size_t records_max;
    struct buf out;       /* the answer being made */
    struct delivery late[LATE_MAX]; /* on their way: late.c */
    size_t late_count;
};

void delivery_refuse(struct delivery *delivery, int status, const char *sentence); /* the first reason counts */
void delivery_read(struct delivery *delivery); /* from its body, entity and operation: data, tenant, ids, version */
int delivery_operation(const char *name);      /* of enum record_operation; -1: none */
bool delivery_is_signed(const struct platform *platform, const struct http_request *request);
/* Changes what the delivery says; the answer's status, its body in platform->out. */
int delivery_apply(struct platform *platform, const struct delivery *delivery);
void delivery_request(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                      const char *path_after_sync);
/* bulk.c: many deliveries in one request */
void bulk_request(struct platform *platform, struct http_conn *conn, const struct http_request *request);
/* late.c: single deliveries of the action "late" */
void late_keep(struct platform *platform, const struct delivery *delivery);
size_t late_arrive(struct platform *platform); /* all of them now, in the order in which they were sent; how many */
void late_forget(struct platform *platform);
/* inspect.c: everything that is not a delivery */
void inspect_request(struct platform *platform, struct http_conn *conn, const struct http_request *request);

void platform_answer(struct platform *platform, struct http_conn *conn, int status); /* with what is in out */
void platform_answer_error(struct platform *platform, struct http_conn *conn, int status, const char *sentence);
