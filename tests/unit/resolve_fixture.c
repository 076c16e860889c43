/* resolve_fixture.c: see resolve_fixture.h. */
#include "resolve_fixture.h"

#include <stdlib.h>

#include "mem.h"

struct policy_set *resolve_policies(const char *field, const char *type, const char *policy, const char *more)
{
    struct buf text = BUF_INIT, errors = BUF_INIT;
    buf_addf(&text,
             "version = \"test\";\nfields: { order: { %s = \"%s\"; }; };\npolicies: { order: { %s = %s; }; "
             "};\n%s\n",
             field, type, field, policy, more);
    struct policy_set *set = policy_set_read("test.conf", text.data, text.len, mapping_set, &errors);
    ck_assert_msg(set != NULL, "%s%s", text.data, errors.data);
    buf_release(&text);
    buf_release(&errors);
    return set;
}

/* "2 USD" is 2 in USD. */
static const char *take_currency(char *text)
{
    size_t len = strlen(text);
    if (len < 5 || text[len - 4] != ' ' || strspn(text + len - 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
        return NULL;
    text[len - 4] = '\0';
    return text + len - 3;
}

void resolve_begin(struct dispute *dispute, struct policy_set *policies, enum entity entity,
                   const char *field, const char *base, const struct short_side *sides)
{
    bool known = base == NULL || strcmp(base, NO_BASE) != 0;
    size_t count = 0;
    *dispute = (struct dispute){.policies = policies};
    for (; sides[count].platform != NULL && count < SIDES_MAX; count++) {
        struct resolve_side *side = &dispute->sides[count];
        char *value = sides[count].value != NULL ? dispute->texts[count] : NULL;
        if (value != NULL)
            snprintf(value, sizeof dispute->texts[count], "%s", sides[count].value);
        const char *currency = value != NULL ? take_currency(value) : NULL;
        *side = (struct resolve_side){.platform = sides[count].platform,
                                      .time_ms = T0 + sides[count].at_ms,
                                      .version = (int64_t)count + 2,
                                      .value = mapping_parse(value),
                                      .present = value != NULL,
                                      .currency = currency};
        side->event.bytes[15] = (uint8_t)count;
    }
    dispute->input = (struct resolve_input){.entity = entity,
                                            .field = field,
                                            .base = known ? mapping_parse(base) : NULL,
                                            .base_known = known,
                                            .sides = dispute->sides,
                                            .count = count,
                                            .policy = policy_find(policies, NULL, entity, field),
                                            .platforms = mapping_set};
}

void resolve_run(struct dispute *dispute)
{
    resolution_release(&dispute->out);
    resolve_field(&dispute->input, &dispute->out);
}

void resolve_end(struct dispute *dispute)
{
    for (size_t i = 0; i < dispute->input.count; i++)
        json_free((struct json *)dispute->sides[i].value);
    json_free((struct json *)dispute->input.base);
    resolution_release(&dispute->out);
}

const char *resolve_text(struct buf *text, const struct resolution *out)
{
    buf_reset(text);
    buf_add_str(text, out->waits ? "WAITS " : "");
    if (out->present)
        json_write(text, out->value);
    else
        buf_add_str(text, "cleared");
    if (out->currency != NULL)
        buf_addf(text, " %s", out->currency);
    return text->data;
}
