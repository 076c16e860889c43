/* setting_file.c: see setting.h. */
#include <errno.h>

#include "setting.h"
#include "utf8.h"

static bool is_utf8(const char *text, size_t len)
{
    size_t step = 1;
    for (size_t at = 0; at < len && step > 0; at += step)
        step = utf8_sequence(text + at, len - at);
    return step > 0;
}

char *setting_read_file(const char *path, struct buf *errors)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    if (file == NULL) {
        buf_addf(errors, "%s: cannot be opened: %s\n", path, strerror(errno));
        return NULL;
    }
    text = mem_alloc(SETTING_FILE_BYTES_MAX + 1);
    size_t len = fread(text, 1, SETTING_FILE_BYTES_MAX + 1, file);
    const char *why = NULL;
    if (ferror(file))
        why = "cannot be read";
    else if (len > SETTING_FILE_BYTES_MAX)
        why = "is larger than 1 MiB, which no such file needs";
    else if (memchr(text, '\0', len) != NULL)
        why = "holds a NUL byte and so is no text";
    else if (!is_utf8(text, len))
        why = "is not UTF-8";
    fclose(file);
    if (why != NULL) {
        buf_addf(errors, "%s: %s\n", path, why);
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}
