/*
 * belt_repair.c: says and counts what was wrong with the belt; see belt_repair.h.
 *
 * Without it a belt that heals itself would hide that somebody deletes its keys every night.
 */
#include "belt_repair.h"

#include "clock.h"
#include "log.h"
#include "lua.h"
#include "mem.h"
#include "msg.h"
#include "stats.h"

#define REFUSED_EVERY_MS 10000
#define ASIDE_KEPT_S (7 * 24 * 3600)
#define ASIDE_PREFIX "aside:"

static const char *const words[] = {
#define X(name, what, help) what,
    BELT_REPAIRS(X)
#undef X
};

static struct {
    struct stat *repairs[BELT_REPAIR_KINDS], *refused;
    int64_t repaired[BELT_REPAIR_KINDS];
    char why[128]; /* the last refusal said, when, and how many like it came since */
    int64_t said_ms, hidden;
} the;

void belt_repair_register(void)
{
    char labels[48];

    if (the.refused)
        return;
    for (unsigned i = 0; i < BELT_REPAIR_KINDS; i++) {
        snprintf(labels, sizeof labels, "what=\"%s\"", words[i]);
        the.repairs[i] = stats_register(STATS_COUNTER, "sync_belt_repairs_total", labels,
                                        "What was missing or wrong on the belt and was put right");
    }
    the.refused =
        stats_register(STATS_COUNTER, "sync_belt_refused_total", "",
                       "Calls that Redis answered with a refusal: out of memory, a failing disk, a replica");
}

static void count_repairs(enum belt_repair what, int64_t count)
{
    stats_add(the.repairs[what], count);
    the.repaired[what] += count;
}

void belt_repairs_json(struct buf *out)
{
    const char *between = "";

    buf_add_ch(out, '{');
    for (unsigned i = 0; i < BELT_REPAIR_KINDS; i++)
        if (the.repaired[i] > 0) {
            buf_addf(out, "%s\"%s\":%lld", between, words[i], (long long)the.repaired[i]);
            between = ",";
        }
    buf_add_ch(out, '}');
}

void belt_repaired(enum belt_repair what, const char *who, unsigned partition, int64_t count)
{
    belt_repair_register();
    count_repairs(what, count);
    log_warn("belt repaired", LOG_STR("kind", words[what]), LOG_STR("stage", who),
             LOG_INT("partition", partition), LOG_INT("count", count));
}

/* Script errors end in the script's name and line: the reason is what stands before. */
static size_t reason_len(const char *why)
{
    const char *script = strstr(why, " script: ");

    return script ? (size_t)(script - why) : strlen(why);
}

void belt_refused(const char *who, const char *why)
{
    int64_t now = clock_mono_ms();
    size_t len = reason_len(why);
    bool same = strlen(the.why) == (len < sizeof the.why ? len : sizeof the.why - 1) &&
                strncmp(the.why, why, strlen(the.why)) == 0;

    belt_repair_register();
    stats_add(the.refused, 1);
    if (same && now - the.said_ms < REFUSED_EVERY_MS) {
        the.hidden++;
        return;
    }
    snprintf(the.why, sizeof the.why, "%.*s", (int)len, why);
    log_warn("belt refused by redis", LOG_STR("stage", who), LOG_STR("why", the.why),
             LOG_INT("more_like_it", the.hidden));
    the.said_ms = now;
    the.hidden = 0;
}

/* ---- what is not ours ---- */

struct asking {
    belt_aside_cb done;
    void *arg;
};

static void on_aside(const struct stream_reply *reply, void *arg)
{
    struct asking asking = *(struct asking *)arg;
    int64_t found = -1;

    free(arg);
    if (reply_type(reply) == REPLY_ARRAY)
        found = (int64_t)reply_count(reply) / 2;
    else if (reply)
        belt_refused("aside", reply_text(reply, NULL) ? reply_text(reply, NULL) : "");
    for (size_t i = 0; found > 0 && i + 1 < reply_count(reply); i += 2) {
        const char *name = reply_text(reply_at(reply, i), NULL);
        const char *type = reply_text(reply_at(reply, i + 1), NULL);
        belt_repair_register();
        count_repairs(BELT_REPAIR_KEY, 1);
        log_warn("belt repaired", LOG_STR("kind", words[BELT_REPAIR_KEY]), LOG_STR("key", name ? name : ""),
                 LOG_STR("type", type ? type : ""), LOG_STR("kept_under", ASIDE_PREFIX "<key>"),
                 LOG_INT("for_s", ASIDE_KEPT_S));
    }
    if (asking.done)
        asking.done(found, asking.arg);
}

void belt_set_aside(struct stream *stream, const struct belt_name *names, size_t count, belt_aside_cb done,
                    void *arg)
{
    struct stream_command *command = stream_script(lua_aside, (unsigned)(2 * count));
    struct asking *asking = mem_alloc(sizeof *asking);
    char aside[MSG_KEY_MAX + sizeof ASIDE_PREFIX];

    *asking = (struct asking){done, arg};
    for (size_t i = 0; i < count; i++) {
        snprintf(aside, sizeof aside, ASIDE_PREFIX "%s", names[i].name);
        stream_add(command, names[i].name);
        stream_add(command, aside);
    }
    stream_add_int(command, ASIDE_KEPT_S);
    for (size_t i = 0; i < count; i++)
        stream_add(command, names[i].type);
    stream_send(stream, command, on_aside, asking);
}
