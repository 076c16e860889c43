/*
 * mapping_computed.c: the values that a platform's file computes for it. They follow the record: one goes out where a difference
 * goes out and it is another than the base gave.
 */
#include "mapping_fields.h"

/* Would the target have been given the same for its base? What failed then was given as nothing. */
static bool differs(const struct mapping_request *request, const struct expr *expr, const struct json *value)
{
    struct json *before = NULL;
    struct buf why = BUF_INIT;
    bool same = request->base != NULL && expr_eval_record(expr, request->base, &before, &why) == 0 &&
                json_equal(before, value);
    json_free(before);
    buf_release(&why);
    return !same;
}

int mapping_compute(const struct mapping_request *request, struct json *data, struct json *changed,
                    struct buf *error)
{
    if (request->entity == ENTITY_NONE || request->verb == VERB_DELETE)
        return 0;
    const struct platform_entity *rules = &request->target->entities[request->entity];
    bool full = platform_route(request->target, request->type, request->verb)->full;
    struct buf why = BUF_INIT;
    int failed = 0;
    for (size_t i = 0; i < rules->computed_count && failed == 0; i++) {
        const struct platform_computed *computed = &rules->computed[i];
        struct json *value = NULL;
        failed = expr_eval_record(computed->value, request->record, &value, &why);
        bool change = failed == 0 && differs(request, computed->value, value);
        if (change && changed != NULL)
            json_append(changed, json_new_text(computed->own));
        if (change || (failed == 0 && full))
            json_set(data, computed->own, json_ref(value));
        if (failed != 0)
            buf_addf(error, "%s cannot be computed for %s: %s", computed->own, request->target->name,
                     why.data);
        if (failed != 0 && request->field != NULL)
            buf_add_str(request->field, computed->own);
        json_free(value);
    }
    buf_release(&why);
    return failed;
}
