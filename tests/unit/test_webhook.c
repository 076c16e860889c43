/* test_webhook.c: is a webhook the platform's? The signatures of the shop were made with openssl and a key that is not kept. */
#include <check.h>

#include "mem.h"
#include "webhook.h"

/* ---- Standard Webhooks: the example that the specification's libraries are tested with ---- */

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define SENT "1614265330"
#define SENT_MS INT64_C(1614265330000)
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define BODY "{\"test\": 2432232314}"
#define NOISE "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const struct {
    const char *claim, *id, *timestamp, *signature, *body, *secrets[3];
    int64_t later_ms;
    const char *why; /* part of the refusal; NULL: it is good */
} standard[] = {
    {"the published example", ID, SENT, SIGNATURE, BODY, {SECRET}, 0, NULL},
    {"five minutes late", ID, SENT, SIGNATURE, BODY, {SECRET}, 300000, NULL},
    {"five minutes early", ID, SENT, SIGNATURE, BODY, {SECRET}, -300000, NULL},
    {"one of several signatures", ID, SENT, NOISE " " SIGNATURE " v1a,x", BODY, {SECRET}, 0, NULL},
    {"the newer of two secrets", ID, SENT, SIGNATURE, BODY, {"old", SECRET}, 0, NULL},
    {"the older of two secrets", ID, SENT, SIGNATURE, BODY, {SECRET, "new"}, 0, NULL},
    {"a secret that is not base64 is the key itself",
     ID,
     SENT,
     "v1,jqwBeuO37ldYigaSHqcC7YjqBJtOOulPztOWrj1DjXA=",
     BODY,
     {"plain text"},
     0,
     NULL},
    {"too late", ID, SENT, SIGNATURE, BODY, {SECRET}, 300001, "older than five minutes"},
    {"too early", ID, SENT, SIGNATURE, BODY, {SECRET}, -300001, "ahead"},
    {"a body with one more blank", ID, SENT, SIGNATURE, BODY " ", {SECRET}, 0, "No signature"},
    {"another id", ID "x", SENT, SIGNATURE, BODY, {SECRET}, 0, "No signature"},
    {"another second", ID, "1614265331", SIGNATURE, BODY, {SECRET}, 0, "No signature"},
    {"another secret", ID, SENT, SIGNATURE, BODY, {"whsec_AAAA"}, 0, "No signature"},
    {"the secret's text instead of its bytes",
     ID,
     SENT,
     SIGNATURE,
     BODY,
     {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
     0,
     "No signature"},
    {"no secret at all", ID, SENT, SIGNATURE, BODY, {NULL}, 0, "No signature"},
    {"another version of signatures",
     ID,
     SENT,
     "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
     BODY,
     {SECRET},
     0,
     "No signature"},
    {"a signature cut short", ID, SENT, "v1,g0hM9SsE", BODY, {SECRET}, 0, "No signature"},
    {"an empty signature", ID, SENT, "", BODY, {SECRET}, 0, "No signature"},
    {"no signature", ID, SENT, NULL, BODY, {SECRET}, 0, "missing"},
    {"no id", NULL, SENT, SIGNATURE, BODY, {SECRET}, 0, "missing"},
    {"no time", ID, NULL, SIGNATURE, BODY, {SECRET}, 0, "missing"},
    {"an empty id", "", SENT, SIGNATURE, BODY, {SECRET}, 0, "webhook-id"},
    {"an id with a line break", "a\nb", SENT, SIGNATURE, BODY, {SECRET}, 0, "webhook-id"},
    {"a time with a fraction", ID, "1614265330.0", SIGNATURE, BODY, {SECRET}, 0, "in digits"},
    {"a time below zero", ID, "-1614265330", SIGNATURE, BODY, {SECRET}, 0, "in digits"},
    {"a time that overflows", ID, "99999999999999999999", SIGNATURE, BODY, {SECRET}, 0, "in digits"},
};

START_TEST(standard_webhooks_are_known_by_their_signature)
{
    struct webhook webhook = {standard[_i].id, standard[_i].timestamp, standard[_i].signature,
                              standard[_i].body, strlen(standard[_i].body)};
    const char *why = NULL;
    int result =
        webhook_check_standard(&webhook, standard[_i].secrets, SENT_MS + standard[_i].later_ms, &why);

    ck_assert_msg(result == (standard[_i].why ? -1 : 0), "%s: %s", standard[_i].claim, why ? why : "good");
    if (standard[_i].why)
        ck_assert_msg(strstr(why, standard[_i].why) != NULL, "%s: %s", standard[_i].claim, why);
}
END_TEST

/* Somebody who may write a long header must not make us compute for long. */
START_TEST(only_the_first_sixteen_signatures_are_looked_at)
{
    struct buf list = BUF_INIT;
    const char *why, *const secrets[] = {SECRET, NULL};
    for (int i = 0; i < 15; i++)
        buf_add_str(&list, NOISE " ");
    buf_add_str(&list, SIGNATURE);
    struct webhook webhook = {ID, SENT, list.data, BODY, strlen(BODY)};
    ck_assert_int_eq(webhook_check_standard(&webhook, secrets, SENT_MS, &why), 0);
    buf_reset(&list);
    for (int i = 0; i < 16; i++)
        buf_add_str(&list, NOISE " ");
    buf_add_str(&list, SIGNATURE);
    webhook.signature = list.data;
    ck_assert_int_eq(webhook_check_standard(&webhook, secrets, SENT_MS, &why), -1);
    buf_release(&list);
}
END_TEST

/* ---- hex ---- */

#define SHOP_SECRET "shop secret"
#define HEX "e063128ad1254c16fda1af79c5f81a78d80b777970b7b17f4eccfb3d153b255d"

static const struct {
    const char *claim, *signature, *body, *secrets[3];
    bool good;
} hmacs[] = {
    {"as it is", HEX, BODY, {SHOP_SECRET}, true},
    {"rotated", HEX, BODY, {"new", SHOP_SECRET}, true},
    {"another body", HEX, BODY "\n", {SHOP_SECRET}, false},
    {"another secret", HEX, BODY, {"shop secrets"}, false},
    {"no secret", HEX, BODY, {NULL}, false},
    {"one digit less",
     "e063128ad1254c16fda1af79c5f81a78d80b777970b7b17f4eccfb3d153b255",
     BODY,
     {SHOP_SECRET},
     false},
    {"a digit changed",
     "e063128ad1254c16fda1af79c5f81a78d80b777970b7b17f4eccfb3d153b2550",
     BODY,
     {SHOP_SECRET},
     false},
    {"with a prefix", "sha256=" HEX, BODY, {SHOP_SECRET}, false},
    {"none", NULL, BODY, {SHOP_SECRET}, false},
};

START_TEST(a_webhook_with_a_secret_key_is_known_by_its_mac)
{
    struct webhook webhook = {NULL, NULL, hmacs[_i].signature, hmacs[_i].body, strlen(hmacs[_i].body)};
    const char *why = NULL;
    ck_assert_msg((webhook_check_hmac(&webhook, hmacs[_i].secrets, &why) == 0) == hmacs[_i].good, "%s",
                  hmacs[_i].claim);
    ck_assert((why == NULL) == hmacs[_i].good);
}
END_TEST

/* ---- JWS ---- */

#define SHOP_BODY                                                                                      \
    "{\"__typename\":\"CustomerUpdated\",\"issuedAt\":\"2026-01-31T12:00:00+00:00\",\"user\":{\"id\":" \
    "\"VXNlcjox\",\"email\":\"ann@example.com\"}}"

static const char key_n[] =
    "sx7J3PKzq6jyN2_DW0kGczgX9e5gkYA4T4ldFOwb5bkhtguRLGlecriG0TbbYRGMCUjqtBW6zCLp-Sgku_IInXTFKw"
    "bjVg4nuyYPrk7XHC4aHklfy5dAdo_0j_CeqVt2ZM13l82xNX8YiahQvsKM363QABB1O0d8AU7RtnnHkjkX-DoYiKwq"
    "4sb4fwocRJfAHpS2HIedxe5yH1dPKFM8aQVLPFNvlVoZ3Y1-K_cSqS3Fj0Ceg7bR0pUB5GVXpMaJAXHHmyro12cy28"
    "h5mBjushHo1P3MH38IlhmsqNYHP4YvhIlhKMXpInHcJGj3cF_AfQ9lNLQqiDO3N5XWKesPXQ";
static const char other_n[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJiNjQiOmZhbHNlfQ..lFHAb3gEAZfFoBvzFwixlp"
    "PWbpz5Jsdmo-M2NqXSdEDIiRYUb0j4eMNom3_F-kycF7aTGalRk-nfnsRCOUqaLakrogn-ZZ2aqGyVns4qFykYZMUH"
    "M0VOktctcLUINiuTDAJJoXJNXZFIRxILVn_jkuzqwHGwSx2c5p9UnfESw9tE2rW_xUOAutQ1AcGRKG_mJPmlxWMqoV"
    "9qlYN_8l500f1Ox17ZPdNCnyyrx8VvwY_SfgPNiEgyjd5qKwmxVtyzv8E0HBBxOJ1WjvTiK2WVz0tb3OtYh0e9FV04"
    "B39z1OJZKQ_jO8GnRbjtXvyaS60EkFcLzKfmT6F2fFS2_8d0_w";
static const char small_n[] = /* 1024 bits */
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJiNjQiOmZhbHNlfQ..EpsKAqjsw9ftMtFRFUM1UJ"
    "-5ACd6lXBA4apEg-ux9FzcmaZovkGjS-jcoqht0zdr9YLNiIBD_3eHJ2cbUzetI0dn-FtlC8_S06AmLrzjD0QxZOnu"
    "lykcvBocs7JSOOWNsdQY6l5Jc5vzay27f2-B1MfhTWCLP1AN2tDHbAWPoLM";

static const char signed_good[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJiNjQiOmZhbHNlfQ..mSRcEuIg6MPw08eGPCrJNw"
    "IC7ex9zDRUVOrTMciMQptpYZ1S5RSpBkd_WdCjSqnEqcP3g2s3WGWeluI5kL6of4TNAr_PBD-H_bSYwkxEygrmvP5S"
    "9Jvhdn95UbWlduuxDX7lQS7zM2bW2w1WjQBko18-0UyavE9AFpvZAZDqilyOZWQa5qkmWq85mAZidombz2kAoRhJ_f"
    "-Wyp5e0qV7TNlQ9oGAFdA5KKhh_pPUafx9hz2LokVo9HLvgmuHTexNQar5cANYep73fCCATSld9NNIUbDI1Wb-uImU"
    "jpzR4OaOYOa2Tc8LNUc6eOrjTB6_FZE9v81XOZNC6FJoDzrdwg";
static const char signed_crit[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJiNjQiOmZhbHNlLCJjcml0IjpbImI2NCJdfQ..TH"
    "55FOm2PgY8uob10D5KbFLGnOBplTWCAyqeW2KfOocS_Oi-dUO91lYsJ40AbFIUt2YPkLcQmf2kTJy5qsysZz9EkHmh"
    "dM647wPIPWAYm_pjdUeISLhJTKuNy5LlCLDiyiVJnEXrkqqaBP-vBECBahAIwt6y1uJPDw7SkurYYCKZ_w3bLWKZBY"
    "_Vh5Z7sf8IVmTPlkwhgTK-LELlBn8sRPetepLX9rY9H4kKQ_5FisCiUvE1DzrkBq8p4fch3Dah067Pu4QHuc8Ln8Kp"
    "HzBzjQFCJ7NNqpq5_DW99DBE59cN4ybJTmATwITXRwqgpDQeGzp3lsexy7ViiP5zbjIRhg";
static const char signed_critx[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJiNjQiOmZhbHNlLCJjcml0IjpbImI2NCIsImV4cC"
    "JdfQ..O8RC9lkv6AUTpw0LUwArNfLr67BTEH916ojJyU4lc2eK1DRQQlfk_sAiCC7JLFxiMvaYt4OsYt4BtxYgvMEF"
    "GWGpXCwFh4xFI6uk992SRe--OmGp1a8UlLWXaJ5Cg-peNVB2MtldzSTiwRga2KjTe7HGD5o31kunQK14unlfnbI8qj"
    "nJqvsFLAtmQsdX7UI13wrQivUK7OFnEDv7f13nlvh0C8ZJYeqOqkysnJQA0weTBfeGEmW7cXGwDhSmbWw169dyH0G0"
    "PlJXCaMuO9i5lnt5AEVt7y_ndSvh5_lotfoSTyjKNqFy_4ggYVTlm6HRAa_-NXdjXhdUethfcBz_Ow";
static const char signed_kid2[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjIiLCJiNjQiOmZhbHNlfQ..do8mXbe0D6HSpba_mJ4BMx"
    "P-5qRIxml_brinNsnJBsoMdbREJ6RQhQseGratAZOJaRDGZO8RFNKkB22DVF24vZ-303K8X97Eckz64C6R04Spa1M2"
    "Pbb8SerZJdFSxB-tvO_pbkPoubBkPvaphOC78D9kmdPZdywnje1QeqPD2Cisn0rJqYIdn-tOQ-07IHaajTXW3WYEnb"
    "sN6xLJL55r6SxRuWBqp_hBckp7tykevj5zQLpSK3dZZVMGtydDJKRZyD4i8YGlSrdVkhihQbxwXwi2VRCGPI1Ahzak"
    "v0POkWx8poTgzrW-89SiWq7wBFaoKDDB5npvjZGOciVPqQxAWQ";
static const char signed_nokid[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImI2NCI6ZmFsc2V9..B4grOr_LhTimrcJj7nGyGBVrcskctPr6A8Zw"
    "QgOdiM_3-mBZ791-8qKtyy3O0BaOz1TJyng1tAQtsEooSGB__sFDWcOrc2G8_HF2AuUZ7JcVdOOASGGP8kwzs1VtQX"
    "3TlJrz0Vb-4PsHfASrP5OtijXvaTLo3vR5VY4udmzBT7IVt8VZ-xnf-CUPBcD_8i1t3Chm00UG4eoQra9EAQlX_mDt"
    "qI1S7veEYRxjJ7c1oKw3TNBa5qhHY2pF-2OWpzik21zYqIS6DA7v7CWJpnQTTVoe-qatLyxuknVjd_3RCHFtbPqYbe"
    "rqn83gDo0g_VmqsM2XPDU7pjBpvrY14fpzPQ";
static const char signed_none[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIiwia2lkIjoiMSIsImI2NCI6ZmFsc2V9..mlYGHTvKodr0gjsDoAYAgCM2"
    "eJHbhepiJ1Ut154tSHQ31rUUBqMRXvGTFu9dCOxfSiDTyNPN_3-YkvU5y1_08hN7QTbP0jgjhYdEAx05ibFampLC6d"
    "WVnlo4g7Imxo8zSWQDkW-bWm1f6c8klwbJeb-9HSVVbvjioSdfPb286c8jYUAjOaSdD208iq-iAuK-Qla2w8Kamyuf"
    "R5p-SBpfV9hSqAh4RjRl1OCjU5umUeHD7JyZRDNmDcNUeny4FtQOekqWr0W1ruJJIz5R0FC_g9SGhvfrH-SBGCYcnh"
    "y4W_rxmKzKc0ibVeoltlsVY-_hFsdKTY_sDtoBjfp90YqxkA";
static const char signed_hs[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjEiLCJiNjQiOmZhbHNlfQ..e2W9I1ruzDQEaGH9sNKNZd"
    "Om5Wg7XIG1wLgFtWRiJZPR06EBQVJY9L7Hhu1ldWf5KmJmpamw7xVJ9oBSyFw0X0VjOIrX9PBoUSLqGb45yChhMPbP"
    "btGMYsJOcab5sJ_K8Vht3io1_VOPZ9ypgE9vIO9avXgi1SQmlTxM8_cNazZwIce5w3pWamvY5RNFsDeldFDfYUg7VS"
    "DL7x_eL7x2t62ctGddhgH32I1LBqEOGbyUlkX4EXOZMaEMYWImDRvSEzjnchffXDA25opTY1u_J9kfVg8xJyQCd5ab"
    "sWgdI3ohpwLAEXY-sAvkzbavu5wc0DSlzM5IYUwLJT68o6rLRg";
static const char signed_rs512[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzUxMiIsImtpZCI6IjEiLCJiNjQiOmZhbHNlfQ..G391FEiUp_agcV_bP1_3zq"
    "-JAv0ySbzpeEuByUaogQyEzyS70mvoQbMIxDGr4ElNEx_r93L4LF-CAnqkgxuXP2LiG9avtEChyrd5Y0Ns8uZ1ysDR"
    "D2FMErE0hIlEgOsiepGJHzz_umo20sLrHv90u6UbdPZrHNpm5MXfVa9xhnDGUe9fJNHf04cnfIheL0gPX8IOFTx6vO"
    "nepwRZSR1LEYNk1tyvBaRPl8SLIH5HLGwlcIeArbUYoo9JQ_48BYiT2nuUGrUwLQis8SrQiWTU8lChGrSHE0cMxI9k"
    "c8GOqnvZ2MYDc8hbJ7Zpy5cgQNcwnRgciSgJDEGPLPz9T8aPoA";
static const char signed_b64[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJiNjQiOnRydWV9..YW28TRETCg7oqH3d6hECJRpZ"
    "8Dnd_LwAgb1iVlJCNzqxFHD-5Msedpydh36p02LAIRAzzLtHqVmTSKHyXEJW3_Ipx-6ZLgzUnid0luR4_OXbgyQLYF"
    "8PFo6JTG_F-jf-LWtvHeCnpKGsO6FlEDXNjRx_1KN1-Ib7ULFT9APJi1tmVQ17FkF_zx-cnRDWrVncGetmDr2QmjxH"
    "gdxM41G6M-MMNeC0B6LCbl34d2kOl0co1NxcylyaPA8Vb3ztVXi2LkCZ6PEg9As4aGaVkdNrAah2gJOxkADyK-Qldm"
    "P5Bn_lXM4GKY8BxRwvPHpq8dYm9sNmI37zilEuimk3ndpsoA";
static const char signed_nob64[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ..Zg-yBW8EkPHrpAf_zBDDBM5fvjhviupcWq7AZW"
    "4aiRFkBT-4PZxHWoSM79gqv43d-ZH6b6KbyfkDcA3tmGMse3gRGXO2S1P1wqVPI-BINEbMbjTCXCjMEzZ5KRMlCgiL"
    "m0oFuT7oInFbJsLkxl6ncE6t2-HMCdKEN_Oe5ytH_rjgEvaONzrjcAvA_jADZxi1CTuQ0WBm3WzUuyff02mLlAxrpu"
    "WtGs0XWrizwgX0-5SZGM9GxSDBI3aQdb3RcQQlMQTivYIUgiKmIoT8ZgzUVRpX-6kOQ0O_Z6L9POpqGZxZZ0exqPRZ"
    "bADWFcaElMS4aJ2aH8CJv3aA0qcUGBjF2A";
static const char signed_other[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJiNjQiOmZhbHNlfQ..lFHAb3gEAZfFoBvzFwixlp"
    "PWbpz5Jsdmo-M2NqXSdEDIiRYUb0j4eMNom3_F-kycF7aTGalRk-nfnsRCOUqaLakrogn-ZZ2aqGyVns4qFykYZMUH"
    "M0VOktctcLUINiuTDAJJoXJNXZFIRxILVn_jkuzqwHGwSx2c5p9UnfESw9tE2rW_xUOAutQ1AcGRKG_mJPmlxWMqoV"
    "9qlYN_8l500f1Ox17ZPdNCnyyrx8VvwY_SfgPNiEgyjd5qKwmxVtyzv8E0HBBxOJ1WjvTiK2WVz0tb3OtYh0e9FV04"
    "B39z1OJZKQ_jO8GnRbjtXvyaS60EkFcLzKfmT6F2fFS2_8d0_w";
static const char signed_small[] =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJiNjQiOmZhbHNlfQ..EpsKAqjsw9ftMtFRFUM1UJ"
    "-5ACd6lXBA4apEg-ux9FzcmaZovkGjS-jcoqht0zdr9YLNiIBD_3eHJ2cbUzetI0dn-FtlC8_S06AmLrzjD0QxZOnu"
    "lykcvBocs7JSOOWNsdQY6l5Jc5vzay27f2-B1MfhTWCLP1AN2tDHbAWPoLM";

static struct json *keys_of(const char *n, const char *members)
{
    struct buf text = BUF_INIT;
    struct json_error error;
    bool ok;
    buf_addf(&text, "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"%s}]}", n, members);
    struct json *keys = json_parse(text.data, text.len, JSON_DEPTH_MAX, &error, &ok);
    ck_assert_msg(ok, "%s", error.detail);
    buf_release(&text);
    return keys;
}

static const struct {
    const char *claim, *signature, *n, *members;
    enum webhook_verdict verdict;
} signatures[] = {
    {"as Saleor signs", signed_good, key_n, ",\"kid\":\"1\",\"use\":\"sig\"", WEBHOOK_GOOD},
    {"with alg in the key", signed_good, key_n, ",\"kid\":\"1\",\"alg\":\"RS256\"", WEBHOOK_GOOD},
    {"with crit", signed_crit, key_n, ",\"kid\":\"1\"", WEBHOOK_GOOD},
    {"without a kid", signed_nokid, key_n, ",\"kid\":\"1\"", WEBHOOK_GOOD},
    {"by another key of the same kid", signed_other, key_n, ",\"kid\":\"1\"", WEBHOOK_UNFIT},
    {"by a kid that is not there", signed_kid2, key_n, ",\"kid\":\"1\"", WEBHOOK_OTHER_KEY},
    {"by a key for encryption", signed_good, key_n, ",\"kid\":\"1\",\"use\":\"enc\"", WEBHOOK_UNFIT},
    {"by a key of another algorithm", signed_good, key_n, ",\"kid\":\"1\",\"alg\":\"PS256\"", WEBHOOK_UNFIT},
    {"by a key that is too small", signed_small, small_n, ",\"kid\":\"1\"", WEBHOOK_UNFIT},
    {"crit with more in it", signed_critx, key_n, ",\"kid\":\"1\"", WEBHOOK_BAD},
    {"alg none", signed_none, key_n, ",\"kid\":\"1\"", WEBHOOK_BAD},
    {"alg HS256", signed_hs, key_n, ",\"kid\":\"1\"", WEBHOOK_BAD},
    {"alg RS512", signed_rs512, key_n, ",\"kid\":\"1\"", WEBHOOK_BAD},
    {"b64 true", signed_b64, key_n, ",\"kid\":\"1\"", WEBHOOK_BAD},
    {"no b64", signed_nob64, key_n, ",\"kid\":\"1\"", WEBHOOK_BAD},
    {"no signature behind the dots", "eyJhbGciOiJSUzI1NiJ9..", key_n, "", WEBHOOK_BAD},
    {"no header", "..abcd", key_n, "", WEBHOOK_BAD},
    {"a header that is not JSON", "bm90IGpzb24..abcd", key_n, "", WEBHOOK_BAD},
    {"a header that is a list", "W10..abcd", key_n, "", WEBHOOK_BAD},
    {"not base64url", "a+b/..abcd", key_n, "", WEBHOOK_BAD},
    {"a whole JWS", "a.b.c", key_n, "", WEBHOOK_BAD},
    {"hex", HEX, key_n, "", WEBHOOK_BAD},
    {"none", NULL, key_n, "", WEBHOOK_BAD},
};

START_TEST(a_webhook_without_a_secret_key_is_known_by_the_shops_key)
{
    struct webhook webhook = {NULL, NULL, signatures[_i].signature, SHOP_BODY, strlen(SHOP_BODY)};
    struct json *keys = keys_of(signatures[_i].n, signatures[_i].members);
    const char *why = NULL;
    enum webhook_verdict verdict = webhook_check_jws(&webhook, keys, &why);
    ck_assert_msg(verdict == signatures[_i].verdict, "%s: %d, %s", signatures[_i].claim, verdict, why);
    json_free(keys);
}
END_TEST

START_TEST(a_changed_body_is_not_what_the_shop_signed)
{
    char body[] = SHOP_BODY;
    struct webhook webhook = {NULL, NULL, signed_good, body, strlen(body)};
    struct json *keys = keys_of(key_n, ",\"kid\":\"1\"");
    const char *why;
    for (size_t i = 0; i < sizeof body - 1; i += 7) {
        body[i] ^= 1;
        ck_assert_int_ne(webhook_check_jws(&webhook, keys, &why), WEBHOOK_GOOD);
        body[i] ^= 1;
    }
    webhook.len--;
    ck_assert_int_ne(webhook_check_jws(&webhook, keys, &why), WEBHOOK_GOOD);
    webhook.len++;
    ck_assert_int_eq(webhook_check_jws(&webhook, keys, &why), WEBHOOK_GOOD);
    json_free(keys);
}
END_TEST

START_TEST(of_several_keys_that_of_the_kid_is_taken)
{
    struct json *keys = keys_of(other_n, ",\"kid\":\"2\""), *more = keys_of(key_n, ",\"kid\":\"1\"");
    struct webhook webhook = {NULL, NULL, signed_good, SHOP_BODY, strlen(SHOP_BODY)};
    const char *why;
    ck_assert_int_eq(webhook_check_jws(&webhook, keys, &why), WEBHOOK_OTHER_KEY);
    json_append(json_get(keys, "keys"), json_ref(json_at(json_get(more, "keys"), 0)));
    ck_assert_int_eq(webhook_check_jws(&webhook, keys, &why), WEBHOOK_GOOD);
    json_free(keys);
    json_free(more);
}
END_TEST

static const struct {
    const char *text;
    bool good;
} sets[] = {
    {"{\"keys\":[]}", false},
    {"{\"keys\":{}}", false},
    {"[]", false},
    {"{\"keys\":[1,null,{\"kty\":\"EC\"}]}", false},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", false},
    {"{\"keys\":[{\"kty\":\"RSA\",\"n\":5,\"e\":\"AQAB\"}]}", false},
};

START_TEST(a_set_without_a_usable_key_is_none)
{
    struct json_error error;
    bool ok;
    struct json *keys = json_parse(sets[_i].text, strlen(sets[_i].text), JSON_DEPTH_MAX, &error, &ok);
    ck_assert(ok);
    ck_assert_msg((webhook_check_keys(keys) == NULL) == sets[_i].good, "%s", sets[_i].text);
    json_free(keys);
}
END_TEST

START_TEST(a_set_with_one_usable_key_is_one)
{
    struct json *keys = keys_of(key_n, "");
    ck_assert_ptr_null(webhook_check_keys(keys));
    json_free(keys);
    keys = keys_of(small_n, "");
    ck_assert_ptr_nonnull(webhook_check_keys(keys));
    json_free(keys);
}
END_TEST

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

int main(void)
{
    Suite *suite = suite_create("webhook");
    TCase *tests = tcase_create("webhook");
    tcase_add_loop_test(tests, standard_webhooks_are_known_by_their_signature, 0, COUNT(standard));
    tcase_add_test(tests, only_the_first_sixteen_signatures_are_looked_at);
    tcase_add_loop_test(tests, a_webhook_with_a_secret_key_is_known_by_its_mac, 0, COUNT(hmacs));
    tcase_add_loop_test(tests, a_webhook_without_a_secret_key_is_known_by_the_shops_key, 0,
                        COUNT(signatures));
    tcase_add_test(tests, a_changed_body_is_not_what_the_shop_signed);
    tcase_add_test(tests, of_several_keys_that_of_the_kid_is_taken);
    tcase_add_loop_test(tests, a_set_without_a_usable_key_is_none, 0, COUNT(sets));
    tcase_add_test(tests, a_set_with_one_usable_key_is_one);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
