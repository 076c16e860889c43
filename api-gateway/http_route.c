/* http_route.c: from method and path to the handler. A literal segment goes before one in braces, from left to right. */
#include "http_inside.h"
#include "log.h"

void http_routes_add(struct http_routes *routes, const struct http_route *rows, size_t count, void *arg)
{
    for (size_t i = 0; i < count; i++) {
        if (routes->count == HTTP_ROUTES_MAX)
            bug("http: more than %d routes", HTTP_ROUTES_MAX);
        routes->entries[routes->count++] = (struct http_entry){&rows[i], arg};
    }
}

static size_t segment_len(const char *at)
{
    return strcspn(at, "/");
}

/* Does the path have the pattern's shape? *literal gets a bit per literal segment, the leftmost highest. */
static bool shape_matches(const char *pattern, const char *path, unsigned *literal)
{
    *literal = 0;
    for (unsigned bit = 1U << 31; *pattern == '/' && *path == '/'; bit >>= 1) {
        size_t want = segment_len(++pattern), have = segment_len(++path);
        if (*pattern == '{') {
            if (have == 0)
                return false;
        } else {
            if (want != have || memcmp(pattern, path, want) != 0)
                return false;
            *literal |= bit;
        }
        pattern += want;
        path += have;
    }
    return *pattern == '\0' && *path == '\0';
}

int http_routes_params(struct http_match *match, const char *path, char *text)
{
    const char *pattern = match->route->path;
    while (*pattern == '/') {
        size_t want = segment_len(++pattern), have = segment_len(++path);
        if (*pattern == '{') {
            if (match->count == HTTP_PARAMS_MAX)
                bug("http: more than %d parameters in %s", HTTP_PARAMS_MAX, match->route->path);
            if (http_decode(path, have, false, text) < 0)
                return -1;
            match->params[match->count++] = (struct http_param){pattern + 1, want - 2, text};
            text += have + 1;
        }
        pattern += want;
        path += have;
    }
    return 0;
}

void http_routes_match(const struct http_routes *routes, unsigned method, const char *path,
                       struct http_match *match)
{
    unsigned wanted = method == HTTP_HEAD ? HTTP_GET : method;
    unsigned best = 0;
    *match = (struct http_match){0};
    for (size_t i = 0; i < routes->count; i++) {
        const struct http_entry *entry = &routes->entries[i];
        unsigned literal;
        if (!shape_matches(entry->route->path, path, &literal))
            continue;
        match->allowed |= entry->route->method;
        if (entry->route->method != wanted || (match->route != NULL && literal <= best))
            continue;
        best = literal;
        match->route = entry->route;
        match->arg = entry->arg;
    }
}

void http_methods_text(unsigned methods, char *text, size_t size)
{
    static const struct {
        unsigned method;
        const char *name;
    } names[] = {{HTTP_GET, "GET"},     {HTTP_HEAD, "HEAD"},     {HTTP_POST, "POST"},      {HTTP_PUT, "PUT"},
                 {HTTP_PATCH, "PATCH"}, {HTTP_DELETE, "DELETE"}, {HTTP_OPTIONS, "OPTIONS"}};
    size_t len = 0;
    text[0] = '\0';
    methods |= HTTP_OPTIONS | ((methods & HTTP_GET) != 0 ? HTTP_HEAD : 0);
    for (size_t i = 0; i < sizeof names / sizeof *names && len < size; i++) {
        if ((methods & names[i].method) != 0)
            len += (size_t)snprintf(text + len, size - len, "%s%s", len > 0 ? ", " : "", names[i].name);
    }
}
