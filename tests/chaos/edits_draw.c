/* edits_draw.c: which fields there are, what each platform calls them, and what its users write into them. */
#include <stdio.h>
#include <string.h>

#include "draw.h"
#include "edits.h"

/* Platforms in the order of chaos_platforms. */
#define SAME(name)       \
    {                    \
        name, name, name \
    }
static const struct edit_field user[] = {
    {"name", {"full_name", "customer_name", "user_name"}, EDIT_TEXT},
    {"email", {"email_address", "customer_email", "user_email"}, EDIT_EMAIL},
    {"phone", {"phone_number", "customer_phone", "user_phone"}, EDIT_TEXT},
    {"city", SAME("city"), EDIT_TEXT},
    {"preferences", SAME("preferences"), EDIT_PUT},
};
static const struct edit_field lead[] = {
    {"name", {"contact_name", "name", "name"}, EDIT_TEXT},
    {"status", {"lead_status", "status", "status"}, EDIT_TEXT},
    {"score", {"lead_score", "score", "score"}, EDIT_NUMBER},
    {"contact_info", SAME("contact_info"), EDIT_OBJECT},
    {"notes", SAME("notes"), EDIT_PUT},
};
static const struct edit_field product[] = {
    {"name", {"name", "product_name", "name"}, EDIT_TEXT},
    {"price", {"price", "product_price", "price"}, EDIT_MONEY},
    {"inventory", {"inventory", "product_inventory", "inventory"}, EDIT_ADD},
    {"material", SAME("material"), EDIT_TEXT},
};
static const struct edit_field order[] = {
    {"amount", {"amount", "order_total", "amount"}, EDIT_MONEY},
    {"status", {"status", "order_status", "status"}, EDIT_WORD},
    {"shipping_info", SAME("shipping_info"), EDIT_OBJECT},
};
#define FIELDS(name) name, sizeof name / sizeof *name
const struct edit_entity edit_entities[EDITS_ENTITIES] = {
    {"user", {"user_id", "customer_id", "user_id"}, FIELDS(user)},
    {"lead", {"lead_id", "id", "id"}, FIELDS(lead)},
    {"product", {"id", "product_id", "id"}, FIELDS(product)},
    {"order", {"id", "order_id", "id"}, FIELDS(order)},
};

/* A value of the edit's own, by its number; JSON. */
static void draw_value(struct draw *draw, const struct edit *edit, char *value, size_t size)
{
    static const char *const words[] = {"confirmed", "paid",      "processing", "shipped",
                                        "delivered", "completed", "cancelled"};

    switch (edit->field->kind) {
    case EDIT_EMAIL:
        snprintf(value, size, "\"e%u@example.com\"", edit->number);
        break;
    case EDIT_WORD:
        snprintf(value, size, "\"%s\"", words[draw_below(draw, sizeof words / sizeof *words)]);
        break;
    case EDIT_NUMBER: /* some break the rule for scores, and is for a person */
        snprintf(value, size, "%u", draw_chance(draw, 15) ? 130 : draw_below(draw, 101));
        break;
    case EDIT_MONEY: /* of coreldove in rupees; some differ by more than 100 dollars' worth */
        snprintf(value, size, "%u",
                 edit->platform == 1 ? 8300 + draw_below(draw, 20000) : 100 + draw_below(draw, 240));
        break;
    case EDIT_ADD:
        snprintf(value, size, "%d", (int)draw_below(draw, 12) - 7);
        break;
    case EDIT_OBJECT:
        snprintf(value, size, "{\"line\":\"o%u\",\"room\":%u}", edit->number, draw_below(draw, 9));
        break;
    default:
        snprintf(value, size, "\"t%u\"", edit->number);
    }
}

void edit_draw(struct draw *draw, struct edit *edit, const char *id, struct buf *request)
{
    const char *own = edit->field->own[edit->platform];
    struct json_error where;
    bool ok, adds = edit->field->kind == EDIT_ADD, puts = edit->field->kind == EDIT_PUT;
    char value[96];

    draw_value(draw, edit, value, sizeof value);
    if (!adds)
        edit->value = json_parse(value, strlen(value), JSON_DEPTH_MAX, &where, &ok);
    buf_addf(request, "{\"id\":\"%s\",\"set\":{\"edited_%s\":%u", id, chaos_platforms[edit->platform],
             edit->number);
    if (puts) {
        snprintf(edit->member, sizeof edit->member, "k%u", draw_below(draw, 4));
        buf_addf(request, "},\"put\":{\"%s\":{\"%s\":%s}}}", own, edit->member, value);
    } else if (adds) {
        buf_addf(request, "},\"add\":{\"%s\":%s}}", own, value);
    } else if (strcmp(own, "product_price") == 0) { /* which this shop keeps twice */
        buf_addf(request, ",\"%s\":%s,\"price_inr\":%s}}", own, value, value);
    } else {
        buf_addf(request, ",\"%s\":%s}}", own, value);
    }
}

/* Made on the platform where all have their plain names. */
void edit_draw_create(struct edit *edit, const char *id, struct buf *request)
{
    edit->platform = 2;
    buf_addf(request, "{\"id\":\"%s\",\"create\":true,\"set\":{\"edited_bizosaas\":%u,", id, edit->number);
    buf_addf(request, "\"%s\":\"%s\",", edit_entities[edit->record % EDITS_ENTITIES].id[2], id);
    switch (edit->record % EDITS_ENTITIES) {
    case 0:
        buf_addf(request, "\"user_name\":\"first\",\"user_email\":\"%s@example.com\"", id);
        break;
    case 1:
        buf_addf(request, "\"name\":\"first\",\"email\":\"%s@example.com\",\"status\":\"new\",\"score\":50",
                 id);
        break;
    case 2:
        buf_add_str(request, "\"name\":\"first\",\"price\":100,\"inventory\":1000");
        break;
    default:
        buf_add_str(request,
                    "\"amount\":100,\"status\":\"pending\",\"items\":[{\"sku\":\"A\",\"quantity\":1}]");
    }
    buf_add_str(request, "}}");
}
