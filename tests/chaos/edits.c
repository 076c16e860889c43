/* edits.c: see edits.h. */
#include "edits.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "draw.h"
#include "log.h"
#include "mem.h"
#include "member.h"
#include "rules.h"
#include "stack.h"
#include "store.h"
#include "timefmt.h"
#include "transfer.h"

#define TENANTS 3
#define CONNECTIONS 24
#define TIMEOUT_MS 6000
#define REPEAT_MS 300
#define URLS_MAX 4
#define TOGETHER_PERCENT 60   /* edits that are not alone */
#define SAME_FIELD_PERCENT 60 /* and are of the same field */
#define BASE_PERCENT 75       /* edits that say which version they were made on */
#define DECIDE_EVERY_MS 1500
#define DECISIONS_MAX 4

/* A request under way: of an edit, or of a decision. */
struct task {
    struct task *next;
    struct edits *edits;
    struct edit *edit;     /* NULL: a decision */
    char conflict[40];     /* of a decision */
    unsigned tenant, side; /* the platform whose side is chosen */
    struct transfer *transfer;
    int64_t due_ms; /* to be sent, or sent again; 0: under way */
};

struct edits {
    struct transfers *transfers;
    struct draw draw;
    uint64_t seed;
    char urls[URLS_MAX][64];
    unsigned url_count;
    char *tokens[TENANTS];
    struct edit **all;
    size_t count;
    struct task *tasks;
    bool made[EDITS_RECORDS], busy[EDITS_RECORDS][PLATFORMS];
    int64_t clocks_ms[PLATFORMS]; /* how wrong each platform's is */
    int64_t decide_ms;
    struct edits_counts counts;
    struct buf complaints;
};

const char *edits_tenant(unsigned record)
{
    static const char *const tenants[TENANTS] = {"edits-a", "edits-b", "edits-c"};

    return tenants[record / EDITS_ENTITIES % TENANTS];
}

const struct edit_entity *edits_entity(unsigned record)
{
    return &edit_entities[record % EDITS_ENTITIES];
}

void edits_record_id(const struct edits *edits, unsigned record, char id[32])
{
    snprintf(id, 32, "r%llu-%u", (unsigned long long)edits->seed % 1000000, record);
}

static void read_urls(struct edits *edits)
{
    const char *at = stack_setting("API_URLS");

    while (*at && edits->url_count < URLS_MAX) {
        size_t len = strcspn(at, " ");
        snprintf(edits->urls[edits->url_count++], 64, "%.*s", (int)len, at);
        at += len + strspn(at + len, " ");
    }
}

struct edits *edits_new(struct event_base *base, uint64_t seed)
{
    struct edits *edits = mem_alloc(sizeof *edits);

    edits->seed = seed;
    edits->draw.state = seed * 5 + 3;
    edits->transfers = transfers_new(base, CONNECTIONS);
    buf_init(&edits->complaints);
    read_urls(edits);
    for (unsigned i = 0; i < TENANTS; i++)
        edits->tokens[i] = stack_token(edits_tenant(i * EDITS_ENTITIES));
    for (unsigned i = 0; i < PLATFORMS; i++)
        edits->clocks_ms[i] = draw_chance(&edits->draw, 70)
                                  ? draw_between(&edits->draw, -4 * 3600000, 4 * 3600000)
                                  : draw_between(&edits->draw, -40000, 40000);
    return edits;
}

void edits_free(struct edits **edits)
{
    if (!*edits)
        return;
    transfers_free(&(*edits)->transfers);
    for (struct task *task = (*edits)->tasks, *next; task; task = next) {
        next = task->next;
        free(task);
    }
    for (size_t i = 0; i < (*edits)->count; i++) {
        json_free((*edits)->all[i]->value);
        free((*edits)->all[i]->body);
        free((*edits)->all[i]);
    }
    for (unsigned i = 0; i < TENANTS; i++)
        free((*edits)->tokens[i]);
    free((*edits)->all);
    buf_release(&(*edits)->complaints);
    free(*edits);
    *edits = NULL;
}

/* ── telling the service ── */

static void submit(struct task *task);

static void again(struct task *task)
{
    task->due_ms = clock_mono_ms() + draw_between(&task->edits->draw, REPEAT_MS / 2, REPEAT_MS * 2);
}

static void done(struct task *task)
{
    struct task **at = &task->edits->tasks;

    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    if (task->edit)
        task->edits->busy[task->edit->record][task->edit->platform] = false;
    free(task);
}

static void judge_edit(struct task *task, const struct answer *answer, const struct json *json)
{
    struct edits *edits = task->edits;
    const char *id = answer->status == 200 ? json_get_text(json, "event_id") : NULL;

    if (!id && (answer->status == 503 || answer->status == 429 || answer->status == 409)) {
        edits->counts.unavailable++;
        again(task);
        return;
    }
    if (id)
        snprintf(task->edit->event, sizeof task->edit->event, "%s", id);
    else if (edits->complaints.len < 4096)
        buf_addf(&edits->complaints, "edit %u: answered %d %.*s\n%s\n", task->edit->number, answer->status,
                 (int)(answer->body_len < 300 ? answer->body_len : 300), answer->body, task->edit->body);
    done(task);
}

/* 409: a policy, a later change or another person was faster. 422: that platform has no side. 404: the conflict is gone. */
static void judge_decision(struct task *task, const struct answer *answer)
{
    struct edits_counts *counts = &task->edits->counts;

    if (answer->status == 503 || answer->status == 429) {
        again(task);
        return;
    }
    if (answer->status == 422 && task->side + 1 < PLATFORMS) {
        task->side++;
        again(task);
        return;
    }
    if (answer->status == 200)
        counts->decided++;
    else if (answer->status == 409)
        counts->faster++;
    else if (task->edits->complaints.len < 4096)
        buf_addf(&task->edits->complaints, "decision of %s: answered %d %.*s\n", task->conflict,
                 answer->status, (int)(answer->body_len < 300 ? answer->body_len : 300), answer->body);
    done(task);
}

static void on_answer(const struct answer *answer, void *arg)
{
    struct task *task = arg;
    struct json_error where;
    struct json *json;
    bool ok;

    task->transfer = NULL;
    if (answer->failure != ANSWER_OK) {
        task->edits->counts.failed++;
        again(task);
        return;
    }
    json = json_parse(answer->body, answer->body_len, JSON_DEPTH_MAX, &where, &ok);
    if (task->edit)
        judge_edit(task, answer, ok ? json : NULL);
    else
        judge_decision(task, answer);
    if (ok)
        json_free(json);
}

static void submit(struct task *task)
{
    struct edits *edits = task->edits;
    struct buf url = BUF_INIT, token = BUF_INIT;
    char key[64], decision[96];
    struct transfer_request request = {
        .method = PLATFORM_POST, .timeout_ms = TIMEOUT_MS, .allow_private = true};

    buf_addf(&url, "%s/sync/", edits->urls[draw_below(&edits->draw, edits->url_count)]);
    buf_addf(&token, "Authorization: Bearer %s", edits->tokens[task->tenant]);
    request.headers[0] = "Content-Type: application/json";
    request.headers[1] = token.data;
    if (task->edit) {
        buf_add_str(&url, "events");
        snprintf(key, sizeof key, "Idempotency-Key: s%llu-edit%u", (unsigned long long)edits->seed % 1000000,
                 task->edit->number);
        request.headers[2] = key;
        request.body = task->edit->body;
        task->edit->tries++;
    } else {
        buf_addf(&url, "conflicts/%s/resolve", task->conflict);
        snprintf(decision, sizeof decision, "{\"choose\":\"%s\"}", chaos_platforms[task->side]);
        request.body = decision;
    }
    request.url = url.data;
    request.body_len = strlen(request.body);
    edits->counts.requests++;
    task->due_ms = 0;
    task->transfer = transfer_start(edits->transfers, &request, on_answer, task);
    buf_release(&url);
    buf_release(&token);
}

static struct task *task_new(struct edits *edits, unsigned tenant)
{
    struct task *task = mem_alloc(sizeof *task);

    task->edits = edits;
    task->tenant = tenant;
    task->next = edits->tasks;
    edits->tasks = task;
    return task;
}

/* ── changing ── */

static struct edit *edit_new(struct edits *edits, unsigned record, unsigned platform)
{
    struct edit *edit = mem_alloc(sizeof *edit);

    edit->number = (unsigned)edits->count + 1;
    edit->record = record;
    edit->platform = platform;
    return edit;
}

static void edit_free(struct edit *edit)
{
    json_free(edit->value);
    free(edit);
}

/* As the platform would tell of it: its own names, its own clock. */
static void write_event(const struct edits *edits, struct edit *edit, const char *id, struct json *told)
{
    static const char *const all[PLATFORMS] = {"\"coreldove\",\"bizosaas\"", "\"bizoholic\",\"bizosaas\"",
                                               "\"bizoholic\",\"coreldove\""};
    struct buf body = BUF_INIT;
    char time[40];

    timefmt_rfc3339(clock_wall_us() / 1000 + edits->clocks_ms[edit->platform], time);
    json_set(told, edits_entity(edit->record)->id[edit->platform], json_new_text(id));
    buf_addf(&body,
             "{\"event_type\":\"%s_%s\",\"source_platform\":\"%s\",\"target_platforms\":[%s],\"tenant_id\":"
             "\"%s\",\"max_retries\":60,\"occurred_at\":\"%s\",",
             edits_entity(edit->record)->name, edit->field ? "updated" : "created",
             chaos_platforms[edit->platform], all[edit->platform], edits_tenant(edit->record), time);
    if (edit->base)
        buf_addf(&body, "\"base_version\":%lld,", (long long)edit->base);
    buf_add_str(&body, "\"data\":");
    json_write(&body, told);
    buf_add_ch(&body, '}');
    edit->body = buf_detach(&body, NULL);
}

/* Changes it at the platform, and begins to tell of it. Where the platform does not have the record nothing happens. */
static void carry_out(struct edits *edits, struct edit *edit, const char *id, const char *request)
{
    struct buf url = BUF_INIT;
    struct json *answer, *told = NULL;
    struct task *task;

    buf_addf(&url, "%s/edit/%s?tenant=%s", rules_url(chaos_platforms[edit->platform]),
             edits_entity(edit->record)->name, edits_tenant(edit->record));
    edit->edited_us = clock_wall_us();
    answer = stack_ask("POST", url.data, request);
    buf_release(&url);
    if (!(told = json_get(answer, "data"))) {
        json_free(answer);
        edit_free(edit);
        return;
    }
    edit->held = member_int(answer, "version");
    if (draw_chance(&edits->draw, BASE_PERCENT))
        edit->base = edit->held;
    write_event(edits, edit, id, told);
    json_free(answer);
    if ((edits->count & (edits->count - 1)) == 0)
        edits->all = mem_realloc(edits->all, (edits->count ? edits->count * 2 : 1) * sizeof(struct edit *));
    edits->all[edits->count++] = edit;
    edits->busy[edit->record][edit->platform] = true;
    task = task_new(edits, edit->record / EDITS_ENTITIES % TENANTS);
    task->edit = edit;
    submit(task);
}

static void change(struct edits *edits, unsigned record, unsigned platform, const struct edit_field *field)
{
    struct buf request = BUF_INIT;
    struct edit *edit;
    char id[32];

    if (edits->busy[record][platform])
        return;
    edits_record_id(edits, record, id);
    edit = edit_new(edits, record, platform);
    edit->field = field;
    if (field)
        edit_draw(&edits->draw, edit, id, &request);
    else
        edit_draw_create(edit, id, &request);
    carry_out(edits, edit, id, request.data);
    buf_release(&request);
}

void edits_make(struct edits *edits)
{
    unsigned record = draw_below(&edits->draw, EDITS_RECORDS), first = draw_below(&edits->draw, PLATFORMS);
    const struct edit_entity *entity = edits_entity(record);
    const struct edit_field *field = &entity->fields[draw_below(&edits->draw, (unsigned)entity->field_count)];

    if (!edits->made[record]) {
        edits->made[record] = true;
        change(edits, record, 2, NULL);
        return;
    }
    change(edits, record, first, field);
    for (unsigned i = 1; i < PLATFORMS && draw_chance(&edits->draw, TOGETHER_PERCENT); i++) {
        if (!draw_chance(&edits->draw, SAME_FIELD_PERCENT))
            field = &entity->fields[draw_below(&edits->draw, (unsigned)entity->field_count)];
        change(edits, record, (first + i) % PLATFORMS, field);
    }
}

/* ── deciding ── */

static bool under_way(const struct edits *edits, const char *conflict)
{
    for (const struct task *task = edits->tasks; task; task = task->next)
        if (!task->edit && strcmp(task->conflict, conflict) == 0)
            return true;
    return false;
}

static void decide(struct edits *edits, unsigned percent, unsigned max)
{
    struct rows *rows = store_query(
        "SELECT id, tenant_id FROM sync_conflicts WHERE status = 'waiting' ORDER BY id LIMIT 200");

    for (unsigned i = 0; rows && i < store_count(rows) && max > 0; i++) {
        unsigned tenant = (unsigned)(store_text(rows, i, 1)[6] - 'a');
        if (tenant >= TENANTS || under_way(edits, store_text(rows, i, 0)) ||
            !draw_chance(&edits->draw, percent))
            continue;
        struct task *task = task_new(edits, tenant);
        snprintf(task->conflict, sizeof task->conflict, "%s", store_text(rows, i, 0));
        task->side = draw_below(&edits->draw, PLATFORMS) % 2;
        submit(task);
        max--;
    }
    store_rows_free(&rows);
}

void edits_decide_some(struct edits *edits)
{
    decide(edits, 50, 1000);
}

void edits_tick(struct edits *edits)
{
    int64_t now = clock_mono_ms();

    for (struct task *task = edits->tasks; task; task = task->next)
        if (task->due_ms && task->due_ms <= now)
            submit(task);
    if (now < edits->decide_ms)
        return;
    edits->decide_ms = now + DECIDE_EVERY_MS;
    decide(edits, 20, DECISIONS_MAX);
}

/* ── looking ── */

size_t edits_open(const struct edits *edits)
{
    size_t open = 0;

    for (const struct task *task = edits->tasks; task; task = task->next)
        open++;
    return open;
}

size_t edits_count(const struct edits *edits)
{
    return edits->count;
}

struct edit *edits_at(const struct edits *edits, size_t index)
{
    return edits->all[index];
}

const char *edits_complaints(const struct edits *edits)
{
    return edits->complaints.data;
}

struct edits_counts edits_counts(const struct edits *edits)
{
    return edits->counts;
}
