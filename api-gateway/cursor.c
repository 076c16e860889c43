/*
 * cursor.c: where a page of a list ended: the last id shown, as base64 in the alphabet that URLs need not escape (RFC 4648 §5). A
 * number takes the last eight bytes of an id.
 */
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

void cursor_answer_number(struct buf *out, int64_t number)
{
    struct buf cursor = BUF_INIT;
    struct uuid id = {{0}};
    for (size_t i = 0; i < 8; i++)
        id.bytes[8 + i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    if (number != CURSOR_NO_NUMBER)
        cursor_write(&cursor, &id);
    answer_text(out, "next_cursor", cursor.len > 0 ? cursor.data : NULL);
    buf_release(&cursor);
}

int cursor_read_number(const char *cursor, int64_t *number)
{
    static const uint8_t zeroes[8];
    struct uuid id;
    uint64_t value = 0;
    if (cursor_read(cursor, &id) < 0 || memcmp(id.bytes, zeroes, sizeof zeroes) != 0 || id.bytes[8] > 0x7f)
        return -1;
    for (size_t i = 8; i < 16; i++)
        value = value << 8 | id.bytes[i];
    *number = (int64_t)value;
    return 0;
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
