/*
 * stage_read.c: the doorbell of a partition and its fenced reads: from Redis entries to items in hand.
 *
 * Ring (a plain XREAD BLOCK, at most 1 s) → read.lua → items, and read again until nothing is new → ring. A partition that was
 * just taken, or whose last answer was lost, first reads what is pending, stream by stream, page by page.
 */
#include "belt_repair.h"
#include "lua.h"
#include "sql.h"
#include "stage_internal.h"

#define BELL_BLOCK_MS 1000
#define BELL_TIMEOUT_MS 5000
#define REST_S 1
#define PENDING_PAGE 50
#define TAKEN_OVER_MAX \
    64 /* references of a partition in hand while what another left pending is handed out once more */
#define TAKEN_OVER_MS 1000 /* but a page of them as often as that */

/* Entries of one read per priority: critical first, low never starved. */
static const int read_counts[PRIORITIES] = {64, 32, 16, 4};

static void ring(struct partition *partition);

/* Redis refuses (out of memory, loading, a key of another type): not at once again, or a core would spin. */
static void rest(struct partition *partition, const struct stream_reply *reply)
{
    const struct timeval pause = {REST_S, 0};

    belt_refused(partition->stage->spec.name, reply_text(reply, NULL));
    if (reply_is_error(reply, "WRONGTYPE"))
        stage_heal(partition);
    evtimer_add(partition->rest, &pause);
}

void stage_rest_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    stage_read(arg);
}

void stage_listen_from_start(struct partition *partition)
{
    for (unsigned p = 0; p < PRIORITIES; p++) {
        snprintf(partition->last[p], STAGE_ID_MAX, "0");
        snprintf(partition->pending_after[p], STAGE_ID_MAX, "0");
    }
    partition->taken_over &= !partition->handed_out;
    partition->pending = true;
}

/* Entry ids are <ms>-<n>: compares them as numbers, not as text. */
static bool id_after(const char *a, const char *b)
{
    char *end_a, *end_b;
    unsigned long long ms_a = strtoull(a, &end_a, 10), ms_b = strtoull(b, &end_b, 10);

    if (ms_a != ms_b)
        return ms_a > ms_b;
    return (*end_a == '-' ? strtoull(end_a + 1, NULL, 10) : 0) >
           (*end_b == '-' ? strtoull(end_b + 1, NULL, 10) : 0);
}

static void saw(struct partition *partition, enum priority priority, const char *id)
{
    if (id_after(id, partition->last[priority]))
        snprintf(partition->last[priority], STAGE_ID_MAX, "%s", id);
}

static size_t entry_key(char key[], size_t size, const struct partition *partition, enum priority priority,
                        const char *id)
{
    return (size_t)snprintf(key, size, "%u/%d/%s", partition->number, (int)priority, id);
}

void stage_entry_release(struct stage *stage, struct stage_entry *entry)
{
    char key[STAGE_ID_MAX + 16];

    map_remove(stage->entries, key, entry_key(key, sizeof key, entry->partition, entry->priority, entry->id));
    free(entry);
}

/* Poison: kept in PostgreSQL with its reason, and only then acknowledged. */
struct poison {
    struct partition *partition;
    enum priority priority;
    char id[STAGE_ID_MAX];
};

static void on_parked(enum db_status status, const struct db_result *result, void *arg)
{
    struct poison *poison = arg;
    struct partition *partition = poison->partition;

    (void)result;
    if (status == DB_OK && partition->fence > 0)
        belt_ack_entry(stage_call(partition->stage, partition->number), partition->stream[poison->priority],
                       poison->id);
    else
        partition->pending = true; /* read again, parked again */
    free(poison);
}

static void park(struct partition *partition, enum priority priority, const char *id,
                 const struct stream_reply *fields, const char *why)
{
    struct stage *stage = partition->stage;
    struct poison *poison = mem_alloc(sizeof *poison);
    struct db_params *params = db_params_new();
    struct buf text = BUF_INIT;

    buf_add_ch(&text, BODY_PLAIN);
    for (size_t i = 0; i < reply_count(fields) && text.len < 65536; i++) {
        size_t len;
        const char *word = reply_text(reply_at(fields, i), &len);
        buf_add(&text, word, word ? (len < 65536 ? len : 65536) : 0);
        buf_add_ch(&text, '\n');
    }
    poison->partition = partition;
    poison->priority = priority;
    snprintf(poison->id, sizeof poison->id, "%s", id);
    stats_add(stage->stat_poison, 1);
    log_warn("poison", LOG_STR("stream", partition->stream[priority]), LOG_STR("entry", id),
             LOG_STR("reason", why));
    db_add_text(params, stage->spec.name);
    db_add_text(params, partition->stream[priority]);
    db_add_text(params, id);
    db_add_text(params, why);
    db_add_bytes(params, text.data, text.len);
    buf_release(&text);
    db_query(store_db(stage->store), DB_WRITER, sql_park_entry, params, on_parked, poison);
}

static struct stage_item *take(struct stage_entry *entry, const struct ref *ref, unsigned handouts)
{
    struct stage *stage = entry->partition->stage;
    struct stage_item *item = mem_alloc(sizeof *item);

    item->ref = *ref;
    item->partition = entry->partition->number;
    item->priority = entry->priority;
    item->handouts = handouts;
    item->entry = entry;
    map_put(stage->hand, ref->event.bytes, sizeof ref->event.bytes, item);
    entry->open++;
    entry->partition->in_hand++;
    return item;
}

/* The references of one entry that are not yet in hand. */
static size_t take_refs(struct partition *partition, enum priority priority, const char *id,
                        const struct ref *refs, size_t count, unsigned handouts, struct stage_item **items)
{
    struct stage *stage = partition->stage;
    struct stage_entry *entry = mem_alloc(sizeof *entry);
    char key[STAGE_ID_MAX + 16];
    size_t taken = 0;

    snprintf(entry->id, sizeof entry->id, "%s", id);
    entry->partition = partition;
    entry->priority = priority;
    for (size_t i = 0; i < count; i++)
        if (!map_get(stage->hand, refs[i].event.bytes, sizeof refs[i].event.bytes))
            items[taken++] = take(entry, &refs[i], handouts);
    if (taken == 0) { /* all of them are in hand by another entry */
        belt_ack_entry(stage_call(stage, partition->number), partition->stream[priority], id);
        free(entry);
        return 0;
    }
    map_put(stage->entries, key, entry_key(key, sizeof key, partition, priority, id), entry);
    return taken;
}

/* One entry {id, {field, value, …}[, handouts]} → items; the number taken. */
static size_t read_entry(struct partition *partition, enum priority priority,
                         const struct stream_reply *entry, struct stage_item **items)
{
    const char *id = reply_text(reply_at(entry, 0), NULL), *why = "";
    const struct stream_reply *fields = reply_at(entry, 1);
    struct msg_field words[2 + 2 * PROTO_REFS_MAX + 2];
    struct ref refs[PROTO_REFS_MAX];
    char key[STAGE_ID_MAX + 16];
    size_t count = reply_count(fields), ref_count = 0;
    unsigned handouts = reply_count(entry) > 2 ? (unsigned)reply_int(reply_at(entry, 2)) : 1;

    if (!id || strlen(id) >= STAGE_ID_MAX)
        return 0;
    saw(partition, priority, id);
    if (map_get(partition->stage->entries, key, entry_key(key, sizeof key, partition, priority, id)))
        return 0;
    if (count > sizeof words / sizeof *words) {
        park(partition, priority, id, fields, "the entry has more fields than any of ours");
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        words[i].text = reply_text(reply_at(fields, i), &words[i].len);
    switch (msg_parse_entry(words, count, refs, &ref_count, &why)) {
    case MSG_NEWER:
        return 0;
    case MSG_POISON:
        park(partition, priority, id, fields, why);
        return 0;
    case MSG_OK:
        break;
    }
    return take_refs(partition, priority, id, refs, ref_count, handouts, items);
}

/* All entries of one stream; the references of those handed out often go to the consumer alone. Returns the number of entries. */
static size_t read_stream(struct partition *partition, enum priority priority,
                          const struct stream_reply *entries)
{
    struct stage *stage = partition->stage;
    size_t count = reply_count(entries), taken = 0;
    struct stage_item **items = count ? mem_array(count * PROTO_REFS_MAX, sizeof *items) : NULL;

    for (size_t i = 0; i < count; i++) {
        size_t more = read_entry(partition, priority, reply_at(entries, i), items + taken);
        if (more > 0 && items[taken]->handouts >= STAGE_HANDOUTS_ALONE)
            stage_alone_add(partition, items + taken, more);
        else
            taken += more;
    }
    if (taken > 0)
        stage->spec.on_items(items, taken, stage->spec.arg);
    free(items);
    stage_alone_go(stage);
    return count;
}

/* The stream whose pending entries are read now; priorities when all have been. */
static unsigned pending_stream(const struct partition *partition)
{
    unsigned p = 0;

    while (p < partition->stage->spec.priorities && partition->pending_after[p][0] == '\0')
        p++;
    return p;
}

static void turn_pending_page(struct partition *partition, const struct stream_reply *streams)
{
    unsigned p = pending_stream(partition);
    const struct stream_reply *entries = reply_at(streams, p);
    size_t count = reply_count(entries);
    const char *last = count ? reply_text(reply_at(reply_at(entries, count - 1), 0), NULL) : NULL;

    if (!last)
        partition->pending_after[p][0] = '\0';
    else
        snprintf(partition->pending_after[p], STAGE_ID_MAX, "%s", last);
    if (pending_stream(partition) < partition->stage->spec.priorities)
        return;
    partition->pending = partition->taken_over = false;
    partition->settled = true;
    for (p = 0; p < PRIORITIES; p++)
        snprintf(partition->pending_after[p], STAGE_ID_MAX, "0");
}

static void learn_sizes(struct partition *partition, const struct stream_reply *sizes)
{
    for (unsigned p = 0; p < partition->stage->spec.priorities; p++)
        partition->on_belt[p] = (size_t)reply_int(reply_at(sizes, p));
    stage_ready_check(partition);
}

static void read_answer(struct partition *partition, const struct stream_reply *reply)
{
    const struct stream_reply *streams = reply_at(reply, 2);
    bool was_pending = partition->pending;
    size_t entries = 0;

    if (reply_int(reply_at(reply, 1)) != 0) {
        if (partition->settled)
            belt_repaired(BELT_REPAIR_STREAM, partition->stage->spec.name, partition->number, 1);
        stage_ready_in(partition->stage, 0);
    }
    for (unsigned p = 0; p < partition->stage->spec.priorities; p++)
        entries += read_stream(partition, (enum priority)p, reply_at(streams, p));
    if (partition->state != PARTITION_ACTIVE)
        return;
    if (was_pending)
        turn_pending_page(partition, streams);
    learn_sizes(partition, reply_at(reply, 3));
    if (was_pending || entries > 0 || partition->read_again)
        stage_read(partition);
    else
        ring(partition);
}

static void on_read(const struct stream_reply *reply, void *arg)
{
    struct partition *partition = arg;

    partition->reading = false;
    if (partition->state != PARTITION_ACTIVE || reply_type(reply) != REPLY_ARRAY) {
        /* What was handed out in an answer that we do not use is pending now. */
        partition->pending = true;
        if (reply && reply_is_error(reply, NULL))
            rest(partition, reply);
        else if (partition->state == PARTITION_ACTIVE)
            ring(partition);
        return;
    }
    if (reply_int(reply_at(reply, 0)) == 1) {
        read_answer(partition, reply);
        return;
    }
    /* Absent, another fence or another mark: PostgreSQL says whether the partition is still ours. */
    log_warn("owner key differs", LOG_STR("stage", partition->stage->spec.name),
             LOG_INT("partition", partition->number), LOG_INT("answer", reply_int(reply_at(reply, 0))));
    if (reply_int(reply_at(reply, 0)) == 0)
        belt_repaired(BELT_REPAIR_LEASE, partition->stage->spec.name, partition->number, 1);
    stage_enter(partition, PARTITION_COPYING);
    stage_beat(partition->stage);
}

/* Whoever ends meanwhile makes suspects only of what it was handed. */
static bool has_enough_taken_over(struct partition *partition)
{
    int64_t since_ms = clock_mono_ms() - partition->page_ms;
    const struct timeval second = {TAKEN_OVER_MS / 1000, 0};

    if (!partition->pending || !partition->taken_over || partition->in_hand < TAKEN_OVER_MAX ||
        since_ms >= TAKEN_OVER_MS)
        return false;
    evtimer_add(partition->rest, &second);
    return true;
}

void stage_read(struct partition *partition)
{
    struct stage *stage = partition->stage;
    struct stream_command *command;
    char key[MSG_KEY_MAX], from[STAGE_ID_MAX + 1] = ">";
    unsigned pending = pending_stream(partition);

    partition->read_again = partition->reading;
    if (partition->state != PARTITION_ACTIVE || stage->paused || partition->reading ||
        !stream_up(stage->belt))
        return;
    stage_alone_go(stage);
    if (map_count(stage->hand) >= stage->spec.hand_max || stage_alone_waits(partition) ||
        has_enough_taken_over(partition)) {
        stage->starved = true;
        return;
    }
    if (partition->pending) {
        partition->page_ms = clock_mono_ms();
        snprintf(from, sizeof from, "%s%s", partition->taken_over ? "" : "~",
                 partition->pending_after[pending]);
        partition->handed_out = true;
    }
    partition->reading = true;
    command = stream_script(lua_read, 1 + 2 * stage->spec.priorities);
    msg_key_owner(key, stage->spec.name, partition->number);
    stream_add(command, key);
    for (unsigned p = 0; p < stage->spec.priorities; p++)
        stream_add(command, partition->stream[p]);
    for (unsigned p = 0; p < stage->spec.priorities; p++)
        stream_add(command, partition->set[p]);
    stream_add_int(command, partition->fence);
    stream_add(command, stage->mark);
    stream_add(command, from);
    for (unsigned p = 0; p < stage->spec.priorities; p++)
        stream_add_int(command, !partition->pending ? read_counts[p] : p == pending ? PENDING_PAGE : 0);
    stream_send(stage->belt, command, on_read, partition);
}

static void on_ring(const struct stream_reply *reply, void *arg)
{
    struct partition *partition = arg;

    partition->rung = false;
    if (partition->state != PARTITION_ACTIVE || !partition->bell)
        return;
    for (size_t i = 0; i < reply_count(reply); i++) { /* {{stream, {{id, fields}}}, …} */
        const struct stream_reply *stream = reply_at(reply, i);
        const char *name = reply_text(reply_at(stream, 0), NULL);
        const char *id = reply_text(reply_at(reply_at(reply_at(stream, 1), 0), 0), NULL);
        for (unsigned p = 0; name && id && p < partition->stage->spec.priorities; p++)
            if (strcmp(partition->stream[p], name) == 0)
                saw(partition, (enum priority)p, id);
    }
    if (reply && reply_is_error(reply, NULL))
        rest(partition, reply);
    else if (reply)
        stage_read(partition); /* also after a second of silence: the read checks fence and mark */
}

static void ring(struct partition *partition)
{
    struct stage *stage = partition->stage;
    struct stream_command *command;

    if (partition->rung || !partition->bell || !stream_up(partition->bell))
        return;
    partition->rung = true;
    command = stream_command("XREAD");
    stream_add(command, "COUNT");
    stream_add_int(command, 1);
    stream_add(command, "BLOCK");
    stream_add_int(command, BELL_BLOCK_MS);
    stream_add(command, "STREAMS");
    for (unsigned p = 0; p < stage->spec.priorities; p++)
        stream_add(command, partition->stream[p]);
    for (unsigned p = 0; p < stage->spec.priorities; p++)
        stream_add(command, partition->last[p]);
    stream_send(partition->bell, command, on_ring, partition);
}

static void on_bell_state(bool up, void *arg)
{
    struct partition *partition = arg;

    if (up && partition->state == PARTITION_ACTIVE)
        stage_read(partition);
}

void stage_bell_open(struct partition *partition)
{
    struct stage *stage = partition->stage;
    char name[64];
    struct stream_config config = {.url = service_conf(stage->service)->redis_url,
                                   .name = name,
                                   .timeout_ms = BELL_TIMEOUT_MS,
                                   .waiting_max = 4};

    if (partition->bell)
        return;
    snprintf(name, sizeof name, "%s-p%02u-bell", stage->spec.name, partition->number);
    partition->bell = stream_new(stage->base, &config);
    stream_on_state(partition->bell, on_bell_state, partition);
}

void stage_bell_close(struct partition *partition)
{
    if (partition->bell)
        stream_free(&partition->bell);
    partition->rung = false;
}
