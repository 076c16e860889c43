/* stack_fixture.c: see stack_fixture.h. */
#include "stack_fixture.h"

#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_fixture.h"
#include "mem.h"
#include "pick_fixture.h"

static struct {
    char dir[512];  /* "" when none runs */
    char said[600]; /* file with what the last command of tools/stack said */
    pid_t owner;
} stack;

const char *stack_dir(void)
{
    return stack.dir;
}

/* The directory build/tests or build-san/tests that this program is in. */
static void own_directory(char *path, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", path, size - 1);

    path[len > 0 ? len : 0] = '\0';
    if (strrchr(path, '/'))
        *strrchr(path, '/') = '\0';
}

static const char *bin_directory(void)
{
    static char path[600];
    const char *given = getenv("BIN_DIR");
    char own[512];

    if (given && *given)
        return given;
    own_directory(own, sizeof own);
    snprintf(path, sizeof path, "%s/../bin", own);
    return path;
}

const char *stack_bin(const char *program)
{
    static char path[700];

    snprintf(path, sizeof path, "%s/%s", bin_directory(), program);
    return path;
}

static const char *stack_tool(void)
{
    static char path[600];
    const char *given = getenv("STACK");
    char own[512];

    if (given && *given)
        return given;
    own_directory(own, sizeof own);
    snprintf(path, sizeof path, "%s/../../tools/stack", own);
    return path;
}

static void become_command(const char *const *words, const char *const *env)
{
    int out = open(stack.said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const char *args[16] = {stack_tool()};

    for (size_t i = 0; words[i] && i + 2 < sizeof args / sizeof *args; i++)
        args[i + 1] = words[i];
    setenv("BIN_DIR", bin_directory(), 1);
    for (; env && *env; env++)
        putenv((char *)(uintptr_t)*env);
    dup2(out, 1);
    dup2(out, 2);
    execv(args[0], (char *const *)(uintptr_t)args);
    dprintf(2, "%s cannot be run: %m\n", args[0]);
    _exit(127);
}

/* Runs tools/stack with these words; its exit status. What it says goes into a file. */
static int command(const char *const *words, const char *const *env)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0)
        become_command(words, env);
    while (pid > 0 && waitpid(pid, &status, 0) < 0)
        ;
    return status;
}

static void print_file(const char *path)
{
    char block[4096];
    size_t n;
    FILE *file = fopen(path, "r");

    while (file && (n = fread(block, 1, sizeof block, file)) > 0)
        fwrite(block, 1, n, stdout);
    if (file)
        fclose(file);
}

static void on_exit_down(void)
{
    stack_down();
}

static void on_end(int signal_number)
{
    stack_down();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void make_directory(void)
{
    const char *parent = getenv("TMPDIR");

    snprintf(stack.dir, sizeof stack.dir, "%s/flow.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(stack.dir)) {
        printf("no directory like %s can be made: %m\n", stack.dir);
        exit(1);
    }
    chmod(stack.dir, 0711); /* stores run as another user when root starts them */
    snprintf(stack.said, sizeof stack.said, "%s/said", stack.dir);
}

int stack_up(const struct stack_options *options)
{
    static const struct stack_options plain = {0};
    static bool prepared;

    options = options ? options : &plain;
    stack_down();
    make_directory();
    stack.owner = getpid();
    if (!prepared) {
        atexit(on_exit_down);
        signal(SIGTERM, on_end);
        signal(SIGINT, on_end);
        signal(SIGHUP, on_end);
        prepared = true;
    }
    const char *words[8] = {options->services_only ? "services" : "up", "--dir", stack.dir};
    size_t count = 3;
    if (options->saleor)
        words[count++] = "--saleor";
    if (options->replicas)
        words[count++] = "--replicas";
    if (options->replicas)
        words[count++] = options->replicas;
    if (command(words, options->env) == 0)
        return 0;
    printf("the stack does not start:\n");
    print_file(stack.said);
    stack_down();
    return -1;
}

int stack_down(void)
{
    const char *const words[] = {"down", "--wipe", "--dir", stack.dir, NULL};
    int status;

    if (!*stack.dir || stack.owner != getpid())
        return 0;
    if ((status = command(words, NULL)) != 0) {
        printf("the stack does not end well:\n");
        print_file(stack.said);
    }
    unlink(stack.said);
    rmdir(stack.dir);
    *stack.dir = '\0';
    return status == 0 ? 0 : -1;
}

void stack_tell_logs(void)
{
    char line[1200];

    if (!*stack.dir)
        return;
    /* Warnings and worse, and what is no line of ours at all: a crash, a sanitizer's report. */
    snprintf(line, sizeof line,
             "cd '%s/log' && rm -f initdb.log && for log in *.log; do grep -vE '\"level\":\"(info|debug)\"| "
             "(LOG|STATEMENT|DETAIL|HINT): |"
             "^(listening|[0-9]+:[CM] )|^$|schema_migrations|^\t' \"$log\" | tail -n 12 | cut -c 1-400 | sed "
             "\"s/^/$log: /\"; done",
             stack.dir);
    fflush(stdout);
    if (system(line) != 0)
        printf("(no logs)\n");
}

/* ── what it is made of ── */

const char *stack_setting(const char *name)
{
    char path[600], line[4096];
    const char *found = NULL;
    size_t len = strlen(name);
    FILE *file;

    snprintf(path, sizeof path, "%s/env", stack.dir);
    file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    while (!found && fgets(line, sizeof line, file))
        if (strncmp(line, name, len) == 0 && line[len] == '=')
            found =
                pick_keep(mem_strndup(line + len + 2, strlen(line) - len - 4)); /* ='…' and the line's end */
    fclose(file);
    ck_assert_msg(found != NULL, "%s names no %s", path, name);
    return found;
}

int stack_port(const char *name)
{
    const char *colon = strrchr(stack_setting(name), ':');

    return colon ? (int)strtol(colon + 1, NULL, 10) : -1;
}

static void do_command(const char *what, const char *name)
{
    const char *const words[] = {what, name, "--dir", stack.dir, NULL};
    char said[2048] = "";

    if (command(words, NULL) == 0)
        return;
    FILE *file = fopen(stack.said, "r");
    size_t n = file ? fread(said, 1, sizeof said - 1, file) : 0;
    said[n] = '\0';
    if (file)
        fclose(file);
    ck_abort_msg("tools/stack %s %s fails: %s", what, name, said);
}

void stack_start(const char *name)
{
    do_command("start", name);
}

void stack_stop(const char *name)
{
    do_command("stop", name);
}

void stack_kill(const char *name)
{
    do_command("kill", name);
}

pid_t stack_pid(const char *name)
{
    char path[600];
    long pid = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/pids/%s", stack.dir, name);
    file = fopen(path, "r");
    ck_assert_msg(file && fscanf(file, "%ld", &pid) == 1 && pid > 1, "%s holds no process id", path);
    fclose(file);
    return (pid_t)pid;
}

void stack_signal(const char *name, int signal_number)
{
    ck_assert_msg(kill(stack_pid(name), signal_number) == 0, "%s cannot be signalled: %m", name);
}

bool stack_running(const char *name)
{
    char path[64], state = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)stack_pid(name));
    if (!(file = fopen(path, "r")))
        return false;
    bool known = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
    fclose(file);
    return known && state != 'Z' && state != 'X';
}

int64_t stack_cpu_ns(const char *name)
{
    int64_t sum = 0;
    const char *path = api_text("/proc/%ld/task", (long)stack_pid(name));
    DIR *tasks = opendir(path);

    ck_assert_msg(tasks != NULL, "%s is not running", name);
    for (struct dirent *entry; (entry = readdir(tasks));) {
        long long ns = 0;
        FILE *file;
        if (!isdigit((unsigned char)*entry->d_name) ||
            !(file = fopen(api_text("%s/%s/schedstat", path, entry->d_name), "r")))
            continue;
        ck_assert_int_eq(fscanf(file, "%lld", &ns), 1);
        sum += ns;
        fclose(file);
    }
    closedir(tasks);
    return sum;
}

long stack_rss_kib(const char *name)
{
    char path[64];
    long pages = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/statm", (long)stack_pid(name));
    file = fopen(path, "r");
    ck_assert_msg(file && fscanf(file, "%*d %ld", &pages) == 1, "%s is not running", name);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

double stack_metric(const char *name, const char *series)
{
    char setting[128];
    size_t len = strlen(series);

    snprintf(setting, sizeof setting, "METRICS_URL_%s", name);
    for (char *c = setting; *c; c++)
        *c = *c == '-' ? '_' : *c;
    const struct api_answer *answer =
        api_send(&(struct api_request){.url = stack_setting(setting), .token = ""});
    ck_assert_msg(answer->status == 200, "%s has no metrics: %d %s", name, answer->status, answer->why);
    for (const char *line = answer->body; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, series, len) == 0 && line[len] == ' ')
            return strtod(line + len, NULL);
    return -1;
}

int stack_log_count(const char *name, const char *text)
{
    char path[600], line[16384];
    int count = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/log/%s.log", stack.dir, name);
    file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    while (fgets(line, sizeof line, file))
        count += strstr(line, text) != NULL;
    fclose(file);
    return count;
}
