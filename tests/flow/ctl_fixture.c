/* ctl_fixture.c: see ctl_fixture.h. */
#include "ctl_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_fixture.h"
#include "buf.h"
#include "mem.h"
#include "pick_fixture.h"
#include "stack_fixture.h"

static const char *formatted(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
static const char *formatted(const char *format, va_list args)
{
    struct buf text = BUF_INIT;

    buf_vaddf(&text, format, args);
    return pick_keep(buf_detach(&text, NULL));
}

static const char *read_all(FILE *file)
{
    struct buf text = BUF_INIT;
    char block[4096];

    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        buf_add(&text, block, n);
    return pick_keep(buf_detach(&text, NULL));
}

/* Once: what whoever runs the tests has in his environment is not the stack's. */
static void set_stores(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    setenv("DATABASE_URL", stack_setting("DATABASE_URL"), 1);
    setenv("REDIS_URL", stack_setting("REDIS_URL"), 1);
    unsetenv("DATABASE_WRITER_URL");
    unsetenv("DATABASE_READER_URL");
}

void ctl_env(const char *name, const char *value)
{
    set_stores();
    setenv(name, value, 1);
}

static const struct ctl_answer *run(const char *arguments)
{
    struct ctl_answer *answer = pick_keep(mem_alloc(sizeof *answer));
    const char *errors = api_text("%s/syncctl.%d", stack_dir(), (int)getpid());
    FILE *pipe, *file;
    int status;

    set_stores();
    pipe = popen(api_text("%s %s 2>%s", stack_bin("syncctl"), arguments, errors), "r");
    ck_assert(pipe != NULL);
    answer->text = read_all(pipe);
    status = pclose(pipe);
    ck_assert_msg(WIFEXITED(status), "syncctl %s ends by a signal", arguments);
    answer->status = WEXITSTATUS(status);
    file = fopen(errors, "r");
    ck_assert(file != NULL);
    answer->said = read_all(file);
    fclose(file);
    unlink(errors);
    return answer;
}

const struct ctl_answer *ctl(const char *arguments, ...)
{
    va_list args;

    va_start(args, arguments);
    const char *line = formatted(arguments, args);
    va_end(args);
    return run(line);
}

struct json *ctl_json(const char *arguments, ...)
{
    va_list args;

    va_start(args, arguments);
    const char *line = formatted(arguments, args);
    va_end(args);
    const struct ctl_answer *answer = run(line);
    struct json *json = pick_parse(answer->text, strlen(answer->text));
    ck_assert_msg(answer->status == 0 && json, "syncctl %s: %d %s %s", line, answer->status, answer->text,
                  answer->said);
    return json;
}

void ctl_says(const struct ctl_answer *answer, const char *text)
{
    ck_assert_msg(strstr(answer->text, text) != NULL, "\"%s\" is due and this comes: %d %s\n%s", text,
                  answer->status, answer->text, answer->said);
}
