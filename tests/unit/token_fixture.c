/* token_fixture.c: tokens made with nothing of auth.c: HS256 by hand, RS256 and ES256 by the openssl command. */
#include "token_fixture.h"

#include <check.h>
#include <unistd.h>

#include "digest.h"
#include "mem.h"

static char dir[] = "/tmp/test_token.XXXXXX";
struct buf token_rsa_public, token_ec_public;

static void add_base64url(struct buf *out, const void *data, size_t len)
{
    size_t start = out->len;

    digest_base64(out, data, len);
    for (size_t i = start; i < out->len; i++) {
        if (out->data[i] == '+')
            out->data[i] = '-';
        if (out->data[i] == '/')
            out->data[i] = '_';
        if (out->data[i] == '=') {
            out->len = i;
            out->data[i] = '\0';
        }
    }
}

void token_add_unsigned(struct buf *out, const char *header, const char *claims)
{
    add_base64url(out, header, strlen(header));
    buf_add_ch(out, '.');
    add_base64url(out, claims, strlen(claims));
}

struct buf token_hs256(const char *header, const char *claims, const char *secret)
{
    struct buf token;
    uint8_t mac[32];

    buf_init(&token);
    token_add_unsigned(&token, header, claims);
    digest_hmac_sha256(secret, strlen(secret), token.data, token.len, mac);
    buf_add_ch(&token, '.');
    add_base64url(&token, mac, sizeof mac);
    return token;
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char command[512];
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    ck_assert_msg(system(command) == 0, "this command fails: %s", command);
}

static void read_file(const char *name, struct buf *out)
{
    char path[128], block[4096];
    size_t got;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        buf_add(out, block, got);
    fclose(file);
}

/* SEQUENCE { INTEGER r, INTEGER s } as openssl writes it, into the 64 bytes that JWS wants (RFC 7518 §3.4). */
static void der_to_raw(struct buf *signature)
{
    const uint8_t *in = (const uint8_t *)signature->data + 2;
    uint8_t raw[64] = {0};

    for (int i = 0; i < 2; i++) {
        size_t len = in[1];
        const uint8_t *number = in + 2;

        in = number + len;
        while (len > 32)
            number++, len--;
        memcpy(raw + 32 * i + (32 - len), number, len);
    }
    buf_reset(signature);
    buf_add(signature, raw, sizeof raw);
}

struct buf token_with_key(const char *alg, const char *key_file, const char *claims)
{
    struct buf token, signature;
    char header[64], path[128];
    FILE *file;

    buf_init(&token);
    buf_init(&signature);
    snprintf(header, sizeof header, "{\"alg\":\"%s\"}", alg);
    token_add_unsigned(&token, header, claims);
    snprintf(path, sizeof path, "%s/input", dir);
    file = fopen(path, "wb");
    ck_assert(file && fwrite(token.data, 1, token.len, file) == token.len && fclose(file) == 0);
    run("openssl dgst -sha256 -sign %s/%s -out %s/signature %s/input", dir, key_file, dir, dir);
    read_file("signature", &signature);
    if (strcmp(key_file, "ec.pem") == 0)
        der_to_raw(&signature);
    buf_add_ch(&token, '.');
    add_base64url(&token, signature.data, signature.len);
    buf_release(&signature);
    return token;
}

void token_make_keys(void)
{
    ck_assert(mkdtemp(dir) != NULL);
    run("openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out %s/rsa.pem 2>/dev/null || "
        "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out %s/rsa.pem 2>/dev/null",
        dir, dir);
    run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s/ec.pem", dir);
    run("openssl pkey -in %s/rsa.pem -pubout -out %s/rsa.pub && openssl pkey -in %s/ec.pem -pubout -out "
        "%s/ec.pub",
        dir, dir, dir, dir);
    buf_init(&token_rsa_public);
    buf_init(&token_ec_public);
    read_file("rsa.pub", &token_rsa_public);
    read_file("ec.pub", &token_ec_public);
}

void token_remove_keys(void)
{
    run("rm -r %s", dir);
    buf_release(&token_rsa_public);
    buf_release(&token_ec_public);
}
