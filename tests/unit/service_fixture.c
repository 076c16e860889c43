/*
 * service_fixture.c: a tiny service in a process of its own, and the means to watch it; see service_fixture.h.
 */
#include "service_fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "service.h"
#include "stats.h"

#define WAIT_MS 10000 /* for a condition that must come */

char tiny_dir[64];
pid_t tiny_pid;
bool tiny_hangs;
unsigned short tiny_port;

/* ---- the service ---- */

void tiny_write(const char *name, const char *content)
{
    char path[128], whole[140];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.new", tiny_dir, name);
    snprintf(whole, sizeof whole, "%s/%s", tiny_dir, name);
    file = fopen(path, "w");
    if (!file || fputs(content, file) < 0 || fclose(file) || rename(path, whole))
        abort();
}

static bool exists(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", tiny_dir, name);
    return access(path, F_OK) == 0;
}

static bool store_check(void *arg)
{
    (void)arg;
    return exists("up");
}

static bool belt_check(void *arg)
{
    (void)arg;
    return true;
}

static void reload_hook(void *arg)
{
    tiny_write("issuer", service_conf(arg)->jwt_issuer);
}

static void drained_cb(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    service_drained(arg);
}

static void drain_hook(void *arg)
{
    struct timeval soon = {0, 300000};

    tiny_write("draining", "");
    if (!tiny_hangs)
        event_base_once(service_base(arg), -1, EV_TIMEOUT, drained_cb, arg, &soon);
}

static void scrape_hook(void *arg)
{
    stats_set(arg, 42);
}

static void beat_hook(void *arg)
{
    if (stats_value(arg) < 5) /* then it stands still, for whoever looks late */
        stats_add(arg, 1);
}

static int own_check(struct conf *conf, struct buf *errors)
{
    if (strcmp(conf->platform_dir, "missing") != 0)
        return 0;
    buf_add_str(errors, "PLATFORM_DIR is \"missing\": name a directory that is there\n");
    return -1;
}

static int serve(int argc, char **argv)
{
    static const char *platform;
    static const struct service_option options[] = {{"platform", "the platform to serve", &platform, true},
                                                    {NULL, NULL, NULL, false}};
    static const struct service_spec spec = {"tiny", "Serves nothing.", CONF_WORKER, options, own_check};
    struct service *service = service_new(&spec, argc, argv);
    int result;

    service_add_check(service, "store", store_check, NULL);
    service_add_check(service, "belt", belt_check, NULL);
    service_on_reload(service, reload_hook, service);
    service_on_drain(service, drain_hook, service);
    service_on_scrape(service, scrape_hook, stats_register(STATS_GAUGE, "tiny_asked", "", "Set when asked"));
    service_every(service, 20, beat_hook, stats_register(STATS_COUNTER, "tiny_beats_total", "", "Beats"));
    tiny_write("instance", service_instance(service));
    tiny_write("platform", platform);
    result = service_run(service);
    service_free(&service);
    return result;
}

/* ---- watching it ---- */

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

const char *tiny_content(const char *name)
{
    static char text[65536];
    char path[128];
    size_t len = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", tiny_dir, name);
    file = fopen(path, "r");
    if (file) {
        len = fread(text, 1, sizeof text - 1, file);
        fclose(file);
    }
    text[len] = '\0';
    return text;
}

/* Waits until the file holds the text, and gives the place. */
const char *tiny_wait_for(const char *name, const char *text)
{
    for (int waited = 0; waited < WAIT_MS; waited += 5) {
        const char *at = strstr(tiny_content(name), text);

        if (at && exists(name))
            return at;
        pause_ms(5);
    }
    ck_abort_msg("\"%s\" does not appear in %s, which holds: %s", text, name, tiny_content(name));
    return NULL;
}

void tiny_start(int argc, char **argv)
{
    char path[128];

    (void)fflush(NULL);
    tiny_pid = fork();
    if (tiny_pid == 0) {
        snprintf(path, sizeof path, "%s/out", tiny_dir);
        if (!freopen(path, "w", stdout))
            abort();
        snprintf(path, sizeof path, "%s/log", tiny_dir);
        if (!freopen(path, "w", stderr))
            abort();
        (void)setvbuf(stderr, NULL, _IONBF, 0);
        exit(serve(argc, argv));
    }
    ck_assert_int_gt(tiny_pid, 0);
}

void tiny_start_service(void)
{
    static char *argv[] = {"tiny", "--platform", "coreldove", NULL};

    tiny_start(3, argv);
    tiny_port = (unsigned short)strtol(tiny_wait_for("log", "\"addr\":\"127.0.0.1:") + 18, NULL, 10);
    ck_assert_uint_ne(tiny_port, 0);
    tiny_wait_for("platform", "coreldove");
}

int tiny_exit_status(void)
{
    int status;

    ck_assert_int_eq(waitpid(tiny_pid, &status, 0), tiny_pid);
    tiny_pid = 0;
    ck_assert_msg(WIFEXITED(status), "it ends by signal %d: %s", WTERMSIG(status), tiny_content("log"));
    return WEXITSTATUS(status);
}

int tiny_connect(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(tiny_port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {WAIT_MS / 1000, 0};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* The whole answer to a raw request; the connection must be closed by the service. */
const char *tiny_ask(const char *request)
{
    static char answer[65536];
    size_t len = 0;
    ssize_t got;
    int fd = tiny_connect();

    ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    while ((got = recv(fd, answer + len, sizeof answer - 1 - len, 0)) > 0)
        len += (size_t)got;
    close(fd);
    answer[len] = '\0';
    return answer;
}

const char *tiny_get(const char *path)
{
    char request[128];

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    return tiny_ask(request);
}

void tiny_expect(const char *answer, const char *part)
{
    ck_assert_msg(strstr(answer, part) != NULL, "\"%s\" is due and this comes: %s", part, answer);
}

void tiny_wait_until_get(const char *path, const char *part)
{
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        if (strstr(tiny_get(path), part))
            return;
        pause_ms(10);
    }
    ck_abort_msg("%s does not come to say \"%s\"", path, part);
}

int tiny_notify_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {WAIT_MS / 1000, 0};
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

    memcpy(address.sun_path, name, strlen(name));
    if (*name == '@')
        address.sun_path[0] = '\0';
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

/* The next datagram that is no sign of life. */
void tiny_expect_notice(int fd, const char *state)
{
    char text[256];
    ssize_t len;

    do {
        len = recv(fd, text, sizeof text - 1, 0);
        ck_assert_msg(len > 0, "%s does not come", state);
        text[len] = '\0';
    } while (strcmp(state, "WATCHDOG=1") != 0 && strcmp(text, "WATCHDOG=1") == 0);
    ck_assert_str_eq(text, state);
}

void tiny_set_up(void)
{
    clearenv();
    setenv("ENVIRONMENT", "test", 1);
    setenv("LOG_FORMAT", "json", 1);
    snprintf(tiny_dir, sizeof tiny_dir, "/tmp/test_service.XXXXXX");
    ck_assert(mkdtemp(tiny_dir) != NULL);
}

void tiny_tear_down(void)
{
    char command[96];

    if (tiny_pid > 0) {
        kill(tiny_pid, SIGKILL);
        waitpid(tiny_pid, NULL, 0);
    }
    snprintf(command, sizeof command, "/bin/rm -r %s", tiny_dir);
    ck_assert_int_eq(system(command), 0);
}
