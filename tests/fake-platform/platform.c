/* platform.c: a platform's life, and which of its two faces a request is for. */
#include "digest.h"
#include "mem.h"
#include "platform_impl.h"

static void set_secret(struct platform *platform, const char *secret)
{
    if (strncmp(secret, "whsec_", 6) != 0 ||
        digest_base64_decode(&platform->secret, secret + 6, strlen(secret + 6)) != 0) {
        buf_reset(&platform->secret);
        buf_add_str(&platform->secret, secret);
    }
}

struct platform *platform_new(const struct platform_options *options)
{
    struct platform *platform = mem_alloc(sizeof *platform);

    platform->name = options->name;
    platform->records_max = options->records_max;
    buf_init(&platform->secret);
    buf_init(&platform->out);
    if (options->webhook_secret)
        set_secret(platform, options->webhook_secret);
    records_init(&platform->records, options->name, options->records_max);
    platform->received = received_new(options->keep);
    platform->faults = faults_new();
    return platform;
}

void platform_free(struct platform **platform)
{
    if (!*platform)
        return;
    late_forget(*platform);
    faults_free(&(*platform)->faults);
    received_free(&(*platform)->received);
    records_release(&(*platform)->records);
    buf_release(&(*platform)->secret);
    buf_release(&(*platform)->out);
    free(*platform);
    *platform = NULL;
}

void platform_answer(struct platform *platform, struct http_conn *conn, int status)
{
    http_answer(conn, &(struct http_answer){
                          .status = status, .body = platform->out.data, .body_len = platform->out.len});
}

void platform_answer_error(struct platform *platform, struct http_conn *conn, int status,
                           const char *sentence)
{
    buf_reset(&platform->out);
    buf_add_str(&platform->out, "{\"success\":false,\"error\":");
    buf_add_json(&platform->out, sentence, strlen(sentence));
    buf_add_ch(&platform->out, '}');
    platform_answer(platform, conn, status);
}

void platform_request(struct http_conn *conn, const struct http_request *request, void *arg)
{
    struct platform *platform = arg;
    const char *sync = strstr(request->path, "/api/sync/"); /* a base address may have a path of its own */

    if (sync && strcmp(request->method, "POST") == 0 && strcmp(sync, "/api/sync/bulk") == 0)
        bulk_request(platform, conn, request);
    else if (sync && strcmp(request->method, "GET") != 0)
        delivery_request(platform, conn, request, sync + strlen("/api/sync/"));
    else
        inspect_request(platform, conn, request);
}
