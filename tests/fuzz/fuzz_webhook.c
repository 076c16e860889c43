/*
 * fuzz_webhook.c: a webhook of which every part is somebody else's: id, timestamp and signature are the first lines, the rest is
 * the body. Whatever it says, it is not ours: nobody can sign with keys that were drawn at the start.
 */
#include "digest.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "webhook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *secret(void)
{
    static struct buf text = BUF_INIT;
    uint8_t random[32];
    if (text.len == 0) {
        digest_random(random, sizeof random);
        buf_add_hex(&text, random, sizeof random);
    }
    return text.data;
}

/* The next line, with a NUL in place of its end. */
static const char *next_line(char **text)
{
    char *line = *text, *end = strchr(line, '\n');
    if (end == NULL) {
        *text = line + strlen(line);
        return line;
    }
    *end = '\0';
    *text = end + 1;
    return line;
}

/* A key of RSA, 512 bits: enough for what must never fit. */
static const char keys_text[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"1\",\"e\":\"AQAB\",\"n\":"
    "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMst"
    "n64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
    "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1"
    "n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
    "kEgU8awapJzKnqDKgw\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json *keys;
    struct json_error error;
    bool ok = true;
    if (keys == NULL)
        keys = json_parse(keys_text, sizeof keys_text - 1, JSON_DEPTH_MAX, &error, &ok);
    char *text = mem_strndup((const char *)data, size), *rest = text;
    struct webhook webhook = {
        .id = next_line(&rest), .timestamp = next_line(&rest), .signature = next_line(&rest)};
    webhook.body = rest;
    webhook.len = size - (size_t)(rest - text);
    const char *const secrets[] = {secret(), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL}, *why = NULL;
    const char *const own[] = {secret(), NULL};
    webhook_check_standard(&webhook, secrets, INT64_C(1614265330000), &why);
    if (webhook_check_standard(&webhook, own, INT64_C(1614265330000), &why) == 0)
        bug("a forged webhook is taken");
    if (why == NULL || webhook_check_hmac(&webhook, own, &why) == 0)
        bug("a forged webhook is taken, or refused without a reason");
    if (webhook_is_jws(webhook.signature) && webhook_check_jws(&webhook, keys, &why) == WEBHOOK_GOOD)
        bug("a forged signature of the shop's is taken");
    struct json *theirs = json_parse(webhook.body, webhook.len, JSON_DEPTH_MAX, &error, &ok);
    if (ok && webhook_check_keys(theirs) == NULL)
        webhook_check_jws(&webhook, theirs, &why);
    json_free(theirs);
    free(text);
    return 0;
}
