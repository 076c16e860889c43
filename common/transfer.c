/* transfer.c: see transfer.h. */
#include "transfer.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "address.h"
#include "backoff.h"
#include "buf.h"
#include "clock.h"
#include "log.h"
#include "mem.h"

#define IDLE_EASY_MAX 256
#define HEAD_MAX ((size_t)64 * 1024) /* libcurl keeps every header line, and has no ceiling before 8.3 */

struct transfers {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    struct transfer *running;
    CURL *idle[IDLE_EASY_MAX]; /* easy handles to use again */
    unsigned idle_count;
    size_t held;              /* room of all answers */
    struct transfer *through; /* goes on when there is no more room; NULL: whoever comes next */
    unsigned paused;
    bool closing;
};

struct transfer {
    struct transfers *transfers;
    CURL *easy;
    struct curl_slist *headers;
    struct buf sent, got;
    size_t got_total, head_total, keep_max;
    bool forbidden, paused;
    bool allow_private;
    char error[CURL_ERROR_SIZE];
    char retry_after[64];
    bool html_type;
    int64_t began_us;
    transfer_cb callback;
    void *arg;
    struct transfer *next, **link;
};

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = arg;

    (void)purpose;
    if (!transfer->allow_private && address_is_private(&address->addr)) {
        transfer->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Room for so much more of this answer? Somebody always has it, or all would wait for each other. */
static bool has_room(struct transfer *transfer, size_t len)
{
    struct transfers *transfers = transfer->transfers;
    const struct buf *got = &transfer->got;

    if (got->len + len < got->cap || transfers->held + got->cap + len <= TRANSFERS_HELD_MAX)
        return true;
    if (!transfers->through)
        transfers->through = transfer;
    return transfers->through == transfer;
}

static void keep(struct transfer *transfer, const char *data, size_t len)
{
    size_t before = transfer->got.cap;

    buf_add(&transfer->got, data, len);
    transfer->transfers->held += transfer->got.cap - before;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t len = size * count, room = transfer->keep_max - transfer->got.len;
    size_t kept = len < room ? len : room;

    if (kept > 0 && transfer->got_total + len <= TRANSFER_MAX && !has_room(transfer, kept)) {
        transfer->paused = true;
        transfer->transfers->paused++;
        return CURL_WRITEFUNC_PAUSE; /* the same again, once it goes on */
    }
    transfer->got_total += len;
    if (transfer->got_total > TRANSFER_MAX)
        return 0; /* ends the transfer */
    keep(transfer, data, kept);
    return len;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t len = size * count;
    static const char retry[] = "retry-after:", type[] = "content-type:";

    transfer->head_total += len;
    if (transfer->head_total > HEAD_MAX)
        return 0; /* ends the transfer */
    if (len > sizeof retry && strncasecmp(data, retry, sizeof retry - 1) == 0) {
        const char *at = data + sizeof retry - 1;
        size_t rest = len - (sizeof retry - 1);
        while (rest > 0 && (*at == ' ' || *at == '\t'))
            at++, rest--;
        while (rest > 0 && (at[rest - 1] == '\r' || at[rest - 1] == '\n' || at[rest - 1] == ' '))
            rest--;
        snprintf(transfer->retry_after, sizeof transfer->retry_after, "%.*s", (int)rest, at);
    } else if (len > sizeof type && strncasecmp(data, type, sizeof type - 1) == 0) {
        transfer->html_type = memmem(data, len, "text/html", 9) != NULL;
    }
    return len;
}

static void unlink_transfer(struct transfer *transfer)
{
    *transfer->link = transfer->next;
    if (transfer->next)
        transfer->next->link = transfer->link;
}

/* After some room was given back: each that waits tries, and waits again where it finds none. */
static void go_on(struct transfers *transfers)
{
    if (transfers->closing || transfers->paused == 0)
        return;
    for (struct transfer *at = transfers->running; at; at = at->next) {
        if (!at->paused)
            continue;
        at->paused = false;
        transfers->paused--;
        curl_easy_pause(at->easy, CURLPAUSE_CONT);
    }
}

static void give_back(struct transfer *transfer)
{
    struct transfers *transfers = transfer->transfers;

    transfers->held -= transfer->got.cap;
    transfers->paused -= transfer->paused;
    if (transfers->through == transfer)
        transfers->through = NULL;
    buf_release(&transfer->got);
    go_on(transfers);
}

static void release(struct transfer *transfer)
{
    struct transfers *transfers = transfer->transfers;

    curl_multi_remove_handle(transfers->multi, transfer->easy);
    unlink_transfer(transfer);
    give_back(transfer);
    if (transfers->idle_count < IDLE_EASY_MAX)
        transfers->idle[transfers->idle_count++] = transfer->easy;
    else
        curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    buf_release(&transfer->sent);
    free(transfer);
}

/* Was the whole request handed to the kernel? */
static bool was_sent(const struct transfer *transfer)
{
    curl_off_t uploaded = 0;
    long request_size = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_size);
    return request_size > 0 && (uploaded > 0 || transfer->sent.len == 0);
}

static void describe_failure(struct transfer *transfer, CURLcode code, struct answer *answer)
{
    answer->error = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
    if (transfer->forbidden) {
        answer->failure = ANSWER_FORBIDDEN_ADDRESS;
        answer->error =
            "the platform's name leads to a private or link-local address, which its file does not allow";
    } else if (code == CURLE_WRITE_ERROR &&
               (transfer->got_total > TRANSFER_MAX || transfer->head_total > HEAD_MAX)) {
        answer->failure = ANSWER_TOO_LARGE;
        answer->error = "the platform's answer is larger than any that makes sense";
    } else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
               code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
               code == CURLE_SSL_ISSUER_ERROR) {
        answer->failure = ANSWER_TLS;
    } else if (was_sent(transfer)) {
        answer->failure = ANSWER_TIMEOUT_SENT; /* timed out, reset or cut short after the request was sent */
    } else {
        answer->failure = ANSWER_TRANSPORT;
    }
}

static void finish(struct transfer *transfer, CURLcode code)
{
    struct answer answer = {.duration_us = clock_mono_us() - transfer->began_us,
                            .body = transfer->got.data,
                            .body_len = transfer->got.len};
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    answer.status = (int)status;
    answer.retry_after_ms = backoff_retry_after_ms(transfer->retry_after, clock_wall_ms());
    answer.html = transfer->html_type || (transfer->got.len > 0 && transfer->got.data[0] == '<');
    if (transfer->got_total > TRANSFER_MAX)
        code =
            CURLE_WRITE_ERROR; /* what was refused after a pause does not end a transfer that is complete */
    if (code != CURLE_OK)
        describe_failure(transfer, code, &answer);
    transfer->callback(&answer, transfer->arg);
    release(transfer);
}

static void reap(struct transfers *transfers)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(transfers->multi, &left))) {
        struct transfer *transfer;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish(transfer, code);
    }
}

static void on_socket_event(evutil_socket_t fd, short what, void *arg)
{
    struct transfers *transfers = arg;
    int running, action = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

    curl_multi_socket_action(transfers->multi, fd, action, &running);
    reap(transfers);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct transfers *transfers = arg;
    int running;

    (void)fd;
    (void)what;
    curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(transfers);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct transfers *transfers = arg;
    struct event *event = socket_arg;

    (void)easy;
    if (event)
        event_free(event);
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(transfers->multi, fd, NULL);
        return 0;
    }
    event = event_new(
        transfers->base, fd,
        (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0)),
        on_socket_event, transfers);
    event_add(event, NULL);
    curl_multi_assign(transfers->multi, fd, event);
    return 0;
}

static int on_timeout_wanted(CURLM *multi, long ms, void *arg)
{
    struct transfers *transfers = arg;
    struct timeval after = {ms / 1000, (ms % 1000) * 1000};

    (void)multi;
    if (ms < 0)
        evtimer_del(transfers->timer);
    else
        evtimer_add(transfers->timer, &after);
    return 0;
}

struct transfers *transfers_new(struct event_base *base, unsigned connections_max)
{
    struct transfers *transfers = mem_alloc(sizeof *transfers);

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        fatal("libcurl cannot be initialised");
    transfers->base = base;
    transfers->multi = curl_multi_init();
    transfers->timer = evtimer_new(base, on_timer, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS, (long)connections_max);
    curl_multi_setopt(transfers->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return transfers;
}

void transfers_free(struct transfers **transfersp)
{
    struct transfers *transfers = *transfersp;

    if (!transfers)
        return;
    transfers->closing = true;
    for (struct transfer *at = transfers->running, *next; at; at = next) {
        next = at->next;
        release(at);
    }
    while (transfers->idle_count > 0)
        curl_easy_cleanup(transfers->idle[--transfers->idle_count]);
    curl_multi_cleanup(transfers->multi);
    event_free(transfers->timer);
    free(transfers);
    *transfersp = NULL;
}

static void set_method(CURL *easy, const struct transfer_request *request)
{
    static const char *const names[] = {"POST", "PUT", "PATCH", "DELETE", "GET"};

    curl_easy_setopt(easy, request->method == PLATFORM_GET ? CURLOPT_HTTPGET : CURLOPT_POST, 1L);
    curl_easy_setopt(
        easy, CURLOPT_CUSTOMREQUEST,
        request->method == PLATFORM_POST || request->method == PLATFORM_GET ? NULL : names[request->method]);
}

static void set_options(struct transfer *transfer, const struct transfer_request *request)
{
    CURL *easy = transfer->easy;

    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    set_method(easy, request);
    if (request->method != PLATFORM_GET) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->sent.data);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->sent.len);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(request->timeout_ms < 10000 ? request->timeout_ms : 10000));
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 16384L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
}

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_request *request,
                                transfer_cb callback, void *arg)
{
    struct transfer *transfer = mem_alloc(sizeof *transfer);

    transfer->transfers = transfers;
    transfer->callback = callback;
    transfer->arg = arg;
    transfer->allow_private = request->allow_private;
    transfer->keep_max = request->keep_max > 0 ? request->keep_max : TRANSFER_KEEP;
    transfer->began_us = clock_mono_us();
    buf_init(&transfer->sent);
    buf_init(&transfer->got);
    buf_add(&transfer->sent, request->body, request->body_len);
    for (unsigned i = 0; i < TRANSFER_HEADERS_MAX && request->headers[i]; i++)
        transfer->headers = curl_slist_append(transfer->headers, request->headers[i]);
    transfer->headers = curl_slist_append(transfer->headers, "Expect:");
    transfer->easy = transfers->idle_count > 0 ? transfers->idle[--transfers->idle_count] : curl_easy_init();
    set_options(transfer, request);
    transfer->next = transfers->running;
    transfer->link = &transfers->running;
    if (transfer->next)
        transfer->next->link = &transfer->next;
    transfers->running = transfer;
    if (curl_multi_add_handle(transfers->multi, transfer->easy) != CURLM_OK)
        bug("a fresh transfer cannot be added");
    return transfer;
}

size_t transfers_held(const struct transfers *transfers)
{
    return transfers->held;
}

bool transfer_abort(struct transfers *transfers, struct transfer *transfer)
{
    bool sent = was_sent(transfer);

    (void)transfers;
    release(transfer);
    return sent;
}
