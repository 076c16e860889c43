/* openapi.c: GET /openapi.json: the description that was built in. A test holds it to the table of routes. */
#include "gateway.h"

void openapi_get(struct http_request *request, void *arg)
{
    struct buf out = BUF_INIT;
    (void)arg;
    buf_add_str(&out, docs_openapi);
    http_add_header(request, "Cache-Control", "max-age=300");
    http_reply(request, 200, "application/json", &out);
    buf_release(&out);
}
