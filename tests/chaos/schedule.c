/* schedule.c: see schedule.h. */
#include "schedule.h"

#include <string.h>

#include "draw.h"
#include "mem.h"

#define GAP_MIN_MS 200
#define GAP_MAX_MS 2400
#define CALM_EVERY 12 /* faults; then nothing strikes for a while, so that what was held back moves */
#define CALM_MS 5000
#define TOGETHER 2

static const struct {
    const char *name;
    unsigned weight;
    enum fault_struck struck;
    int64_t shortest_ms, longest_ms;
} kinds[] = {
#define X(name, text, weight, struck, shortest, longest) {text, weight, STRUCK_##struck, shortest, longest},
    FAULT_KINDS(X)
#undef X
};

static const char *const programs[] = {"api-gateway",     "router",   "worker-bizoholic", "worker-coreldove",
                                       "worker-bizosaas", "resolver", "monitor"};
#define REPLICATED 5 /* of these */
static const char *const routes[] = {"redis", "postgres", "bizoholic", "coreldove", "bizosaas"};

const char *fault_kind_name(enum fault_kind kind)
{
    return kinds[kind].name;
}

enum fault_struck fault_struck_by(enum fault_kind kind)
{
    return kinds[kind].struck;
}

static void draw_object(struct fault *fault, struct draw *draw, unsigned replicas)
{
    unsigned count = sizeof programs / sizeof *programs, which;

    switch (kinds[fault->kind].struck) {
    case STRUCK_PROGRAM:
        which = draw_below(draw, draw_chance(draw, 90) ? REPLICATED : count);
        snprintf(fault->object, sizeof fault->object, "%s%s", programs[which],
                 which < REPLICATED && replicas > 1 && draw_chance(draw, 50) ? "-2" : "");
        break;
    case STRUCK_REDIS:
        snprintf(fault->object, sizeof fault->object, "redis");
        break;
    case STRUCK_POSTGRES:
        snprintf(fault->object, sizeof fault->object, "postgres");
        break;
    case STRUCK_ROUTE:
        snprintf(fault->object, sizeof fault->object, "%s", routes[draw_below(draw, 5)]);
        break;
    case STRUCK_PLATFORM:
        which = 2 + draw_below(draw, 3);
        snprintf(fault->object, sizeof fault->object, "%s",
                 fault->kind == FAULT_TOO_FEW ? "bizosaas" : routes[which]); /* the one that takes bulks */
        break;
    }
}

static void draw_number(struct fault *fault, struct draw *draw)
{
    if (fault->kind == FAULT_DELAY)
        fault->number = draw_between(draw, 5, 150);
    else if (fault->kind == FAULT_CUT_AFTER)
        fault->number = draw_between(draw, 1, draw_chance(draw, 50) ? 1000 : 30000);
    else if (fault->kind == FAULT_REDIS_TAIL)
        fault->number = draw_between(draw, 1, 200000);
    else if (kinds[fault->kind].struck == STRUCK_PLATFORM)
        fault->number = draw_between(draw, 1, 3);
}

/* Kinds that were not asked for weigh nothing. */
static enum fault_kind draw_kind(struct draw *draw, const unsigned weights[FAULT_KIND_COUNT])
{
    unsigned sum = 0, at;

    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++)
        sum += weights[kind];
    at = draw_below(draw, sum);
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        if (at < weights[kind])
            return (enum fault_kind)kind;
        at -= weights[kind];
    }
    return FAULT_KILL;
}

static bool named(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, len) == 0 && (at[len] == ',' || !at[len]))
            return true;
    return false;
}

/* How many of the last faults still go on then; all of them when the object is among them. */
static unsigned overlapping(const struct schedule *schedule, const struct fault *fault)
{
    unsigned count = 0;

    for (size_t i = 0; i < schedule->count; i++) {
        const struct fault *before = &schedule->faults[i];
        if (before->at_ms + before->for_ms + 300 < fault->at_ms)
            continue;
        if (strcmp(before->object, fault->object) == 0)
            return TOGETHER;
        count++;
    }
    return count;
}

static void add(struct schedule *schedule, const struct fault *fault)
{
    if ((schedule->count & (schedule->count - 1)) == 0)
        schedule->faults = mem_realloc(schedule->faults, (schedule->count ? schedule->count * 2 : 1) *
                                                             sizeof *schedule->faults);
    schedule->faults[schedule->count++] = *fault;
}

void schedule_draw(struct schedule *schedule, uint64_t seed, int64_t length_ms, unsigned replicas,
                   const char *only)
{
    struct draw draw = {seed * 2 + 1};
    unsigned weights[FAULT_KIND_COUNT], sum = 0;
    int64_t at_ms = 1500;

    *schedule = (struct schedule){0};
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++)
        weights[kind] = !only                            ? kinds[kind].weight
                        : !named(only, kinds[kind].name) ? 0
                        : kinds[kind].weight > 0         ? kinds[kind].weight
                                                         : 1;
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++)
        sum += weights[kind];
    while (at_ms < length_ms && sum > 0) {
        struct fault fault = {.at_ms = at_ms, .kind = draw_kind(&draw, weights)};

        draw_object(&fault, &draw, replicas);
        draw_number(&fault, &draw);
        fault.for_ms = draw_between(&draw, kinds[fault.kind].shortest_ms, kinds[fault.kind].longest_ms);
        if (overlapping(schedule, &fault) < TOGETHER) {
            add(schedule, &fault);
            if (schedule->count % CALM_EVERY == 0)
                at_ms += CALM_MS + fault.for_ms;
        }
        at_ms += draw_between(&draw, GAP_MIN_MS, GAP_MAX_MS);
    }
}

void schedule_free(struct schedule *schedule)
{
    free(schedule->faults);
    *schedule = (struct schedule){0};
}

void fault_write(const struct fault *fault, char *text, size_t size)
{
    int len = snprintf(text, size, "%s %s", fault_kind_name(fault->kind), fault->object);

    if (fault->number && len > 0 && (size_t)len < size)
        len += snprintf(text + len, size - (size_t)len, " %lld", (long long)fault->number);
    if (fault->for_ms && len > 0 && (size_t)len < size)
        snprintf(text + len, size - (size_t)len, " for %.1f s", (double)fault->for_ms / 1000);
}

void schedule_write(const struct schedule *schedule, FILE *out)
{
    char text[128];

    for (size_t i = 0; i < schedule->count; i++) {
        fault_write(&schedule->faults[i], text, sizeof text);
        fprintf(out, "%8.1f s  %s\n", (double)schedule->faults[i].at_ms / 1000, text);
    }
}
