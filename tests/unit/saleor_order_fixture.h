/* saleor_order_fixture.h: an order of two lamps on its way to Saleor, and what is said about it. */
#pragma once
#include "mem.h"
#include "saleor_fixture.h"

#define LINES(...) (const struct say[]){__VA_ARGS__}, sizeof((struct say[]){__VA_ARGS__}) / sizeof(struct say)
#define META(json) "\"privateMetadata\":[{\"key\":\"data_sync\",\"value\":" json "}]"
#define NOTES "{\"amount\":{\"o\":\"coreldove\",\"c\":\"INR\"},\"items\":{\"o\":\"coreldove\",\"c\":\"INR\"}}"
#define ORDER(status, amount, items)                                                                         \
    "{\"id\":\"o1\",\"amount\":" amount ",\"status\":\"" status "\",\"customer_id\":\"c1\",\"items\":" items \
    ",\"created_at\":\"2026-09-01T10:00:00Z\"}"
#define TWO_LAMPS "[{\"product_id\":\"p1\",\"quantity\":2,\"price\":50.00,\"name\":\"Lamp\"}]"
#define BY_REFERENCE_ONLY "{\"externalReference\":\"" RECORD_ID "\"}"
#define CREATED "\"2026-09-01T10:00:00.000Z\""
#define FILE_ADDRESS                                                                                 \
    "{\"firstName\":\"Not\",\"lastName\":\"given\",\"streetAddress1\":\"Not given\",\"city\":\"Not " \
    "given\",\"country\":"                                                                           \
    "\"IN\",\"skipValidation\":true}"
#define LINE(variant, quantity, gross, net, listed, listed_net, rest)                                     \
    "{" variant ",\"createdAt\":" CREATED                                                                 \
    ",\"isShippingRequired\":false,\"isGiftCard\":false,\"quantity\":" quantity                           \
    ",\"totalPrice\":{\"gross\":" gross ",\"net\":" net "},\"undiscountedTotalPrice\":{\"gross\":" listed \
    ",\"net\":" listed_net "},\"taxRate\":0,\"taxClassId\":\"" TAX_ID "\",\"warehouse\":\"" WAREHOUSE_ID  \
    "\"" rest "}"
#define LAMP "\"variantExternalReference\":\"" PRODUCT_RECORD "\""
#define LAMP_LINE LINE(LAMP, "2", "100.00", "100.00", "100.00", "100.00", ",\"productName\":\"Lamp\"")
#define INPUT(status, user, lines, rest)                                                                     \
    "{\"orders\":[{\"externalReference\":\"" RECORD_ID                                                       \
    "\",\"channel\":\"default-channel\",\"createdAt\":" CREATED ",\"status\":\"" status "\",\"user\":" user  \
    ",\"billingAddress\":" FILE_ADDRESS ",\"currency\":\"INR\",\"languageCode\":\"EN_IN\",\"lines\":[" lines \
    "]," rest "}]}"
#define OURS "{\"externalReference\":\"" CUSTOMER_RECORD "\"}"
#define ID_META META("\"{\\\"id\\\":\\\"o1\\\"}\"")
#define PLACED \
    "{\"results\":[{\"order\":{\"id\":\"" ORDER_ID "\",\"status\":\"UNCONFIRMED\"},\"errors\":[]}]}"
#define NOT_PLACED(path, code)                                                          \
    "{\"results\":[{\"order\":null,\"errors\":[{\"path\":\"" path "\",\"code\":\"" code \
    "\",\"message\":\"no\"}]}]}"
#define REFUSED(field, code) \
    "{\"order\":null,\"errors\":[{\"field\":\"" field "\",\"code\":\"" code "\",\"message\":\"no\"}]}"
#define DONE "{\"order\":{\"id\":\"" ORDER_ID "\"},\"errors\":[]}"
#define IS(state, lines) "{\"id\":\"" ORDER_ID "\",\"status\":\"" state "\",\"lines\":" lines "}"
#define TWO_OPEN                                                                           \
    "[{\"id\":\"T3JkZXJMaW5lOjE=\",\"quantityToFulfill\":2},{\"id\":\"T3JkZXJMaW5lOjI=\"," \
    "\"quantityToFulfill\":0}]"
#define BY_ID "{\"id\":\"" ORDER_ID "\"}"
#define FULFIL                                                                                    \
    "{\"order\":\"" ORDER_ID                                                                      \
    "\",\"input\":{\"lines\":[{\"orderLineId\":\"T3JkZXJMaW5lOjE=\",\"stocks\":[{\"quantity\":2," \
    "\"warehouse\":\"" WAREHOUSE_ID "\"}]}],\"notifyCustomer\":false,\"allowStockToBeExceeded\":true}}"

static const struct saleor_parent parents[] = {{ENTITY_USER, "customer_id", CUSTOMER_RECORD, NULL},
                                               {ENTITY_PRODUCT, "items[0].product_id", PRODUCT_RECORD, NULL}};
#define PARENTS .parents = parents, .parent_count = 2

static const struct errand create = {ENTITY_ORDER,   EVENT_ORDER_CREATED,
                                     VERB_CREATE,    ORDER("pending", "100.00", TWO_LAMPS),
                                     .notes = NOTES, PARENTS};
static const struct errand change = {ENTITY_ORDER,   EVENT_ORDER_UPDATED,
                                     VERB_UPDATE,    ORDER("paid", "100.00", TWO_LAMPS),
                                     .notes = NOTES, PARENTS};
static const struct errand erase = {ENTITY_ORDER, EVENT_ORDER_UPDATED, VERB_DELETE, .record = NULL};
#define PENDING_META META("\"{\\\"id\\\":\\\"o1\\\",\\\"status\\\":\\\"pending\\\"}\"")
#define SAY_UPDATE                      \
    {                                   \
        "orderUpdate", BY_ID_META, DONE \
    }
#define BY_ID_META "{\"id\":\"" ORDER_ID "\",\"input\":{" ID_META "}}"
