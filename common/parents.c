/* parents.c: see parents.h. What is missed here goes out before its parent; what is found wrongly waits for nothing, or a while. */
#include "parents.h"

#include <string.h>

#include "digest.h"
#include "mem.h"

#define PATH_DEPTH_MAX 8

struct finding {
    struct parents *parents;
    enum entity entity; /* of the parents looked for */
    const char *tenant;
    const char *origin;
    struct buf path; /* of the value at hand */
    size_t place_len;
};

static const struct parent *stands_at(const struct parents *parents, enum entity entity, const char *place,
                                      size_t len)
{
    for (size_t i = 0; i < parents->count; i++) {
        const struct parent *parent = &parents->list[i];
        if (parent->entity == entity && parent->place_len == len && memcmp(parent->path, place, len) == 0)
            return parent;
    }
    return NULL;
}

static void add(struct finding *finding, const char *id, size_t len)
{
    struct parents *parents = finding->parents;
    struct parent *parent;

    if (parents->count == PARENTS_MAX ||
        stands_at(parents, finding->entity, finding->path.data, finding->place_len))
        return;                                       /* an earlier path named it */
    if ((parents->count & (parents->count - 1)) == 0) /* 0, 1, 2, 4, 8 …: full */
        parents->list =
            mem_realloc(parents->list, (parents->count ? 2 * parents->count : 1) * sizeof *parents->list);
    parent = &parents->list[parents->count++];
    *parent = (struct parent){.entity = finding->entity,
                              .id = mem_strndup(id, len),
                              .path = mem_strdup(finding->path.data),
                              .place_len = finding->place_len,
                              .origin = mem_strdup(finding->origin)};
    digest_record_id(&parent->record, finding->tenant, msg_entity_name(finding->entity), parent->id);
}

static void add_value(struct finding *finding, const struct json *value)
{
    size_t len = 0;
    int64_t number;
    const char *text = json_text(value, &len);

    if (!text || len == 0 || len > PARENTS_ID_MAX)
        return;
    if (json_type(value) == JSON_NUMBER && json_int64(value, &number) != 0)
        return;
    add(finding, text, len);
}

static void cut(struct buf *path, size_t len)
{
    path->len = len;
    if (path->cap > 0)
        path->data[len] = '\0';
}

static void walk(struct finding *finding, const struct json *value, const char *path, unsigned depth);

static void walk_list(struct finding *finding, const struct json *list, const char *path, unsigned depth)
{
    size_t path_len = finding->path.len, place_len = finding->place_len;

    for (size_t i = 0; i < json_count(list) && finding->parents->count < PARENTS_MAX; i++) {
        buf_addf(&finding->path, "[%zu]", i);
        finding->place_len = finding->path.len;
        walk(finding, json_at(list, i), path, depth);
        cut(&finding->path, path_len);
        finding->place_len = place_len;
    }
}

/* "items.product_id": a member, and the rest inside it; a list on the way stands for each of its elements. */
static void walk(struct finding *finding, const struct json *value, const char *path, unsigned depth)
{
    size_t before = finding->path.len, len;
    char name[PARENTS_ID_MAX + 1];

    if (depth > PATH_DEPTH_MAX)
        return;
    if (json_type(value) == JSON_ARRAY) {
        walk_list(finding, value, path, depth + 1);
        return;
    }
    if (*path == '\0') {
        add_value(finding, value);
        return;
    }
    len = strcspn(path, ".");
    if (json_type(value) != JSON_OBJECT || len >= sizeof name)
        return;
    memcpy(name, path, len);
    name[len] = '\0';
    buf_addf(&finding->path, "%s%s", before > 0 ? "." : "", name);
    walk(finding, json_get(value, name), path + len + (path[len] == '.'), depth + 1);
    cut(&finding->path, before);
}

/* The platform that the path's first member came from: the note of that field. */
static const char *origin_of(const struct json *notes, const char *path)
{
    char field[PARENTS_ID_MAX + 1];
    size_t len = strcspn(path, ".");

    if (json_type(notes) != JSON_OBJECT || len >= sizeof field)
        return NULL;
    memcpy(field, path, len);
    field[len] = '\0';
    return json_get_text(json_get(notes, field), "o");
}

void parents_find(struct parents *parents, const struct platform *platform, enum entity entity,
                  const char *tenant, const struct json *data, const struct json *notes)
{
    struct finding finding = {.parents = parents, .tenant = tenant, .path = BUF_INIT};
    size_t count;
    const struct platform_parent *rows = platform_parents(platform, entity, &count);

    *parents = (struct parents){0};
    for (size_t row = 0; row < count; row++) {
        finding.entity = rows[row].entity;
        for (size_t i = 0; i < rows[row].path_count; i++) {
            finding.origin = origin_of(notes, rows[row].paths[i]);
            walk(&finding, data, rows[row].paths[i], 0);
        }
    }
    buf_release(&finding.path);
}

void parents_mark_told(struct parents *parents, const struct parents *others)
{
    for (size_t i = 0; i < parents->count; i++) {
        struct parent *parent = &parents->list[i];
        for (size_t j = 0; j < others->count && !parent->told; j++)
            parent->told = others->list[j].entity == parent->entity &&
                           uuid_equal(&others->list[j].record, &parent->record);
    }
}

const struct parent *parents_at(const struct parents *parents, enum entity entity, const char *place)
{
    return stands_at(parents, entity, place, strlen(place));
}

void parents_release(struct parents *parents)
{
    for (size_t i = 0; i < parents->count; i++) {
        free(parents->list[i].id);
        free(parents->list[i].path);
        free(parents->list[i].origin);
    }
    free(parents->list);
    *parents = (struct parents){0};
}
