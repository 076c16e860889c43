/* saleor_address.c: addresses of records, in whatever words, as Saleor's AddressInput. */
#include <string.h>

#include "saleor_parts.h"

#define NAMES_MAX 6
struct address_row {
    const char *member; /* of AddressInput */
    size_t
        bytes_max; /* Saleor's columns count characters; what does not fit is left out rather than refused */
    const char *names[NAMES_MAX];
};

static const struct address_row address_rows[] = {
    {"firstName", 256, {"first_name", "firstName", NULL}},
    {"lastName", 256, {"last_name", "lastName", NULL}},
    {"companyName", 256, {"company", "company_name", "companyName", NULL}},
    {"streetAddress1", 256, {"street", "street1", "line1", "street_address", "address_line1", NULL}},
    {"streetAddress2", 256, {"street2", "line2", "address_line2", NULL}},
    {"city", 256, {"city", "town", NULL}},
    {"postalCode", 20, {"postal_code", "postalCode", "zip", "postcode", "zip_code", NULL}},
    {"countryArea", 128, {"state", "province", "country_area", "region", NULL}},
    {"phone", 128, {"phone", "phone_number", NULL}},
};

static const char *first_text(const struct json *object, const char *const *names)
{
    for (; *names != NULL; names++) {
        const char *text = json_get_text(object, *names);
        if (text != NULL && *text != '\0')
            return text;
    }
    return NULL;
}

/* Saleor's enum CountryCode. A word outside of it would be refused with the whole document. */
static const char country_codes[] =
    "AF AX AL DZ AS AD AO AI AQ AG AR AM AW AU AT AZ BS BH BD BB BY BE BZ BJ BM BT BO BQ "
    "BA BW BV BR IO BN BG BF BI CV KH CM CA KY CF TD CL CN CX CC CO KM CG CD CK CR CI HR "
    "CU CW CY CZ DK DJ DM DO EC EG SV GQ ER EE SZ ET EU FK FO FJ FI FR GF PF TF GA GM GE "
    "DE GH GI GR GL GD GP GU GT GG GN GW GY HT HM VA HN HK HU IS IN ID IR IQ IE IM IL IT "
    "JM JP JE JO KZ KE KI XK KW KG LA LV LB LS LR LY LI LT LU MO MG MW MY MV ML MT MH MQ "
    "MR MU YT MX FM MD MC MN ME MS MA MZ MM NA NR NP NL NC NZ NI NE NG NU NF KP MK MP NO "
    "OM PK PW PS PA PG PY PE PH PN PL PT PR QA RE RO RU RW BL SH KN LC MF PM VC WS SM ST "
    "SA SN RS SC SL SG SX SK SI SB SO ZA GS KR SS ES LK SD SR SJ SE CH SY TW TJ TZ TH TL "
    "TG TK TO TT TN TR TM TC TV UG UA AE GB UM US UY UZ VU VE VN VG VI WF EH YE ZM ZW ";

static bool is_country(const char *text)
{
    const char *found = text != NULL && strlen(text) == 2 ? strstr(country_codes, text) : NULL;
    return found != NULL && (found - country_codes) % 3 == 0 && found[1] != ' ';
}

static struct json *default_address(const struct platform_address *address)
{
    const char *const values[] = {
        address->first_name, address->last_name,   address->company,      address->street, NULL,
        address->city,       address->postal_code, address->country_area, address->phone};
    struct json *input = json_new_object();
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (values[i] != NULL)
            json_set(input, address_rows[i].member, json_new_text(values[i]));
    }
    return input;
}

struct json *saleor_address(const struct saleor_plan *plan, const struct json *address, const char *name)
{
    static const char *const countries[] = {"country", "country_code", NULL};
    struct json *input = address != NULL ? json_new_object() : default_address(&plan->graphql->address);
    const char *country = first_text(address, countries);
    for (size_t i = 0; address != NULL && i < sizeof address_rows / sizeof address_rows[0]; i++) {
        const char *text = first_text(address, address_rows[i].names);
        if (text != NULL && strlen(text) <= address_rows[i].bytes_max)
            json_set(input, address_rows[i].member, json_new_text(text));
    }
    if (name != NULL && *name != '\0' && !json_find(address, "first_name", NULL))
        saleor_put_name(input, name);
    if (!is_country(country))
        country = plan->place.country[0] != '\0' ? plan->place.country : plan->graphql->address.country;
    json_set(input, "country", json_new_text(country));
    json_set(input, "skipValidation",
             json_new_bool(true)); /* an address that was good enough for the order's own shop */
    return input;
}
