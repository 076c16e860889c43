/*
 * resolve_list.c: lists as sets: which element of one list is which of another, and each of them merged by itself.
 *
 * An element is known by its sku, else its id, else by all that it is; one that stands twice in a list is two elements. The order
 * is the base's, then that in which the sides added.
 */
#include "map.h"
#include "resolve_merge.h"

/* One element, wherever it is in the lists. */
struct slot {
    struct place place;
    bool keyed; /* by sku or id: it can be changed, not only be there or not */
};

struct slots {
    struct slot **rows;
    size_t count, room;
    struct map *by_key;
};

static struct slot *new_slot(const struct place *list, bool keyed)
{
    struct slot *slot = mem_alloc(sizeof *slot);
    slot->keyed = keyed;
    slot->place.base_known = list->base_known;
    slot->place.count = list->count;
    slot->place.parts = mem_array(list->count, sizeof *slot->place.parts);
    for (size_t i = 0; i < list->count; i++)
        slot->place.parts[i].side = list->parts[i].side;
    return slot;
}

static struct slot *slot_of(struct slots *slots, const struct place *list, const struct buf *key, bool keyed)
{
    struct slot *slot = map_get(slots->by_key, key->data, key->len);
    if (slot != NULL)
        return slot;
    slot = new_slot(list, keyed);
    if (slots->count == slots->room) {
        slots->room = slots->room * 2 + 16;
        slots->rows = mem_realloc(slots->rows, slots->room * sizeof *slots->rows);
    }
    slots->rows[slots->count++] = slot;
    map_put(slots->by_key, key->data, key->len, slot);
    return slot;
}

static bool is_keyed(const struct json *row)
{
    return json_get(row, "sku") != NULL || json_get(row, "id") != NULL;
}

/* The key of the row, told apart from that of earlier rows: a key that comes again is another element, the second of that name. No
 * key begins with a digit and #. */
static void key_of(struct buf *key, struct map *seen, const struct json *row)
{
    struct buf own = BUF_INIT;
    element_key(&own, row);
    uintptr_t times = (uintptr_t)map_get(seen, own.data, own.len) + 1;
    map_put(seen, own.data, own.len, (void *)times); // NOLINT(performance-no-int-to-ptr)
    buf_reset(key);
    if (times > 1)
        buf_addf(key, "%zu#", (size_t)times);
    buf_add(key, own.data, own.len);
    buf_release(&own);
}

/* Which element each row of the list is. */
static void place_elements(struct slots *slots, const struct place *list, const struct json *rows,
                           size_t side)
{
    struct map *seen = map_new();
    struct buf key = BUF_INIT;
    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *row = json_at(rows, i);
        key_of(&key, seen, row);
        struct slot *slot = slot_of(slots, list, &key, is_keyed(row));
        if (side == SIZE_MAX) {
            slot->place.in_base = true;
            slot->place.base = row;
        } else {
            slot->place.parts[side].present = true;
            slot->place.parts[side].value = row;
        }
    }
    buf_release(&key);
    map_free(&seen);
}

static void note_same_element(struct merger *merger, const struct slot *slot)
{
    struct part *changed;
    size_t count = merge_changed_parts(&slot->place, &changed);
    if (slot->keyed && !merge_all_equal(changed, count))
        merger->same_element = true;
    free(changed);
}

struct merged merge_lists(struct merger *merger, const struct place *place)
{
    struct slots slots = {.by_key = map_new()};
    struct json *result = json_new_array();
    size_t len = merger->path.len;
    if (place->base_known && json_type(place->base) == JSON_ARRAY)
        place_elements(&slots, place, place->base, SIZE_MAX);
    for (size_t i = 0; i < place->count; i++)
        place_elements(&slots, place, place->parts[i].value, i);
    for (size_t i = 0; i < slots.count; i++) {
        note_same_element(merger, slots.rows[i]);
        buf_addf(&merger->path, "[%zu]", i + 1);
        struct merged merged = merge_place(merger, &slots.rows[i]->place);
        merge_pop(&merger->path, len);
        if (merged.present)
            json_append(result, merged.value);
        free(slots.rows[i]->place.parts);
        free(slots.rows[i]);
    }
    free(slots.rows);
    map_free(&slots.by_key);
    return (struct merged){true, result};
}
