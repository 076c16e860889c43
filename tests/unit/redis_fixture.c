/* redis_fixture.c: see redis_fixture.h. */
#include "redis_fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

const char *redis_url(void)
{
    const char *url = getenv("TEST_REDIS_URL");
    ck_assert_msg(url && *url, "TEST_REDIS_URL is not set: it names the Redis that tests may empty");
    return url;
}

void redis_open(struct redis *redis, const char *url, int64_t timeout_ms, unsigned waiting_max)
{
    struct stream_config config = {
        .url = url, .name = "unit test", .timeout_ms = timeout_ms, .waiting_max = waiting_max};
    redis->base = event_base_new();
    redis->stream = stream_new(redis->base, &config);
    buf_init(&redis->answer);
}

void redis_open_test(struct redis *redis)
{
    redis_open(redis, redis_url(), WAIT_MS, 10000);
    redis_until(redis, stream_up(redis->stream));
    ck_assert_str_eq(redis_do(redis, "FLUSHALL"), "OK");
}

void redis_close(struct redis *redis)
{
    stream_free(&redis->stream);
    event_base_free(redis->base);
    buf_release(&redis->answer);
}

void redis_turn(struct redis *redis)
{
    struct timeval limit = {0, 20000};
    event_base_loopexit(redis->base, &limit);
    event_base_loop(redis->base, EVLOOP_ONCE);
}

void redis_render(struct buf *out, const struct stream_reply *reply)
{
    enum reply_type type = reply_type(reply);
    size_t len;
    const char *text = reply_text(reply, &len);
    if (type == REPLY_NIL) {
        buf_add_str(out, "nil");
    } else if (type == REPLY_INT) {
        buf_add_int(out, reply_int(reply));
    } else if (type == REPLY_ARRAY) {
        buf_add_ch(out, '[');
        for (size_t i = 0; i < reply_count(reply); i++) {
            if (i)
                buf_add_ch(out, ' ');
            redis_render(out, reply_at(reply, i));
        }
        buf_add_ch(out, ']');
    } else {
        buf_add_str(out, type == REPLY_ERROR ? "(" : "");
        buf_add(out, text, len);
        buf_add_str(out, type == REPLY_ERROR ? ")" : "");
    }
}

struct call {
    struct buf *out;
    bool done;
};

static void on_answer(const struct stream_reply *reply, void *arg)
{
    struct call *call = arg;
    redis_render(call->out, reply);
    call->done = true;
}

const char *redis_call(struct redis *redis, struct stream_command *command)
{
    struct call call = {&redis->answer, false};
    buf_reset(&redis->answer);
    stream_send(redis->stream, command, on_answer, &call);
    redis_until(redis, call.done);
    return redis->answer.data;
}

const char *redis_do(struct redis *redis, const char *line)
{
    struct stream_command *command = NULL;
    while (*line) {
        size_t len = strcspn(line, " ");
        char *word = mem_strndup(line, len);
        if (command)
            stream_add(command, word);
        else
            command = stream_command(word);
        free(word);
        line += len + strspn(line + len, " ");
    }
    return redis_call(redis, command);
}

int redis_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

void redis_server_start(struct redis_server *server, int port, const char *password)
{
    char port_text[16];
    server->port = port ? port : redis_free_port();
    snprintf(port_text, sizeof(port_text), "%d", server->port);
    snprintf(server->url, sizeof(server->url), "redis://%s%s%s127.0.0.1:%d/0", password ? ":" : "",
             password ? password : "", password ? "@" : "", server->port);
    server->pid = fork();
    ck_assert_int_ge(server->pid, 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        execlp("redis-server", "redis-server", "--port", port_text, "--bind", "127.0.0.1", "--save", "",
               "--appendonly", "no", "--dir", "/", "--requirepass", password ? password : "", (char *)NULL);
        _exit(127);
    }
}

void redis_server_stop(struct redis_server *server)
{
    kill(server->pid, SIGKILL);
    ck_assert_int_eq(waitpid(server->pid, NULL, 0), server->pid);
    server->pid = 0;
}

void redis_on_tally(const struct stream_reply *reply, void *arg)
{
    struct redis_tally *tally = arg;
    tally->answers++;
    tally->nulls += reply == NULL;
}

struct stream_command *redis_words(const char *first, const char *second, const char *third)
{
    struct stream_command *command = stream_command(first);
    if (second)
        stream_add(command, second);
    if (third)
        stream_add(command, third);
    return command;
}

void redis_on_state(bool up, void *arg)
{
    int *changes = arg;
    changes[up]++;
}
