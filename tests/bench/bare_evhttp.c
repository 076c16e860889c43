/*
 * bare_evhttp: a server that reads a post and answers it, nothing else: the ceiling of any gateway on this library.
 *
 *   bare-evhttp        prints "listening on 127.0.0.1:PORT"; TERM ends it
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void on_request(struct evhttp_request *request, void *arg)
{
    struct evbuffer *answer = evbuffer_new();

    (void)arg;
    evbuffer_add_printf(answer, "{\"event_id\":\"01890000-0000-7000-8000-%012zu\",\"status\":\"created\"}",
                        evbuffer_get_length(evhttp_request_get_input_buffer(request)));
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
    evhttp_send_reply(request, 200, "OK", answer);
    evbuffer_free(answer);
}

static void on_term(evutil_socket_t signal_number, short what, void *base)
{
    (void)signal_number, (void)what;
    event_base_loopbreak(base);
}

int main(void)
{
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    struct event *term = evsignal_new(base, SIGTERM, on_term, base);
    struct sockaddr_in address = {0};
    socklen_t len = sizeof address;

    if (!bound || !term ||
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len) != 0)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    event_add(term, NULL);
    evhttp_set_gencb(http, on_request, NULL);
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    event_base_dispatch(base);
    evhttp_free(http);
    event_free(term);
    event_base_free(base);
    return 0;
}
