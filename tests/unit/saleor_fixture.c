/* saleor_fixture.c: see saleor_fixture.h. */
#include "saleor_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

static struct platform_set *platforms;
static struct buf last_steps;
static struct json *lent; /* what plans were made of: theirs until the end of the test */

static const char *look_up(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "SALEOR_API_URL") == 0 ? "http://127.0.0.1:8000/graphql" : NULL;
}

void saleor_load(void)
{
    struct buf errors = BUF_INIT;
    platforms = platform_set_load("config/platforms", look_up, NULL, &errors);
    ck_assert_msg(platforms != NULL, "%s", errors.data);
    buf_release(&errors);
}

void saleor_unload(void)
{
    platform_set_free(&platforms);
    buf_release(&last_steps);
    json_free(lent);
    lent = NULL;
}

const struct platform *saleor_target(void)
{
    return platform_find(platforms, "coreldove");
}

const struct platform_set *saleor_platforms(void)
{
    return platforms;
}

static void read_file(const char *path, struct buf *text)
{
    char chunk[4096];
    size_t len;
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while ((len = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_add(text, chunk, len);
    fclose(file);
}

static void replace(struct buf *text, const char *old, const char *new)
{
    struct buf out = BUF_INIT;
    const char *at = strstr(text->data, old);
    ck_assert_msg(at != NULL, "coreldove.conf has no %s", old);
    buf_add(&out, text->data, (size_t)(at - text->data));
    buf_add_str(&out, new);
    buf_add_str(&out, at + strlen(old));
    buf_release(text);
    *text = out;
}

/* From a folder of its own, made and removed. */
static struct platform_set *load_with(const char *const *replacements, struct buf *errors)
{
    static const char *const names[] = {"bizoholic.conf", "bizosaas.conf", "coreldove.conf"};
    char dir[] = "/tmp/saleor-platforms-XXXXXX", path[128], source[128];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (size_t i = 0; i < 3; i++) {
        struct buf text = BUF_INIT;
        snprintf(source, sizeof source, "config/platforms/%s", names[i]);
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        read_file(source, &text);
        for (size_t j = 0; i == 2 && replacements[j] != NULL; j += 2)
            replace(&text, replacements[j], replacements[j + 1]);
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(text.data, 1, text.len, file), text.len);
        fclose(file);
        buf_release(&text);
    }
    struct platform_set *set = platform_set_load(dir, look_up, NULL, errors);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
    return set;
}

void saleor_load_with(const char *const *replacements)
{
    struct buf errors = BUF_INIT;
    saleor_unload();
    platforms = load_with(replacements, &errors);
    ck_assert_msg(platforms != NULL, "%s", errors.data);
    buf_release(&errors);
}

void saleor_refuse_with(const char *const *replacements, const char *why_part)
{
    struct buf errors = BUF_INIT;
    ck_assert_msg(load_with(replacements, &errors) == NULL, "%s is taken", replacements[1]);
    ck_assert_msg(strstr(errors.data, "coreldove.conf:") != NULL && strstr(errors.data, why_part) != NULL,
                  "%s", errors.data);
    buf_release(&errors);
}

struct json *saleor_parse(const char *text)
{
    struct json_error error;
    bool ok = true;
    struct json *json = text != NULL ? json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok) : NULL;
    ck_assert_msg(ok, "%s: %s", text, error.detail);
    return json;
}

void saleor_note_request(const char *name, const struct graphql_part *parts, size_t count)
{
    const char *path = getenv("SALEOR_DOCUMENTS");
    struct buf line = BUF_INIT;
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file == NULL)
        return;
    buf_addf(&line, "{\"name\":\"%s\",\"body\":", name);
    graphql_compose(&line, parts, count);
    buf_add_str(&line, "}\n");
    ck_assert_uint_eq(fwrite(line.data, 1, line.len, file), line.len);
    fclose(file);
    buf_release(&line);
}

static struct json *lend(const char *text)
{
    struct json *json = saleor_parse(text);
    if (lent == NULL)
        lent = json_new_array();
    json_append(lent, json);
    return json;
}

static const struct saleor_place place = {CHANNEL_ID, WAREHOUSE_ID, TYPE_ID, TAX_ID, CATEGORY_ID, "IN"};

static struct saleor_plan *make(const struct errand *errand, struct buf *error)
{
    struct saleor_request request = {.target = saleor_target(),
                                     .platforms = platforms,
                                     .entity = errand->entity,
                                     .type = errand->type,
                                     .verb = errand->verb,
                                     .record_id = RECORD_ID,
                                     .platform_id = errand->platform_id,
                                     .version = 3,
                                     .record = lend(errand->record),
                                     .notes = lend(errand->notes),
                                     .base = lend(errand->base),
                                     .parents = errand->parents,
                                     .parent_count = errand->parent_count,
                                     .place = &place,
                                     .steps = lend(errand->steps),
                                     .now_ms = NOW_MS};
    return saleor_plan_new(&request, error);
}

struct saleor_plan *saleor_begin(const struct errand *errand)
{
    struct buf error = BUF_INIT;
    struct saleor_plan *plan = make(errand, &error);
    ck_assert_msg(plan != NULL, "%s", error.data);
    buf_release(&error);
    return plan;
}

static void check_variables(const struct saleor_operation *operation, const char *expected)
{
    struct json *wanted = saleor_parse(expected);
    struct buf text = BUF_INIT;
    json_write(&text, operation->part.variables);
    ck_assert_msg(expected == NULL || json_equal(operation->part.variables, wanted),
                  "%s\n  variables: %s\n  expected:  %s", operation->name, text.data, expected);
    json_free(wanted);
    buf_release(&text);
}

static enum saleor_verdict answer(struct saleor_plan *plan, const char *text)
{
    struct buf body = BUF_INIT;
    if (text[0] == '!')
        buf_add_str(&body, text + 1);
    else
        buf_addf(&body, "{\"data\":{\"o0\":%s}}", text);
    struct graphql_answer *read = graphql_answer_read(body.data, body.len, 200, 1);
    ck_assert_int_eq(graphql_answer_verdict(read), GRAPHQL_ANSWERED);
    enum saleor_verdict verdict = saleor_plan_answer(plan, read, 0);
    graphql_answer_free(&read);
    buf_release(&body);
    return verdict;
}

const char *saleor_talk(const struct errand *errand, const struct say *lines, size_t count,
                        enum saleor_verdict verdict, const char *why_part)
{
    struct saleor_plan *plan = saleor_begin(errand);
    const struct saleor_operation *operation = NULL;
    for (size_t i = 0; i < count; i++) {
        operation = saleor_plan_next(plan);
        ck_assert_msg(operation != NULL, "line %zu: the plan has ended (%s: %s), %s expected", i,
                      saleor_verdict_name(saleor_plan_verdict(plan)), saleor_plan_why(plan),
                      lines[i].operation);
        ck_assert_msg(strcmp(operation->name, lines[i].operation) == 0, "line %zu: %s instead of %s", i,
                      operation->name, lines[i].operation);
        check_variables(operation, lines[i].variables);
        saleor_note_request(operation->name, &operation->part, 1);
        if (lines[i].answer != NULL)
            answer(plan, lines[i].answer);
    }
    if (count == 0 || lines[count - 1].answer != NULL) {
        operation = saleor_plan_next(plan);
        ck_assert_msg(operation == NULL, "one more: %s", operation != NULL ? operation->name : "");
    }
    ck_assert_msg(saleor_plan_verdict(plan) == verdict, "%s (%s) instead of %s",
                  saleor_verdict_name(saleor_plan_verdict(plan)), saleor_plan_why(plan),
                  saleor_verdict_name(verdict));
    ck_assert_msg(strstr(saleor_plan_why(plan), why_part) != NULL, "\"%s\" does not say \"%s\"",
                  saleor_plan_why(plan), why_part);
    struct json *steps = saleor_plan_steps(plan);
    buf_reset(&last_steps);
    json_write(&last_steps, steps);
    ck_assert_uint_lt(last_steps.len, 2048);
    json_free(steps);
    saleor_plan_free(&plan);
    return last_steps.data;
}

void saleor_check_impossible(const struct errand *errand, const char *why_part)
{
    struct buf error = BUF_INIT;
    struct saleor_plan *plan = make(errand, &error);
    if (plan != NULL) { /* possible to begin, ended before its first operation */
        ck_assert_ptr_null(saleor_plan_next(plan));
        ck_assert_int_eq(saleor_plan_verdict(plan), SALEOR_DEAD);
        buf_add_str(&error, saleor_plan_why(plan));
        saleor_plan_free(&plan);
    }
    ck_assert_msg(strstr(error.data, why_part) != NULL, "\"%s\" does not say \"%s\"", error.data, why_part);
    buf_release(&error);
}
