/*
 * saleor_parts.h: what the parts of saleor share; nobody else includes this.
 *
 * A plan is driven by what is known and done, not by a place in a list: `next` of its kind looks at that and names the next
 * step, so that a plan resumed with the ids and steps of an earlier attempt goes on by itself.
 *
 *   saleor.c            plans of all kinds: asking, answers, errors, steps
 *   saleor_error.c      what errors mean
 *   saleor_fields.c     from our words to Saleor's: metadata, names, texts, amounts
 *   saleor_customer.c   saleor_product.c   saleor_order.c (its state)
 *   saleor_order_input.c    what orderBulkCreate takes           saleor_order_lines.c   its items
 *   saleor_address.c    addresses
 *   saleor_place.c      channel, warehouse, product type, category      saleor_preview.c   a plan with made-up answers
 */
#pragma once
#include "json.h"
#include "money.h"
#include "saleor.h"

#define SALEOR_ID_BYTES 128  /* with the NUL; Saleor's are below 60 */
#define SALEOR_ASKED_MAX 16  /* operations of one plan, and turns: a plan that needs more goes in circles */
#define SALEOR_LINES_MAX 500 /* of an order */
#define SALEOR_SKUS_MAX 100  /* looked up at once, which is the most that Saleor gives at once */

/* The steps of all kinds; a bit each in `done`. */
enum saleor_step {
    STEP_NONE,
    STEP_CREATE,
    STEP_UPDATE,
    STEP_DELETE,
    STEP_FIND,
    STEP_VARIANT,
    STEP_SKU,
    STEP_LISTING,
    STEP_PRICE,
    STEP_STOCK,
    STEP_SKUS,
    STEP_PRODUCT,
    STEP_CONFIRM,
    STEP_FULFIL,
    STEP_CANCEL,
    STEPS
};

/* One of a mutation's own errors. */
struct saleor_error {
    const char *code;    /* "" when there is none */
    const char *field;   /* or path; "" likewise */
    const char *message; /* as Saleor says it: to be cleaned before it is shown */
};

struct saleor_plan;
struct saleor_kind {
    const char *noun;                                   /* "customer": for sentences */
    void (*start)(struct saleor_plan *plan);            /* after the record is mapped, once per turn */
    enum saleor_step (*next)(struct saleor_plan *plan); /* STEP_NONE: all done */
    /* Documents and variables of the step, by saleor_ask; may end the plan instead (saleor_end). */
    void (*ask)(struct saleor_plan *plan, enum saleor_step step);
    void (*answered)(struct saleor_plan *plan, enum saleor_step step, const struct json *data);
    /* Another way round the error: true when there is one (or the plan has ended), false: the error stands. */
    bool (*turned)(struct saleor_plan *plan, enum saleor_step step, const struct saleor_error *error);
    bool (*holds)(const struct saleor_plan *plan, const char *field,
                  const struct json *value); /* else: metadata */
};
extern const struct saleor_kind saleor_customer, saleor_product, saleor_order;

/* Of an order; texts are lent by the record and the request. */
enum saleor_line_by { BY_REFERENCE, BY_ID, BY_SKU };

struct saleor_line {
    const struct json *item; /* NULL: the whole order, which has no items */
    int64_t quantity;
    struct money listed; /* what the item says; the whole line, gross */
    bool priced;
    struct money total; /* its part of the amount */
    enum saleor_line_by by;
    const char *reference, *sku, *product_id; /* NULL: has none; lent by the request */
    char variant_id[SALEOR_ID_BYTES];         /* BY_ID */
    bool asks_product;
};

struct saleor_plan {
    struct saleor_request request;
    const struct platform_graphql *graphql;
    const struct saleor_kind *kind;
    struct saleor_place place; /* placeholders in a preview */
    enum verb verb;            /* what it is now: a create may turn to an update, and the reverse */
    struct json *record;       /* common names, money in the target's currency: what goes out, all of it */
    struct json *changed;      /* members: the fields that changed; NULL: all of them count as changed */
    char id[SALEOR_ID_BYTES];  /* Saleor's; "" when not known */
    char variant[SALEOR_ID_BYTES];
    unsigned done;          /* steps completed, 1u << enum saleor_step */
    unsigned needed;        /* likewise: those of a product that this plan is for */
    enum saleor_step asked; /* what `operation` is for; STEP_NONE: nothing is out */
    struct saleor_operation operation;
    struct json *variables; /* of the operation */
    unsigned count;         /* of operations and turns so far */
    bool sent;              /* a mutation went out */
    enum saleor_verdict verdict;
    struct buf why;
    bool lost_place;
    bool look;           /* customer: by e-mail. product, order: its ids or state must be asked for */
    bool claims;         /* customer: give it our externalReference */
    bool unpublished;    /* product: Saleor would not publish it; `why` says so, and it is dead at the end */
    char state[32];      /* order: its status there; "" when not known */
    struct json *open;   /* order: lines to fulfil, as found */
    unsigned user_tried; /* order: ways to name the customer that failed */
    struct saleor_line *lines;
    size_t line_count;
};

/* ---- saleor.c ---- */
void saleor_ask(struct saleor_plan *plan, const char *name, const char *document, struct json *variables);
void saleor_end(struct saleor_plan *plan, enum saleor_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void saleor_step_done(struct saleor_plan *plan, enum saleor_step step);
bool saleor_is_done(const struct saleor_plan *plan, enum saleor_step step);
/* The same record under the other verb, all of it; ends the plan when that cannot be. */
void saleor_turn(struct saleor_plan *plan, enum verb verb);
void saleor_learn(char id[SALEOR_ID_BYTES], const struct json *object); /* object.id */
bool saleor_changed(const struct saleor_plan *plan, const char *field); /* and it is there, or was cleared */
/* What an operation of the plan answered, without errors of the document. */
void saleor_take(struct saleor_plan *plan, const struct json *data);

/* ---- saleor_error.c ---- */
void saleor_take_errors(struct saleor_plan *plan, enum saleor_step step, const struct json *errors); /* not empty */
/* An operation that failed as a whole: the credential, the server, or what we sent. */
void saleor_take_document_error(struct saleor_plan *plan, const struct graphql_error *error);

/* ---- saleor_fields.c ---- */
/* Is it one of Saleor's ids of such a record ("VXNlcjoxMg==" is User:12)? Those that a REST API told are not. NULL is none. */
bool saleor_is_id(enum entity entity, const char *text);
/* {"id": …} of a known id, else {"externalReference": …}. */
struct json *saleor_reference(const struct saleor_plan *plan);
struct json *saleor_wrap(const char *name, struct json *value); /* {name: value} */
struct json *saleor_list(struct json *value);                   /* [value] */
/* privateMetadata with all that Saleor has no place for, put into input; nothing when none of it changed. */
bool saleor_metadata_changed(const struct saleor_plan *plan);
void saleor_put_metadata(const struct saleor_plan *plan, struct json *input);
void saleor_put_text(struct json *input, const char *name,
                     const struct json *value);             /* texts and numbers; else null */
void saleor_put_name(struct json *input, const char *name); /* firstName, lastName */
struct json *saleor_rich_text(const struct json *value);    /* text → EditorJS, as JSON text */
/* 0; -1: not an amount, negative, or more than Saleor keeps. */
int saleor_amount(const struct saleor_plan *plan, const struct json *value, struct money *amount);
bool saleor_amount_fits(struct money amount);
struct json *saleor_decimal(struct money amount);
/* Our name of Saleor's field, for sentences; the field itself when it has none of ours. */
const char *saleor_our_field(const char *field);

/* ---- saleor_address.c ---- */
/* An AddressInput of a record's object (NULL: of the defaults in the platform file alone). */
struct json *saleor_address(const struct saleor_plan *plan, const struct json *address, const char *name);

/* ---- saleor_order_lines.c ---- */
/* Reads the items into plan->lines; ends the plan when they cannot be an order of Saleor. */
void saleor_read_lines(struct saleor_plan *plan);
void saleor_free_lines(struct saleor_plan *plan);
struct json *saleor_unknown_skus(const struct saleor_plan *plan); /* NULL: all are known */
void saleor_take_skus(struct saleor_plan *plan, const struct json *edges);
/* A line whose variant Saleor does not know by our reference, but whose product has an id there: that id; or NULL. */
const char *saleor_line_product(const struct saleor_plan *plan);
void saleor_take_product(struct saleor_plan *plan, const struct json *product);
bool saleor_line_missing(struct saleor_plan *plan, size_t line); /* false: no other way to find it */

/* ---- saleor_order_input.c ---- */
struct json *saleor_order_input(struct saleor_plan *plan); /* NULL: the plan has ended */
