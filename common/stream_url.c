/*
 * stream_url.c: reads redis:// and unix:// URLs. A sentence of refusal names the part, never its content: a password may
 * stand in it.
 */
#include "stream_internal.h"

#include "mem.h"

#define DATABASE_MAX 65535

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A part of the URL with its %XX decoded; NULL when one is wrong. The caller frees it. */
static char *decode(const char *text, size_t len)
{
    char *out = mem_alloc(len + 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            out[used++] = text[i];
            continue;
        }
        int high = i + 2 < len ? hex_value(text[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low < 0 || high * 16 + low == 0) {
            free(out);
            return NULL;
        }
        out[used++] = (char)(high * 16 + low);
        i += 2;
    }
    return out;
}

static int number(const char *text, size_t len, int64_t max, int64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        *value = *value * 10 + (text[i] - '0');
        if (*value > max)
            return -1;
    }
    return len ? 0 : -1;
}

static int credentials(struct stream_url *url, const char *text, size_t len, const char **why)
{
    const char *colon = memchr(text, ':', len);
    if (!colon) {
        *why = "the Redis URL has a user without a password: write redis://user:password@host, or "
               "redis://:password@host";
        return -1;
    }
    size_t user_len = (size_t)(colon - text);
    if (user_len)
        url->user = decode(text, user_len);
    if (user_len + 1 < len)
        url->password = decode(colon + 1, len - user_len - 1);
    if ((user_len && !url->user) || (user_len + 1 < len && !url->password)) {
        *why = "the Redis URL has a % in its user or password without two hexadecimal digits after it: write "
               "% as %25";
        return -1;
    }
    if (url->user && !url->password) {
        *why = "the Redis URL has a user with an empty password";
        return -1;
    }
    return 0;
}

static int host_and_port(struct stream_url *url, const char *text, size_t len, const char **why)
{
    const char *host = text, *after = NULL;
    size_t host_len = len;
    if (len && text[0] == '[') { /* IPv6 */
        after = memchr(text, ']', len);
        if (!after) {
            *why = "the Redis URL's host opens a bracket and does not close it";
            return -1;
        }
        host = text + 1;
        host_len = (size_t)(after - host);
        after++;
    } else if ((after = memchr(text, ':', len))) {
        host_len = (size_t)(after - text);
    } else {
        after = text + len;
    }
    int64_t port = 6379;
    size_t left = len - (size_t)(after - text);
    if (left && (*after != ':' || number(after + 1, left - 1, 65535, &port) || port == 0)) {
        *why = "the Redis URL's port is not a number from 1 to 65535";
        return -1;
    }
    url->port = (uint16_t)port;
    url->host = host_len ? decode(host, host_len) : mem_strdup("localhost");
    if (!url->host)
        *why = "the Redis URL's host is not valid";
    return url->host ? 0 : -1;
}

/* What stands after the path: only db=N means something, everything else is for other programs. */
static int parameters(struct stream_url *url, const char *text, const char **why)
{
    while (text && *text) {
        size_t len = strcspn(text, "&");
        if (len >= 3 && strncmp(text, "db=", 3) == 0 &&
            number(text + 3, len - 3, DATABASE_MAX, &url->database)) {
            *why = "the Redis URL's db= is not a number from 0 to 65535";
            return -1;
        }
        text += len + (text[len] == '&');
    }
    return 0;
}

static int parse_tcp(struct stream_url *url, const char *text, const char **why)
{
    size_t authority = strcspn(text, "/?#");
    const char *path = text + authority;
    const char *at = memrchr(text, '@', authority);
    if (at && credentials(url, text, (size_t)(at - text), why))
        return -1;
    const char *host = at ? at + 1 : text;
    if (host_and_port(url, host, authority - (size_t)(host - text), why))
        return -1;
    path += *path == '/';
    size_t len = strcspn(path, "?#");
    if (len && number(path, len, DATABASE_MAX, &url->database)) {
        *why = "the Redis URL's database is not a number from 0 to 65535: write redis://host:port/0";
        return -1;
    }
    return parameters(url, path[len] == '?' ? path + len + 1 : NULL, why);
}

static int parse_unix(struct stream_url *url, const char *text, const char **why)
{
    size_t len = strcspn(text, "?");
    const char *at = memchr(text, '@', len);
    const char *path = at ? at + 1 : text;
    if (at && credentials(url, text, (size_t)(at - text), why))
        return -1;
    if (*path == '/')
        url->path = decode(path, len - (size_t)(path - text));
    if (!url->path) {
        *why = "the Redis URL's socket is not an absolute path: write unix:///run/redis/redis.sock";
        return -1;
    }
    return parameters(url, text[len] == '?' ? text + len + 1 : NULL, why);
}

int stream_url_parse(struct stream_url *url, const char *text, const char **why)
{
    memset(url, 0, sizeof(*url));
    int failed = -1;
    if (strncmp(text, "redis://", 8) == 0)
        failed = parse_tcp(url, text + 8, why);
    else if (strncmp(text, "unix://", 7) == 0)
        failed = parse_unix(url, text + 7, why);
    else if (strncmp(text, "rediss://", 9) == 0)
        *why = "rediss:// (TLS) is not supported: use redis:// to a local proxy such as stunnel, or a "
               "private network";
    else
        *why = "the Redis URL does not begin with redis:// or unix://: write redis://host:port/0";
    if (failed)
        stream_url_release(url);
    return failed;
}

void stream_url_release(struct stream_url *url)
{
    free(url->host);
    free(url->path);
    free(url->user);
    free(url->password);
    memset(url, 0, sizeof(*url));
}

int stream_check_url(const char *url, const char **why)
{
    struct stream_url parsed;
    if (stream_url_parse(&parsed, url, why))
        return -1;
    stream_url_release(&parsed);
    return 0;
}
