/*
 * fuzz_entry.c: an entry of a stream, its fields with NUL bytes between: what is taken is written back to the letter, so that no
 * event has two spellings, and what is not says why. The same for an entry with one reference that is the whole input.
 */
#include "log.h"
#include "mem.h"
#include "msg.h"

#define FIELDS_MAX (2 + 2 * PROTO_REFS_MAX + 4)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct ref *ref, const struct msg_field *field)
{
    struct buf text = BUF_INIT;
    msg_format_ref(&text, ref);
    if (!field->text || text.len != field->len || memcmp(text.data, field->text, text.len) != 0)
        bug("\"%.*s\" is taken and written as \"%s\"", (int)field->len, field->text ? field->text : "",
            text.data);
    buf_release(&text);
}

static void check_entry(const struct msg_field *fields, size_t count)
{
    static struct ref refs[PROTO_REFS_MAX];
    const char *why = NULL;
    size_t read = 0;
    switch (msg_parse_entry(fields, count, refs, &read, &why)) {
    case MSG_OK:
        if (read == 0 || read != count / 2 - 1)
            bug("%zu references in %zu fields", read, count);
        for (size_t i = 0; i < read; i++)
            check_same(&refs[i], &fields[2 * i + 3]);
        break;
    case MSG_POISON:
        if (why == NULL || why[0] == '\0')
            bug("an entry is poison and nobody knows why");
        break;
    case MSG_NEWER:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msg_field fields[FIELDS_MAX] = {{0}};
    char *text = mem_strndup((const char *)data, size); /* of its own: reading behind its end is seen */
    size_t count = 0;
    for (size_t at = 0; at < size && count < FIELDS_MAX; count++) {
        fields[count].text = text + at;
        fields[count].len = strlen(text + at) < size - at ? strlen(text + at) : size - at;
        at += fields[count].len + 1;
    }
    check_entry(fields, count);
    check_entry((struct msg_field[]){{PROTO_FIELD_VERSION, strlen(PROTO_FIELD_VERSION)},
                                     {"1", 1},
                                     {PROTO_FIELD_REF, strlen(PROTO_FIELD_REF)},
                                     {text, size}},
                4);
    free(text);
    return 0;
}
