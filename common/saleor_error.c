/*
 * saleor_error.c: what the errors of an operation mean for its plan. A kind may know another way round; the rest is the same for all:
 *
 *   PERMISSION_DENIED, also of the document: HOLD      NOT_FOUND of what the platform file names: RETRY, the place is lost
 *   throttled: SLOW_DOWN      the server's own failure: RETRY      everything else: DEAD, with our name of the field
 */
#include "graphql_message.h"
#include "mem.h"
#include "saleor_parts.h"

static struct saleor_error error_of(const struct json *json)
{
    const char *code = json_get_text(json, "code");
    const char *field = json_get_text(json, "field");
    const char *message = json_get_text(json, "message");
    if (field == NULL)
        field = json_get_text(json, "path");
    return (struct saleor_error){code != NULL ? code : "", field != NULL ? field : "",
                                 message != NULL ? message : ""};
}

/* What the platform file names, and Saleor had when it was looked up. */
static bool is_of_place(const struct saleor_error *error)
{
    static const char *const fields[] = {"channelId", "channel",     "updateChannels",
                                         "warehouse", "warehouseId", "productType",
                                         "category",  "stocks",      NULL};
    const char *last = strrchr(error->field, '.');
    const char *field = last != NULL ? last + 1 : error->field;
    if (strcmp(error->code, "NOT_FOUND") != 0 && strcmp(error->code, "GRAPHQL_ERROR") != 0)
        return false;
    for (size_t i = 0; fields[i] != NULL; i++) {
        if (strcmp(field, fields[i]) == 0)
            return true;
    }
    return false;
}

static void end_with_error(struct saleor_plan *plan, const struct saleor_error *error)
{
    struct buf message = BUF_INIT;
    const char *field = saleor_our_field(error->field);
    graphql_clean_message(&message, error->message);
    if (strcmp(error->code, "PERMISSION_DENIED") == 0) {
        saleor_end(plan, SALEOR_HOLD, "%s: the app's token may not do this: %s", plan->operation.name,
                   message.data);
    } else if (is_of_place(error)) {
        plan->lost_place = true;
        saleor_end(plan, SALEOR_RETRY, "%s: what the platform file names is not there any more: %s",
                   plan->operation.name, message.data);
    } else {
        saleor_end(plan, SALEOR_DEAD, "%s%s%s: %s (%s)", *field ? field : "", *field ? ": " : "",
                   plan->operation.name, message.data, *error->code ? error->code : "no code");
    }
    buf_release(&message);
}

/* The first error that leads somewhere else; when none does, the first one stands. */
void saleor_take_errors(struct saleor_plan *plan, enum saleor_step step, const struct json *errors)
{
    for (size_t i = 0; i < json_count(errors); i++) {
        struct saleor_error error = error_of(json_at(errors, i));
        if (plan->kind->turned(plan, step, &error))
            return;
    }
    struct saleor_error first = error_of(json_at(errors, 0));
    end_with_error(plan, &first);
}

/* An operation that failed as a whole: the credential, the server, or what we sent. */
void saleor_take_document_error(struct saleor_plan *plan, const struct graphql_error *error)
{
    const char *name = plan->operation.name;
    if (error->forbidden)
        saleor_end(plan, SALEOR_HOLD, "%s: the app's token may not do this: %s", name, error->message);
    else if (error->throttled)
        saleor_end(plan, SALEOR_SLOW_DOWN, "%s: the platform asks us to slow down", name);
    else if (error->internal)
        saleor_end(plan, SALEOR_RETRY, "%s: the platform failed: %s", name, error->message);
    else
        saleor_end(plan, SALEOR_DEAD, "%s: %s", name, error->message);
}
