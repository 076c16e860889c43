/* stack.c: see stack.h. */
#include "stack.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "mem.h"

static char dir_[512];

const char *stack_dir(void)
{
    return dir_;
}

/* ── commands ── */

static const char *tool(void)
{
    const char *given = getenv("STACK");

    return given && *given ? given : "tools/stack";
}

static void become(const char *const *words)
{
    char path[600];
    int out;

    snprintf(path, sizeof path, "%s/commands.log", dir_);
    out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, 1);
    dup2(out, 2);
    setpgid(0, 0); /* a ^C at the driver must not cut a command in two */
    execv(tool(), (char *const *)(uintptr_t)words);
    dprintf(2, "%s cannot be run: %m\n", tool());
    _exit(127);
}

static pid_t run(const char *const *words)
{
    pid_t pid = fork();

    if (pid == 0)
        become(words);
    if (pid < 0)
        fatal("fork: %s", strerror(errno));
    return pid;
}

static int run_through(const char *const *words)
{
    pid_t pid = run(words);
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 0 : -1;
}

pid_t stack_command(const char *what, const char *name)
{
    return run((const char *const[]){"stack", what, name, "--dir", dir_, NULL});
}

bool stack_poll(pid_t command, int *status)
{
    return waitpid(command, status, WNOHANG) == command;
}

/* Short spans: all that a run of minutes can see of leases, back-off and time-outs. */
static void set_environment(void)
{
    static const char *const settings[][2] = {{"LEASE_SECONDS", "3s"},
                                              {"SYNC_INTERVAL_SECONDS", "1s"},
                                              {"RETRY_SCHEDULE", "100ms,300ms,1s"},
                                              {"REQUEST_TIMEOUT", "2s"},
                                              {"LATE_ARRIVAL", "10s"},
                                              {"SYNC_BULK_PLATFORMS", "bizosaas"},
                                              {"LOG_LINES_PER_SECOND", "1000000"}}; /* the proof reads each */

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        setenv(settings[i][0], settings[i][1], 0);
}

int stack_up(const char *dir, unsigned replicas)
{
    char count[96];
    const char *words[] = {"stack", "up", "--dir", dir_, "--faults", "--replicas", count, NULL};

    if (dir[0] != '/' || strlen(dir) >= sizeof dir_ - 64)
        fatal("the directory must be an absolute path, not %s", dir);
    snprintf(dir_, sizeof dir_, "%s", dir);
    mkdir(dir_, 0755);
    chmod(dir_, 0755);
    snprintf(count, sizeof count, "api-gateway=%u,router=%u,worker=%u", replicas, replicas, replicas);
    set_environment();
    if (run_through(words) == 0)
        return 0;
    fprintf(stderr, "the stack does not start, see %s/commands.log and %s/log\n", dir_, dir_);
    return -1;
}

int stack_down(void)
{
    return run_through((const char *const[]){"stack", "down", "--dir", dir_, NULL});
}

const char *stack_setting(const char *name)
{
    static struct setting {
        struct setting *next;
        char name[64], value[512];
    } * known;
    char path[600], line[1024];
    size_t len = strlen(name);
    FILE *file;

    for (struct setting *at = known; at; at = at->next)
        if (strcmp(at->name, name) == 0)
            return at->value;
    snprintf(path, sizeof path, "%s/env", dir_);
    if (!(file = fopen(path, "r")))
        fatal("%s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, file)) {
        struct setting *found;
        if (strncmp(line, name, len) != 0 || line[len] != '=')
            continue;
        fclose(file);
        found = mem_alloc(sizeof *found);
        snprintf(found->name, sizeof found->name, "%s", name);
        snprintf(found->value, sizeof found->value, "%.*s", (int)strcspn(line + len + 2, "'"),
                 line + len + 2);
        found->next = known;
        known = found;
        return found->value;
    }
    fatal("%s names no %s", path, name);
}

/* ── processes ── */

pid_t stack_pid(const char *name)
{
    char path[700];
    long pid = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/pids/%s", dir_, name);
    if ((file = fopen(path, "r"))) {
        if (fscanf(file, "%ld", &pid) != 1 || pid < 2)
            pid = 0;
        fclose(file);
    }
    return (pid_t)pid;
}

bool stack_runs(const char *name)
{
    char path[64], state = 0;
    pid_t pid = stack_pid(name);
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    if (!pid || !(file = fopen(path, "r")))
        return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X';
    fclose(file);
    return state != 'Z' && state != 'X';
}

void stack_signal(const char *name, int signal_number)
{
    pid_t pid = stack_pid(name);

    if (pid && stack_runs(name))
        kill(pid, signal_number);
}

/* Calls `each` with every file of the append-only log. */
static void each_redis_file(void (*each)(const char *path, int64_t number), int64_t number)
{
    char path[600], file[900];
    const struct dirent *entry;
    DIR *append;

    snprintf(path, sizeof path, "%s/redis/appendonlydir", dir_);
    if (!(append = opendir(path)))
        return;
    while ((entry = readdir(append)))
        if (entry->d_name[0] != '.') {
            snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
            each(file, number);
        }
    closedir(append);
}

static void remove_file(const char *path, int64_t number)
{
    (void)number;
    unlink(path);
}

void stack_wipe_redis(void)
{
    each_redis_file(remove_file, 0);
}

/* The increments: the base is a snapshot, and is whole or not there. */
static void cut_tail(const char *path, int64_t bytes)
{
    struct stat now;

    if (!strstr(path, ".incr.aof") || stat(path, &now) != 0)
        return;
    if (truncate(path, now.st_size > bytes ? now.st_size - bytes : 0) != 0)
        fatal("%s cannot be cut: %s", path, strerror(errno));
}

void stack_cut_redis(int64_t bytes)
{
    each_redis_file(cut_tail, bytes);
}

void stack_each_program(void (*each)(const char *name, void *arg), void *arg)
{
    static const char *const others[] = {"redis", "postgres", "fake-platform", "fault-proxy"};
    char path[600];
    const struct dirent *entry;
    DIR *pids;

    snprintf(path, sizeof path, "%s/pids", dir_);
    if (!(pids = opendir(path)))
        fatal("%s: %s", path, strerror(errno));
    while ((entry = readdir(pids))) {
        bool other = entry->d_name[0] == '.';
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            other |= strncmp(entry->d_name, others[i], strlen(others[i])) == 0;
        if (!other)
            each(entry->d_name, arg);
    }
    closedir(pids);
}

/* ── asking ── */

static int connect_to(const char *address, unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {20, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, address, &to.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static void read_all(int fd, struct buf *out)
{
    ssize_t n;

    do {
        buf_reserve(out, 65536);
        n = recv(fd, out->data + out->len, 65535, 0);
        if (n > 0)
            out->len += (size_t)n;
    } while (n > 0);
    out->data[out->len] = '\0';
}

struct json *stack_ask(const char *method, const char *url, const char *body)
{
    char host[64], path[400] = "/";
    struct buf answer = BUF_INIT;
    struct json *json = NULL;
    struct json_error where;
    const char *text;
    unsigned port;
    bool ok = false;
    int fd;

    if (sscanf(url, "http://%63[0-9.]:%5u%399s", host, &port, path) < 2)
        fatal("no URL: %s", url);
    if ((fd = connect_to(host, port)) < 0)
        return NULL;
    dprintf(fd, "%s %s HTTP/1.1\r\nHost: %s:%u\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", method,
            path, host, port, strlen(body ? body : ""), body ? body : "");
    read_all(fd, &answer);
    close(fd);
    if (answer.len > 0 && (text = strstr(answer.data, "\r\n\r\n")))
        json =
            json_parse(text + 4, answer.len - (size_t)(text + 4 - answer.data), JSON_DEPTH_MAX, &where, &ok);
    buf_release(&answer);
    return ok ? json : NULL;
}

void stack_proxy(const char *line)
{
    char host[64], answer[4096];
    unsigned port;
    int fd = -1;
    ssize_t n;

    if (sscanf(stack_setting("FAULT_PROXY"), "%63[0-9.]:%5u", host, &port) == 2)
        fd = connect_to(host, port);
    if (fd < 0)
        fatal("the fault proxy is not there");
    dprintf(fd, "%s\n", line);
    n = recv(fd, answer, sizeof answer - 1, 0);
    answer[n > 0 ? n : 0] = '\0';
    close(fd);
    if (strncmp(answer, "ok", 2) != 0)
        fatal("the fault proxy says to '%s': %s", line, answer);
}

/* What syncctl prints, by the stack's settings. */
static char *ask_syncctl(const char *arguments)
{
    const char *bin = getenv("BIN_DIR");
    struct buf line = BUF_INIT, text = BUF_INIT;
    FILE *pipe;
    size_t n;

    buf_addf(&line, "set -a; . '%s/env'; '%s/syncctl' %s", dir_, bin ? bin : "build/bin", arguments);
    if (!(pipe = popen(line.data, "r")))
        fatal("syncctl %s: %s", arguments, strerror(errno));
    do {
        buf_reserve(&text, 65536);
        n = fread(text.data + text.len, 1, 65535, pipe);
        text.len += n;
        text.data[text.len] = '\0';
    } while (n > 0);
    if (pclose(pipe) != 0 || text.len == 0)
        fatal("syncctl %s says: %s", arguments, text.data);
    buf_release(&line);
    return buf_detach(&text, NULL);
}

char *stack_token(const char *tenant)
{
    char arguments[128], *token;

    snprintf(arguments, sizeof arguments, "token --tenant '%s' --role operator --ttl 5h", tenant);
    token = ask_syncctl(arguments);
    token[strcspn(token, "\n")] = '\0';
    return token;
}

struct json *stack_syncctl(const char *arguments)
{
    char *text = ask_syncctl(arguments);
    struct json_error where;
    bool ok;
    struct json *json = json_parse(text, strlen(text), JSON_DEPTH_MAX, &where, &ok);

    if (!ok)
        fatal("syncctl %s prints no JSON: %.200s", arguments, text);
    free(text);
    return json;
}
