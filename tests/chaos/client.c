/* client.c: see client.h. */
#include "client.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "stack.h"
#include "transfer.h"

#define CONNECTIONS 32
#define UNDER_WAY_MAX 28
#define BULK_MAX 8
#define BULK_PERCENT 15
#define HANG_UP_PERCENT 2
#define ASK_AGAIN_PERCENT 3
#define TIMEOUT_MS 6000
#define REPEAT_MS 300
#define URLS_MAX 4

struct post {
    TAILQ_ENTRY(post) link;
    struct client *client;
    struct transfer *transfer; /* NULL: waits to be repeated */
    int64_t due_ms;            /* to be repeated, or to be hung up on; 0: neither */
    bool bulk;
    unsigned count;
    struct entry *entries[BULK_MAX];
};
TAILQ_HEAD(post_list, post);

struct client {
    struct transfers *transfers;
    struct ledger *ledger;
    struct draw draw; /* gateways, bulks, hanging up */
    char urls[URLS_MAX][64];
    unsigned url_count;
    char *tokens[LEDGER_TENANTS];
    struct post_list posts;
    size_t under_way;
    struct client_counts counts;
    struct buf complaints;
};

static void read_urls(struct client *client)
{
    const char *at = stack_setting("API_URLS");

    while (*at && client->url_count < URLS_MAX) {
        size_t len = strcspn(at, " ");
        snprintf(client->urls[client->url_count++], 64, "%.*s", (int)len, at);
        at += len + strspn(at + len, " ");
    }
}

struct client *client_new(struct event_base *base, struct ledger *ledger)
{
    struct client *client = mem_alloc(sizeof *client);

    client->ledger = ledger;
    client->draw.state = ledger->seed * 3 + 7;
    client->transfers = transfers_new(base, CONNECTIONS);
    TAILQ_INIT(&client->posts);
    buf_init(&client->complaints);
    read_urls(client);
    for (unsigned i = 0; i < LEDGER_TENANTS; i++)
        client->tokens[i] = stack_token(record_tenant(i));
    return client;
}

static void post_free(struct post *post)
{
    TAILQ_REMOVE(&post->client->posts, post, link);
    for (unsigned i = 0; i < post->count; i++)
        post->entries[i]->in_flight = false;
    free(post);
}

void client_free(struct client **client)
{
    if (!*client)
        return;
    transfers_free(&(*client)->transfers);
    while (!TAILQ_EMPTY(&(*client)->posts))
        post_free(TAILQ_FIRST(&(*client)->posts));
    for (unsigned i = 0; i < LEDGER_TENANTS; i++)
        free((*client)->tokens[i]);
    buf_release(&(*client)->complaints);
    free(*client);
    *client = NULL;
}

/* ── answers ── */

static void complain(struct client *client, const struct entry *entry, int status, const char *text,
                     size_t len)
{
    if (client->complaints.len < 4096)
        buf_addf(&client->complaints, "event %u: answered %d %.*s\n", entry->number, status,
                 (int)(len < 200 ? len : 200), text);
}

/* What an answer to one event says: an id, or a problem (NULL: none was read). */
static void judge(struct client *client, struct entry *entry, int status, const char *id,
                  const struct json *problem)
{
    const char *type = json_get_text(problem, "type"), *detail = json_get_text(problem, "detail");

    if (id) {
        ledger_accepted(client->ledger, entry, id);
    } else if (status == 503 && type && strstr(type, "outcome-unknown")) {
        client->counts.unknown++;
        ledger_unknown(client->ledger, entry);
    } else if (status == 503 || status == 429 || status == 409) {
        client->counts.unavailable++;
        ledger_refused(client->ledger, entry);
    } else {
        complain(client, entry, status, detail ? detail : "", detail ? strlen(detail) : 0);
        ledger_unknown(client->ledger, entry);
    }
}

static void judge_bulk(struct post *post, const struct json *answer)
{
    const struct json *results = json_get(answer, "results");

    for (unsigned i = 0; i < post->count; i++) {
        const struct json *result = json_at(results, i), *error = json_get(result, "error");
        int64_t status = 0;
        if (error && json_get(error, "status"))
            json_int64(json_get(error, "status"), &status);
        judge(post->client, post->entries[i], (int)status, json_get_text(result, "event_id"), error);
    }
}

static void judge_answer(struct post *post, const struct answer *answer)
{
    struct client *client = post->client;
    struct json_error where;
    bool ok;
    struct json *json = json_parse(answer->body, answer->body_len, JSON_DEPTH_MAX, &where, &ok);

    if (!ok)
        json = NULL;
    if (post->bulk && answer->status == 200 && json_count(json_get(json, "results")) == post->count)
        judge_bulk(post, json);
    else
        for (unsigned i = 0; i < post->count; i++)
            judge(client, post->entries[i], answer->status,
                  answer->status == 200 && !post->bulk ? json_get_text(json, "event_id") : NULL, json);
    if (ok)
        json_free(json);
}

/* Entries whose fate is known, or never will be, leave the post. */
static void keep_unknown(struct post *post)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < post->count; i++) {
        struct entry *entry = post->entries[i];
        if (entry_wants_retry(entry))
            post->entries[kept++] = entry;
        else
            entry->in_flight = false;
    }
    post->count = kept;
}

static void ended(struct post *post)
{
    post->transfer = NULL;
    post->client->under_way--;
    keep_unknown(post);
    if (post->count == 0) {
        post_free(post);
        return;
    }
    post->due_ms = clock_mono_ms() + draw_between(&post->client->draw, REPEAT_MS / 2, REPEAT_MS * 2);
}

static void no_answer(struct post *post)
{
    for (unsigned i = 0; i < post->count; i++)
        ledger_unknown(post->client->ledger, post->entries[i]);
    ended(post);
}

static void on_answer(const struct answer *answer, void *arg)
{
    struct post *post = arg;

    if (answer->failure != ANSWER_OK) {
        post->client->counts.failed++;
        no_answer(post);
        return;
    }
    judge_answer(post, answer);
    ended(post);
}

/* ── requests ── */

static void write_request(struct post *post, struct buf *body, struct buf *key)
{
    const struct ledger *ledger = post->client->ledger;
    char text[48];

    if (!post->bulk) {
        entry_body(ledger, post->entries[0], body);
        entry_key_text(ledger, post->entries[0], text);
        if (post->entries[0]->key == KEY_HEADER)
            buf_addf(key, "Idempotency-Key: %s", text);
        return;
    }
    buf_add_str(body, "{\"events\":[");
    for (unsigned i = 0; i < post->count; i++) {
        if (i)
            buf_add_ch(body, ',');
        entry_body(ledger, post->entries[i], body);
    }
    buf_add_str(body, "]}");
}

static void start(struct post *post)
{
    struct client *client = post->client;
    struct buf url = BUF_INIT, body = BUF_INIT, key = BUF_INIT, token = BUF_INIT;
    struct transfer_request request = {
        .method = PLATFORM_POST, .timeout_ms = TIMEOUT_MS, .allow_private = true};

    write_request(post, &body, &key);
    buf_addf(&url, "%s/sync/events%s", client->urls[draw_below(&client->draw, client->url_count)],
             post->bulk ? "/bulk" : "");
    buf_addf(&token, "Authorization: Bearer %s", client->tokens[post->entries[0]->record % LEDGER_TENANTS]);
    request.url = url.data;
    request.body = body.data;
    request.body_len = body.len;
    request.headers[0] = "Content-Type: application/json";
    request.headers[1] = token.data;
    request.headers[2] = key.len ? key.data : NULL;
    for (unsigned i = 0; i < post->count; i++) {
        post->entries[i]->in_flight = true;
        if (post->entries[i]->tries++ == 0)
            post->entries[i]->posted_us = clock_wall_us();
    }
    client->counts.requests++;
    client->counts.bulks += post->bulk;
    client->under_way++;
    post->due_ms = draw_chance(&client->draw, HANG_UP_PERCENT)
                       ? clock_mono_ms() + draw_between(&client->draw, 1, 15)
                       : 0;
    post->transfer = transfer_start(client->transfers, &request, on_answer, post);
    buf_release(&url);
    buf_release(&body);
    buf_release(&key);
    buf_release(&token);
}

static struct post *post_new(struct client *client, struct entry *first)
{
    struct post *post = mem_alloc(sizeof *post);

    post->client = client;
    post->entries[post->count++] = first;
    TAILQ_INSERT_TAIL(&client->posts, post, link);
    return post;
}

/* A bulk is one tenant's; what has its key in a header goes singly. Drawn entries are never thrown away. */
static void fill_bulk(struct post *post)
{
    struct client *client = post->client;
    unsigned wanted = 2 + draw_below(&client->draw, BULK_MAX - 2),
             tenant = post->entries[0]->record % LEDGER_TENANTS;

    post->bulk = true;
    for (unsigned tries = 0; post->count < wanted && tries < 3 * BULK_MAX; tries++) {
        struct entry *entry = ledger_draw(client->ledger);
        if (!entry)
            return;
        if (entry->record % LEDGER_TENANTS == tenant && entry->key != KEY_HEADER)
            post->entries[post->count++] = entry;
        else
            start(post_new(client, entry));
    }
}

void client_post(struct client *client)
{
    struct entry *entry = NULL;
    bool again = draw_chance(&client->draw, ASK_AGAIN_PERCENT);
    struct post *post;

    if (client->under_way >= UNDER_WAY_MAX)
        return;
    if (again && (entry = ledger_draw_repeat(client->ledger)))
        client->counts.repeated++;
    if (!entry) {
        again = false;
        entry = ledger_draw(client->ledger);
    }
    if (!entry)
        return;
    post = post_new(client, entry);
    if (!again && entry->key != KEY_HEADER && draw_chance(&client->draw, BULK_PERCENT))
        fill_bulk(post);
    start(post);
}

void client_tick(struct client *client)
{
    int64_t now = clock_mono_ms();
    struct post *post, *next;

    for (post = TAILQ_FIRST(&client->posts); post; post = next) {
        next = TAILQ_NEXT(post, link);
        if (!post->due_ms || post->due_ms > now)
            continue;
        post->due_ms = 0;
        if (!post->transfer) {
            start(post);
        } else {
            client->counts.hung_up++;
            transfer_abort(client->transfers, post->transfer);
            no_answer(post);
        }
    }
}

size_t client_open(const struct client *client)
{
    const struct post *post;
    size_t open = 0;

    TAILQ_FOREACH(post, &client->posts, link)
    open++;
    return open;
}

struct client_counts client_counts(const struct client *client)
{
    return client->counts;
}

const char *client_complaints(const struct client *client)
{
    return client->complaints.data;
}
