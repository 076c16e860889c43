/* listing.c: see listing.h. */
#include "listing.h"

#include <stdio.h>
#include <string.h>

#include "inbound_map.h"
#include "mapping.h"
#include "mem.h"
#include "platform_inbound.h"

#define NO_ID "the record has no id, or one that is neither text of 1 to 256 bytes nor a whole number"

/* ---- what is asked ---- */

bool listing_by_graphql(const struct platform *platform, enum entity entity)
{
    return platform_graphql(platform, entity) && listing_has_query(entity) &&
           platform_inbound_object(platform, entity);
}

bool listing_is_there(const struct platform *platform, enum entity entity)
{
    const struct platform_lists *lists = platform_lists(platform);
    return platform_graphql(platform, entity) || (lists && lists->paths[entity]);
}

const char *listing_obstacle(const struct platform *platform, enum entity entity)
{
    const struct platform_lists *lists = platform_lists(platform);
    if (listing_by_graphql(platform, entity))
        return NULL;
    if (!lists || !lists->paths[entity])
        return "the platform's file names no list for this entity";
    return platform_base_url(platform) ? NULL : "the platform's address is not set: its variable is empty";
}

size_t listing_rows_max(const struct platform *platform, enum entity entity)
{
    const struct platform_lists *lists = platform_lists(platform);
    size_t most = lists ? (size_t)lists->page_rows : LISTING_GRAPHQL_ROWS;
    return listing_by_graphql(platform, entity) && most > LISTING_GRAPHQL_ROWS ? LISTING_GRAPHQL_ROWS : most;
}

const char *listing_path(const struct platform *platform, enum entity entity)
{
    return listing_by_graphql(platform, entity) ? "graphql" : platform_lists(platform)->paths[entity];
}

static void add_escaped(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_add_ch(out, *text);
        else
            buf_addf(out, "%%%02X", (unsigned char)*text);
    }
}

static void add_parameter(struct buf *url, const char *name, const char *value)
{
    buf_add_ch(url, strchr(url->data, '?') ? '&' : '?');
    add_escaped(url, name);
    buf_add_ch(url, '=');
    add_escaped(url, value);
}

void listing_url(const struct listing_page *listing, struct buf *url)
{
    const struct platform *platform = listing->platform;
    const struct platform_lists *lists = platform_lists(platform);
    char number[24];
    if (listing_by_graphql(platform, listing->entity)) {
        buf_add_str(url, platform_graphql(platform, listing->entity)->url);
        return;
    }
    buf_addf(url, "%s%s", platform_base_url(platform), lists->paths[listing->entity]);
    snprintf(number, sizeof number, "%zu", listing->rows);
    add_parameter(url, lists->limit_parameter, number);
    if (lists->tenant_parameter)
        add_parameter(url, lists->tenant_parameter, listing->tenant);
    if (listing->cursor)
        add_parameter(url, lists->cursor_parameter, listing->cursor);
}

void listing_body(const struct listing_page *listing, struct buf *body)
{
    if (listing_by_graphql(listing->platform, listing->entity))
        listing_graphql_body(listing, body);
}

/* ---- verdicts ---- */

static const char *failure_text(const struct answer *answer)
{
    return answer->error ? answer->error : "no answer";
}

static enum listing_verdict judge_status(const struct answer *answer, struct buf *why)
{
    int status = answer->status;
    if (status == 408 || status == 425 || status == 429 || status >= 500) {
        buf_addf(why, "the platform's list answered %d", status);
        return LISTING_LATER;
    }
    if (status == 413) {
        buf_add_str(why, "the platform's list answered 413: a page is too large, even with one row");
        return LISTING_SMALLER;
    }
    buf_addf(why, "the platform's list answered %d: %s", status,
             status == 401 || status == 403   ? "look at the credential"
             : status == 404 || status == 405 ? "look at the path in the platform's file"
             : status < 400                   ? "it leads elsewhere; look at the address and the path"
                                              : "look at what the platform's file says of its lists");
    return LISTING_PAUSE;
}

enum listing_verdict listing_judge(const struct answer *answer, struct buf *why)
{
    switch (answer->failure) {
    case ANSWER_OK:
        break;
    case ANSWER_TOO_LARGE:
        buf_addf(why, "a page of the platform's list is larger than %d bytes, even with one row",
                 TRANSFER_MAX);
        return LISTING_SMALLER;
    case ANSWER_TLS:
    case ANSWER_FORBIDDEN_ADDRESS:
        buf_addf(why, "the platform's list: %s", failure_text(answer));
        return LISTING_PAUSE;
    case ANSWER_TRANSPORT:
    case ANSWER_TIMEOUT_SENT:
        buf_addf(why, "the platform's list cannot be reached: %s", failure_text(answer));
        return LISTING_LATER;
    }
    if (answer->status < 200 || answer->status > 299)
        return judge_status(answer, why);
    if (answer->html) {
        buf_add_str(why,
                    "the platform's list answered HTML where JSON is due; look at the address and the path");
        return LISTING_PAUSE;
    }
    return LISTING_PAGE;
}

/* ---- rows ---- */

/* A platform that shows another tenant's rows must not hand them to this one. */
static bool is_foreign(const struct listing_page *listing, const struct platform_lists *lists,
                       const struct json *data)
{
    const struct json *value = lists->tenant_member ? json_get(data, lists->tenant_member) : NULL;
    const char *text = json_text(value, NULL);
    return value && (!text || strcmp(text, listing->tenant) != 0);
}

static void read_row(const struct listing_page *listing, const struct json *item, listing_cb row, void *arg)
{
    const struct platform_lists *lists = platform_lists(listing->platform);
    const struct json *record = lists->record ? inbound_find(item, lists->record) : item;
    struct buf id = BUF_INIT;
    const char *member, *reason = NULL;
    bool named;
    if (json_type(record) != JSON_OBJECT) {
        row(NULL, NULL, "the row is no object", arg);
        return;
    }
    named = mapping_entity_id(listing->platform, listing->entity, record, &id, &member) == 0;
    if (is_foreign(listing, lists, record))
        reason = "the row belongs to another tenant";
    else if (!named)
        reason = NO_ID;
    struct json *data = reason ? NULL : json_copy(record);
    if (data && lists->tenant_member)
        json_remove(data, lists->tenant_member);
    row(data, named ? id.data : NULL, reason, arg);
    buf_release(&id);
}

/* The next page's cursor as text, which may stand there as a number; NULL: there is none. */
static char *next_cursor(const struct listing_page *listing, const struct json *body, size_t rows)
{
    const struct platform_lists *lists = platform_lists(listing->platform);
    char text[32];
    int64_t at = listing->cursor ? strtoll(listing->cursor, NULL, 10) : 0;
    if (lists->paging == PLATFORM_CURSOR) {
        const char *next = json_text(inbound_find(body, lists->next), NULL);
        return next && *next ? mem_strdup(next) : NULL;
    }
    if (rows < listing->rows)
        return NULL;
    snprintf(text, sizeof text, "%lld",
             (long long)(lists->paging == PLATFORM_OFFSET ? at + (int64_t)rows : (at > 0 ? at : 1) + 1));
    return mem_strdup(text);
}

static enum listing_verdict read_rest(const struct listing_page *listing, const struct answer *answer,
                                      listing_cb row, void *arg, char **next, struct buf *why)
{
    const struct platform_lists *lists = platform_lists(listing->platform);
    enum listing_verdict verdict = listing_judge(answer, why);
    struct json_error error;
    bool ok;
    if (verdict != LISTING_PAGE)
        return verdict;
    struct json *body = json_parse(answer->body, answer->body_len, JSON_DEPTH_MAX, &error, &ok);
    const struct json *rows = !ok ? NULL : lists->rows ? inbound_find(body, lists->rows) : body;
    if (!ok || json_type(rows) != JSON_ARRAY) {
        if (ok)
            buf_addf(why, "the platform's list answered no rows: there is no list at %s",
                     lists->rows ? lists->rows : "the top");
        else
            buf_addf(why, "the platform's list answered what is no JSON: %s", error.detail);
        verdict = LISTING_PAUSE;
    } else {
        for (size_t i = 0; i < json_count(rows); i++)
            read_row(listing, json_at(rows, i), row, arg);
        *next = next_cursor(listing, body, json_count(rows));
    }
    if (ok)
        json_free(body);
    return verdict;
}

/* Would be read for ever. */
static bool goes_round(const struct listing_page *listing, const char *next)
{
    return next && listing->cursor && strcmp(next, listing->cursor) == 0;
}

enum listing_verdict listing_read(const struct listing_page *listing, const struct answer *answer,
                                  listing_cb row, void *arg, char **next, struct buf *why)
{
    enum listing_verdict verdict;
    *next = NULL;
    verdict = (listing_by_graphql(listing->platform, listing->entity) ? listing_read_graphql : read_rest)(
        listing, answer, row, arg, next, why);
    if (verdict == LISTING_PAGE && goes_round(listing, *next)) {
        buf_add_str(why,
                    "the platform's list names the same page as the next one for ever: look at the settings "
                    "next and cursor_parameter of its file");
        verdict = LISTING_PAUSE;
    }
    if (verdict != LISTING_PAGE) {
        free(*next);
        *next = NULL;
    }
    return verdict;
}
