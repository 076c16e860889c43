/*
 * fuzz_platform.c: a platform file, read and checked whole: it is refused with sentences that name file and line, or it is a
 * platform whose tables carry a record in and out.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "delivery.h"
#include "json.h"
#include "log.h"
#include "mapping.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig forgets the text that it was reading when a file ends inside of it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

static char dir[64];

static void remove_dir(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s/x.conf", dir);
    unlink(path);
    rmdir(dir);
}

static void write_file(const void *data, size_t size)
{
    char path[80];
    if (dir[0] == '\0') {
        snprintf(dir, sizeof dir, "/tmp/fuzz-platform.XXXXXX");
        if (mkdtemp(dir) == NULL)
            fatal("no folder can be made in /tmp");
        atexit(remove_dir);
        log_open("fuzz_platform", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    }
    snprintf(path, sizeof path, "%s/x.conf", dir);
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        fatal("%s cannot be written", path);
}

static const char *look_up(void *arg, const char *variable)
{
    (void)arg;
    return strlen(variable) % 2 ? "http://127.0.0.1:8001" : NULL;
}

static void carry(const struct platform_set *set, enum entity entity, enum event_type type, enum verb verb)
{
    static const char text[] = "{\"id\":\"7\",\"user_id\":\"7\",\"email\":\"a@example.com\",\"name\":\"A "
                               "B\",\"status\":\"active\",\"price\":1.5,"
                               "\"currency\":\"USD\",\"items\":[{\"product_id\":\"1\",\"price\":\"2.50\"}],"
                               "\"created_at\":\"2026-01-01T00:00:00+01:00\","
                               "\"total\":99999999.99,\"tags\":[1,null,\"x\"],\"address\":{\"city\":\"Z\"}}";
    const struct platform *platform = platform_at(set, 0);
    struct json_error error;
    bool ok;
    struct json *sent = json_parse(text, sizeof text - 1, JSON_DEPTH_MAX, &error, &ok);
    struct json *common = mapping_in(platform, entity, sent), *errors = json_new_array();
    struct buf body = BUF_INIT, why = BUF_INIT;
    struct delivery_source source = {.target = platform,
                                     .platforms = set,
                                     .type = type,
                                     .verb = verb,
                                     .generation = 1,
                                     .source_platform = "y",
                                     .tenant = "t",
                                     .has_record = entity != ENTITY_NONE,
                                     .version = 1,
                                     .data = common};
    mapping_check(platform, entity, common, sent, errors);
    enum delivery_built built = delivery_body(&source, &body, &why);
    if (built == DELIVERY_BUILT && json_check(body.data, body.len, JSON_DEPTH_MAX, NULL) != 0)
        bug("a body that is no JSON: %s", body.data);
    if (built == DELIVERY_IMPOSSIBLE && why.len == 0)
        bug("a delivery is impossible and nobody knows why");
    buf_release(&body), buf_release(&why);
    json_free(sent), json_free(common), json_free(errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf errors = BUF_INIT;
    if (memmem(data, size, "@include", 8) != NULL) /* reads other files */
        return 0;
    write_file(data, size);
    struct platform_set *set = platform_set_load(dir, look_up, NULL, &errors);
    if (set == NULL && strncmp(errors.data, dir, strlen(dir)) != 0)
        bug("a file is refused without its name: %s", errors.data);
    if (set != NULL && errors.len > 0)
        bug("a file is taken with mistakes: %s", errors.data);
    for (int type = 0; set != NULL && type < EVENT_TYPES; type++)
        carry(set, msg_event_entity((enum event_type)type), (enum event_type)type,
              msg_event_verb((enum event_type)type));
    platform_set_free(&set);
    buf_release(&errors);
    return 0;
}
