/* cursor.c: where a page of a list ended: the last id shown, as base64 in the alphabet that URLs need not escape (RFC 4648 §5). */
#include "answer.h"
#include "digest.h"
#include "gateway.h"

static void cursor_write(struct buf *out, const struct uuid *id)
{
    struct buf text = BUF_INIT;
    digest_base64(&text, id->bytes, sizeof id->bytes);
    for (size_t i = 0; i < text.len && text.data[i] != '='; i++)
        buf_add_ch(out, text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i]);
    buf_release(&text);
}

void cursor_answer(struct buf *out, const struct db_result *result, size_t shown, bool more)
{
    struct buf cursor = BUF_INIT;
    struct uuid last;
    if (more && shown > 0) {
        db_get_uuid(result, shown - 1, db_column(result, "id"), &last);
        cursor_write(&cursor, &last);
    }
    answer_text(out, "next_cursor", cursor.len > 0 ? cursor.data : NULL);
    buf_release(&cursor);
}

int cursor_read(const char *cursor, struct uuid *id)
{
    struct buf text = BUF_INIT, bytes = BUF_INIT;
    int status = -1;
    for (const char *at = cursor; *at && text.len < 64; at++)
        buf_add_ch(&text, *at == '-' ? '+' : *at == '_' ? '/' : *at);
    buf_add_str(&text, "==");
    if (digest_base64_decode(&bytes, text.data, text.len) == 0 && bytes.len == sizeof id->bytes) {
        memcpy(id->bytes, bytes.data, bytes.len);
        status = 0;
    }
    buf_release(&text);
    buf_release(&bytes);
    return status;
}
