/* saleor_product_fixture.h: a lamp on its way to Saleor, and what is said about it. */
#pragma once
#include "mem.h"
#include "saleor_fixture.h"

#define LINES(...) (const struct say[]){__VA_ARGS__}, sizeof((struct say[]){__VA_ARGS__}) / sizeof(struct say)
#define META(json) "[{\"key\":\"data_sync\",\"value\":" json "}]"
#define LAMP                                                                                              \
    "{\"id\":\"p1\",\"name\":\"Lamp\",\"price\":12.50,\"inventory\":7,\"status\":\"active\",\"sku\":\"L-" \
    "1\","                                                                                                \
    "\"description\":\"A <lamp>\\nwith & without\"}"
#define LAMP_NOTES "{\"price\":{\"o\":\"coreldove\",\"c\":\"INR\",\"s\":1,\"t\":1}}"
#define RICH                                                                               \
    "\"{\\\"blocks\\\":[{\\\"type\\\":\\\"paragraph\\\",\\\"data\\\":{\\\"text\\\":\\\"A " \
    "&lt;lamp&gt;\\\"}},{"                                                                 \
    "\\\"type\\\":\\\"paragraph\\\",\\\"data\\\":{\\\"text\\\":\\\"with &amp; without\\\"}}]}\""
#define LAMP_META META("\"{\\\"id\\\":\\\"p1\\\"}\"")
#define LAMP_TEXT "\"name\":\"Lamp\",\"description\":" RICH
#define CREATE_VARIABLES                                                                           \
    "{\"input\":{" LAMP_TEXT ",\"productType\":\"" TYPE_ID "\",\"externalReference\":\"" RECORD_ID \
    "\",\"category\":\"" CATEGORY_ID "\",\"privateMetadata\":" LAMP_META "}}"
#define VARIANT_VARIABLES                                                                                   \
    "{\"input\":{\"product\":\"" PRODUCT_ID "\",\"externalReference\":\"" RECORD_ID "\",\"attributes\":[]," \
    "\"trackInventory\":true,\"sku\":\"L-1\",\"stocks\":[{\"warehouse\":\"" WAREHOUSE_ID                    \
    "\",\"quantity\":7}]}}"
#define LISTING(published)                                                                   \
    "{\"id\":\"" PRODUCT_ID "\",\"input\":{\"updateChannels\":[{\"channelId\":\"" CHANNEL_ID \
    "\",\"isPublished\":" published ",\"isAvailableForPurchase\":" published "}]}}"
#define PRICE(price) \
    "{\"id\":\"" VARIANT_ID "\",\"input\":[{\"channelId\":\"" CHANNEL_ID "\",\"price\":" price "}]}"
#define STOCK(quantity)                                                            \
    "{\"variantId\":\"" VARIANT_ID "\",\"stocks\":[{\"warehouse\":\"" WAREHOUSE_ID \
    "\",\"quantity\":" quantity "}]}"
#define BY_REFERENCE_ONLY "{\"externalReference\":\"" RECORD_ID "\"}"

#define PRODUCT_DONE "{\"product\":{\"id\":\"" PRODUCT_ID "\"},\"errors\":[]}"
#define VARIANT_DONE "{\"productVariant\":{\"id\":\"" VARIANT_ID "\"},\"errors\":[]}"
#define PRICE_DONE "{\"variant\":{\"id\":\"" VARIANT_ID "\"},\"errors\":[]}"
#define FOUND                                                                                         \
    "{\"id\":\"" PRODUCT_ID                                                                           \
    "\",\"defaultVariant\":{\"id\":\"other\"},\"variants\":[{\"id\":\"other\",\"externalReference\":" \
    "null},{\"id\":\"" VARIANT_ID "\",\"externalReference\":\"" RECORD_ID "\"}]}"
#define REFUSED(field, code) \
    "{\"errors\":[{\"field\":\"" field "\",\"code\":\"" code "\",\"message\":\"no\"}]}"

#define SAY_CREATE                                      \
    {                                                   \
        "productCreate", CREATE_VARIABLES, PRODUCT_DONE \
    }
#define SAY_VARIANT                                             \
    {                                                           \
        "productVariantCreate", VARIANT_VARIABLES, VARIANT_DONE \
    }
#define SAY_LISTING                                                  \
    {                                                                \
        "productChannelListingUpdate", LISTING("true"), PRODUCT_DONE \
    }
#define SAY_PRICE                                                        \
    {                                                                    \
        "productVariantChannelListingUpdate", PRICE("12.50"), PRICE_DONE \
    }
#define SAY_FIND                            \
    {                                       \
        "product", BY_REFERENCE_ONLY, FOUND \
    }
#define IDS "{\"version\":2,\"id\":\"" PRODUCT_ID "\",\"variant\":\"" VARIANT_ID "\",\"done\":[]}"

static const struct errand create = {ENTITY_PRODUCT, EVENT_PRODUCT_CREATED, VERB_CREATE, LAMP,
                                     .notes = LAMP_NOTES};
static const struct errand change = {ENTITY_PRODUCT, EVENT_PRODUCT_UPDATED, VERB_UPDATE, LAMP,
                                     .notes = LAMP_NOTES};
static const struct errand erase = {ENTITY_PRODUCT, EVENT_PRODUCT_DELETED, VERB_DELETE, .record = NULL};
#define BASE(name, price, inventory, status, sku)                                       \
    "{\"id\":\"p1\",\"name\":\"" name "\",\"price\":" price ",\"inventory\":" inventory \
    ",\"status\":\"" status "\",\"sku\":\"" sku "\",\"description\":\"A <lamp>\\nwith & without\"}"
