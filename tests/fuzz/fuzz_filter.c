/*
 * fuzz_filter.c: what http_filter makes of a stream of bytes does not depend on where the network cuts it; what a head points to
 * stands in it; and a path that http_decode takes is UTF-8 without control characters.
 */
#include "../../api-gateway/http_filter.h"
#include "log.h"
#include "mem.h"
#include "utf8.h"

#define HEAD_MAX 2048
#define BODY_MAX 512
#define EVENTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    unsigned count; /* of requests that ended */
    int status;     /* of the fault; 0: none */
    size_t used;
    uint64_t sum; /* of what the heads said */
};

static void check_decoded(const char *text)
{
    size_t len = strlen(text);
    char *out = mem_alloc(len + 1);
    if (http_decode(text, len, true, out) == 0) {
        size_t left = strlen(out);
        if (left > len)
            bug("a decoded text is longer than it was");
        for (const char *at = out; left > 0;) {
            size_t sequence = utf8_sequence(at, left);
            if (sequence == 0 || (unsigned char)*at < 0x20)
                bug("a decoded text holds what is no text");
            at += sequence;
            left -= sequence;
        }
    }
    free(out);
}

static uint64_t add_text(uint64_t sum, const char *text)
{
    for (; *text != '\0'; text++)
        sum = sum * 31 + (unsigned char)*text;
    return sum * 31;
}

static void look_at_head(struct reading *reading, const struct http_head *head)
{
    if (head->count > HTTP_FIELDS_MAX || head->content_length < -1)
        bug("a head with %u fields and a body of %lld", head->count, (long long)head->content_length);
    reading->sum = add_text(reading->sum, http_head_text(head, head->path));
    check_decoded(http_head_text(head, head->path));
    if (head->query != 0)
        check_decoded(http_head_text(head, head->query));
    for (unsigned i = 0; i < head->count; i++) {
        if (head->fields[i].name >= head->text.len || head->fields[i].value > head->text.len)
            bug("a field outside of its head");
        reading->sum = add_text(reading->sum, http_head_text(head, head->fields[i].name));
        reading->sum = add_text(reading->sum, http_head_text(head, head->fields[i].value));
    }
    if (http_head_field(head, "Host") == NULL && head->minor == 1)
        bug("a head of HTTP/1.1 without a host");
    const char *trace = http_head_field(head, "traceparent");
    if (trace != NULL)
        http_traceparent_valid(trace, strlen(trace));
}

/* As the server reads: pieces of at most `step` bytes, one request after the other. */
static struct reading read_in_steps(const char *text, size_t len, size_t step)
{
    struct reading reading = {0};
    struct http_fault fault = {0};
    struct http_scan scan;
    http_scan_init(&scan, HEAD_MAX);
    while (reading.used < len && reading.status == 0 && reading.count < EVENTS_MAX) {
        size_t piece = len - reading.used < step ? len - reading.used : step, used = 0;
        enum http_scan_event event = http_scan_feed(&scan, text + reading.used, piece, &used, &fault);
        if (used > piece)
            bug("more was read than there is");
        reading.used += used;
        if (event == HTTP_SCAN_HEADS) {
            struct http_head *head = http_scan_take_head(&scan);
            look_at_head(&reading, head);
            event = http_scan_body(&scan, head, BODY_MAX, &fault);
            http_head_free(head);
        }
        if (event == HTTP_SCAN_FAULT)
            reading.status = fault.status;
        if (event == HTTP_SCAN_FAULT && (fault.status < 400 || fault.detail[0] == '\0'))
            bug("a fault without a status or a sentence");
        if (event == HTTP_SCAN_ENDS) {
            reading.count++;
            http_scan_next(&scan);
        }
    }
    http_scan_release(&scan);
    return reading;
}

/* The first byte says how it is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    struct reading whole = read_in_steps(text, size - 1, size),
                   cut = read_in_steps(text, size - 1, 1 + data[0] % 16);
    if (whole.count != cut.count || whole.status != cut.status || whole.sum != cut.sum)
        bug("%u requests and %d in one piece, %u and %d in several", whole.count, whole.status, cut.count,
            cut.status);
    return 0;
}
