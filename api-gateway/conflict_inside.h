/*
 * conflict_inside.h: what the conflict files of the gateway share.
 *
 *   conflict_list      pages of conflicts;  conflict_get  one of them, and the answer of whoever changed it
 *   conflict_row       the rows of get_conflict.sql, read;  conflict_json  shows them (both pure)
 *   conflict_choice    what a person chose becomes a decision, or a list of mistakes (pure)
 *   conflict_resolve   decides;  conflict_undo  takes back: both as events of the service, which the router applies
 *   conflict_simulate  what other policies would have decided;  conflict_whatif  of one conflict (pure)
 */
#pragma once
#include "changes.h"
#include "conflict.h"
#include "gateway.h"

/* One step of how it was decided. */
struct conflict_step {
    const char *kind; /* policy, person, undo */
    const char *by, *note;
    const char *policies; /* versions of those that decided; NULL: a person did */
    int64_t at_ms;
    struct uuid event; /* that carries it */
    bool has_event;
    bool applied;         /* the router has seen the event */
    int64_t made_version; /* of the record, by the event; 0: none */
    struct json *rules;   /* array: see conflict_tell */
    struct json *before;  /* the record's data before that version; NULL: not kept */
};

/* One conflict. Texts belong to the result, which must live as long; everything else is its own. */
struct conflict_row {
    const struct db_result *result;
    enum entity entity;
    const char *status, *open_fields, *side_events;
    struct json *detail;
    struct conflict conflict; /* all its fields */
    struct conflict_step *steps;
    size_t step_count;
};
/* All rows of get_conflict.sql, of which there is one at least. */
void conflict_row_read(struct conflict_row *row, const struct db_result *result);
void conflict_row_release(struct conflict_row *row);
/* A body column as JSON, the caller's; NULL: null, or of a format that this release does not know. */
struct json *conflict_body(const struct db_result *result, size_t row, const char *column);
/* Does the field wait for somebody to decide it? */
bool conflict_row_waits(const struct conflict_row *row, const char *field);
/* How the field was decided last, and by which step (NULL: not asked); NULL: nobody tried. What was taken back stays told. */
const struct json *conflict_row_rule(const struct conflict_row *row, const char *field,
                                     const struct conflict_step **step);
bool conflict_row_applied(const struct conflict_row *row); /* nothing of it is on its way to the router */

struct json *conflict_json(const struct conflict_row *row);

/* What becomes of fields: the data of an event of the service, and how that came. */
struct conflict_decision {
    struct json *data;  /* field → value, null clears */
    struct json *rules; /* array: see conflict_tell */
    char *note;         /* NULL: none was given */
    bool late;          /* a field that was named is decided already */
};
/* 0; or -1 and mistakes in `errors`, or late. body: of POST …/resolve. platforms: their schema is what data is held against. */
int conflict_choose(const struct conflict_row *row, const struct platform_set *platforms,
                    const struct json *body, struct conflict_decision *decision, struct json *errors);
/* The member `note` of a body: 0, or -1 and a mistake. */
int conflict_read_note(const struct json *body, char **note, struct json *errors);
void conflict_decision_release(struct conflict_decision *decision);

/* What a request changes about one conflict. Owner: the callback of the statement under way. */
struct conflict_change {
    struct gateway *gateway;
    struct http_request *request;
    const char *tenant; /* the request's */
    struct uuid id;
    const char *verb; /* for the log */
};
/* Reads the conflict that the path names, for a change of it: the callback gets the change, unless the request was refused. */
void conflict_change_start(struct gateway *gateway, struct http_request *request, const char *verb,
                           db_cb on_read);
/* Of the callback: true when there is the conflict; else it is refused, and the change is gone. */
bool conflict_change_read(struct conflict_change *change, enum db_status status,
                          const struct db_result *result);
/* Refuses: with mistakes in the body (422), or because it is too late (409; detail NULL: somebody was faster). */
void conflict_change_refuse(struct conflict_change *change, const struct json *errors, const char *detail);
/* Parameters 1 and 2 of both statements; and a body, behind its format byte. */
struct db_params *conflict_change_params(const struct conflict_change *change);
void conflict_add_body(struct db_params *params, const struct json *json);
/* Sends the statement that makes the event. It goes to the router, and the answer is the conflict once the router has applied it, or
 * a second later. No row: 409. */
void conflict_change_send(struct conflict_change *change, const char *sql, struct db_params *params);

/* ---- what if ---- */

#define CONFLICT_EXAMPLES_MAX 20

/* A conflict that policies had. */
struct conflict_past {
    struct uuid id;
    const char *tenant, *entity_id, *side_events;
    enum entity entity;
    struct json *detail;
    struct json *record; /* the record's data then */
    struct json *rules;  /* how they decided */
};
struct conflict_whatif {
    const struct policy_set *policies; /* the other ones */
    struct json *examples;             /* array */
    int64_t examined, different, fields_different;
    int64_t waited, would_wait; /* conflicts with a field for a person */
};
void conflict_whatif_add(struct conflict_whatif *whatif, const struct platform_set *platforms,
                         const struct conflict_past *past);
