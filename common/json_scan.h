/* json_scan.h: the strict one-pass JSON scanner; what it finds goes to a sink, in order. The rules are json.h's. */
#pragma once
#include <stddef.h>

#include "json.h"

#define JSON_SIZE_MAX ((size_t)256 << 20) /* larger texts are refused whatever the caller allows */

/* Every member is set. Texts are not NUL-terminated and live until the call returns. */
struct json_sink {
    void (*object)(void *arg);
    void (*array)(void *arg);
    void (*end)(void *arg); /* of the innermost object or array */
    void (*key)(void *arg, const char *key, size_t len);
    void (*text)(void *arg, const char *text, size_t len);
    void (*number)(void *arg, const char *text, size_t len);
    void (*word)(void *arg, char first); /* 't' true, 'f' false, 'n' null */
};

/* 0, or -1 and *error (may be NULL). A sink of NULL only checks. depth_max counts open objects and arrays; at most
 * JSON_DEPTH_MAX. */
int json_scan(const char *text, size_t len, unsigned depth_max, const struct json_sink *sink, void *arg,
              struct json_error *error);
