/* world.c: the steps of a world: what happens next, and rest at the end. See simulation.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "buf.h"
#include "mem.h"
#include "resolver/resolver.h"
#include "simulation.h"
#include "stage.h"

/* Not worker.h and router.h together: each program has a header of its own. */
struct router *router_new(struct service *service, struct store *store, struct stream *belt,
                          struct platform_set *platforms, struct policies *policies);
struct worker *worker_new(struct service *service, struct store *store, struct stream *belt,
                          struct platform_set *platforms, const char *platform);

#define T0 INT64_C(1700000000000)
#define REST_STEPS_MAX 40000

struct world world;
uint64_t chance_word;
const char *const fault_names[FAULT_KINDS] = {
#define X(name, text) text,
    FAULTS(X)
#undef X
};

/* splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators") */
uint64_t chance_next(void)
{
    uint64_t z = chance_word += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

unsigned chance_below(unsigned limit)
{
    return (unsigned)(((chance_next() >> 32) * limit) >> 32);
}

bool chance_in(unsigned times)
{
    return chance_below(times) == 0;
}

void fail(const char *what, const char *format, ...)
{
    struct buf text = BUF_INIT;
    va_list args;

    if (world.failure)
        return;
    buf_addf(&text, "%s: ", what);
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    world.failure = buf_detach(&text, NULL);
    tell("NOT SO: %s", world.failure);
}

void tell(const char *format, ...)
{
    va_list args;

    if (!world.trace)
        return;
    fprintf(world.trace, "%9.3f s  ", (double)(world.now_ms - T0) / 1000);
    va_start(args, format);
    vfprintf(world.trace, format, args);
    va_end(args);
    fputc('\n', world.trace);
}

void sim_uuid(struct uuid *uuid, uint32_t index)
{
    uint64_t ms = (uint64_t)world.now_ms;

    memset(uuid->bytes, 0, sizeof uuid->bytes);
    for (int i = 0; i < 6; i++)
        uuid->bytes[i] = (uint8_t)(ms >> (8 * (5 - i)));
    uuid->bytes[6] = 0x70;
    uuid->bytes[8] = 0x80;
    for (int i = 0; i < 4; i++)
        uuid->bytes[12 + i] = (uint8_t)(index >> (8 * (3 - i)));
}

uint32_t uuid_index(const struct uuid *uuid)
{
    uint32_t index = 0;

    for (int i = 0; i < 4; i++)
        index = index << 8 | uuid->bytes[12 + i];
    return index;
}

const char *side_name(int side)
{
    return side < SIDES ? platform_name(platform_at(the_platforms, (size_t)side)) : "service";
}

int side_index(const char *name, size_t len)
{
    for (int i = 0; i < SIDES; i++)
        if (strlen(side_name(i)) == len && memcmp(side_name(i), name, len) == 0)
            return i;
    return SIDES;
}

/* ── processes ── */

static void start_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    turn_start(arg);
}

static void resolver_items(struct stage_item **items, size_t count, void *arg)
{
    turn_add(arg, items, count);
}

static void resolver_lost(unsigned partition, void *arg)
{
    turn_lose(arg, partition);
}

/* As resolver/main.c. */
static struct resolver *resolver_new(struct process *process)
{
    struct resolver *resolver = mem_alloc(sizeof *resolver);
    struct stage_spec spec = {
        .name = "resolver", .on_items = resolver_items, .on_lost = resolver_lost, .arg = resolver};

    *resolver = (struct resolver){.service = (struct service *)process,
                                  .store = (struct store *)process,
                                  .platforms = the_platforms,
                                  .window = 1000};
    resolver->start_timer = event_new((struct event_base *)process, -1, 0, start_turn, resolver);
    resolver->stage = stage_new(resolver->service, resolver->store, NULL, &spec);
    return resolver;
}

struct process *process_new(int index, int stage)
{
    struct process *process = mem_alloc(sizeof *process);
    struct service *service = (struct service *)process;
    struct store *store = (struct store *)process;

    *process = (struct process){.index = index, .stage = stage};
    snprintf(process->instance, sizeof process->instance, "%.8s-%d",
             stage == STAGE_ROUTER     ? "router"
             : stage == STAGE_RESOLVER ? "resolver"
                                       : side_name(stage) + 4,
             index & 1);
    if (stage == STAGE_ROUTER)
        process->router = router_new(service, store, NULL, the_platforms, NULL);
    else if (stage == STAGE_RESOLVER)
        process->resolver = resolver_new(process);
    else
        process->worker = worker_new(service, store, NULL, the_platforms, side_name(stage));
    return world.processes[index] = process;
}

void process_end(struct process *process)
{
    process->dead = true;
    timers_forget(process);
    network_forget(process);
    db_forget(process);
}

static void start_processes(void)
{
    for (int stage = 0; stage < STAGES; stage++) {
        process_new(2 * stage, stage);
        process_new(2 * stage + 1, stage);
        stage_give(stage, world.processes[2 * stage]);
    }
}

/* ── faults ── */

static void crash(void)
{
    struct process *process = world.processes[chance_below(PROCESSES)];
    int index = process->index, stage = process->stage;
    bool owned = world.owner[stage] == index;

    tell("%s ends%s", process->instance, owned ? ", the other one takes over" : "");
    process_end(process);
    process_new(index, stage);
    if (owned)
        stage_give(stage, world.processes[chance_in(2) ? index : index ^ 1]);
}

static void take_over(void)
{
    int stage = (int)chance_below(STAGES);

    tell("stage %d changes hands", stage);
    stage_take(stage);
    stage_give(stage, world.processes[world.owner[stage] ^ 1]);
}

static bool fault(void)
{
    unsigned kind = 1u << chance_below(FAULT_KINDS);
    struct side_model *side = &world.sides[chance_below(SIDES)];

    switch (kind & world.options.faults) {
    case FAULT_CRASH:
        crash();
        return true;
    case FAULT_TAKEOVER:
        take_over();
        return true;
    case FAULT_FLUSH:
        tell("FLUSHALL");
        belt_flush();
        return true;
    case FAULT_REFUSALS:
        side->closed = !side->closed;
        tell("%s is %s", platform_name(side->platform), side->closed ? "away" : "back");
        return true;
    default:
        return false;
    }
}

/* ── time ── */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool pass_time(void)
{
    static const int64_t most_ms[] = {2, 2, 5, 50, 50, 500, 2000, 20000};
    int64_t until = world.now_ms + 1 + (int64_t)chance_below((unsigned)most_ms[chance_below(8)]);

    until = earlier(until, earlier(post_deadline_ms(), network_next_ms()));
    if (until <= world.now_ms)
        return false;
    world.now_ms = until;
    return true;
}

static int64_t next_delivery_ms(void)
{
    int64_t next = INT64_MAX;

    for (unsigned r = 0; r < world.options.records; r++)
        for (int side = 0; side < SIDES; side++)
            for (size_t i = world.records[r].delivery_first[side]; i < world.records[r].delivery_count[side];
                 i++)
                if (delivery_waits(&world.records[r].deliveries[side][i]))
                    next = earlier(next, world.records[r].deliveries[side][i].next_attempt_ms);
    return next;
}

/* Nothing is left to do now: to the next time that something may be. */
static bool skip_time(void)
{
    int64_t next = earlier(earlier(timers_next_ms(), next_delivery_ms()),
                           earlier(post_deadline_ms(), network_next_ms()));

    if (next == INT64_MAX)
        return false;
    world.now_ms = next > world.now_ms ? next : world.now_ms + 1;
    return true;
}

/* ── steps ── */

static bool hand_out(void)
{
    int from = (int)chance_below(STAGES);

    for (int i = 0; i < STAGES; i++)
        if (belt_hand_out((from + i) % STAGES))
            return true;
    return false;
}

static bool repair(void)
{
    return belt_repair((int)chance_below(STAGES));
}

static bool repair_all(void)
{
    bool any = false;

    for (int stage = 0; stage < STAGES; stage++)
        any |= belt_repair(stage);
    return any;
}

static const struct {
    bool (*step)(void);
    unsigned weight;
} kinds[] = {
    {db_step_execute, 20}, {db_step_answer, 20}, {timers_fire, 24}, {hand_out, 20},
    {network_arrive, 10},  {network_answer, 10}, {post_arrive, 6},  {pass_time, 6},
    {repair, 2},           {post_edit, 3},       {fault, 1},
};
#define KINDS (sizeof kinds / sizeof *kinds)
#define PIPELINE 9 /* the first of them: where nothing of one kind can happen, the next kind does */
#define WEIGHTS 122

static void step(uint64_t word)
{
    unsigned at, kind = 0;

    chance_word = word;
    at = chance_below(WEIGHTS);
    while (at >= kinds[kind].weight)
        at -= kinds[kind++].weight;
    if (kind >= PIPELINE) {
        world.steps += kinds[kind].step();
        return;
    }
    for (size_t i = 0; i < PIPELINE; i++)
        if (kinds[(kind + i) % PIPELINE].step()) {
            world.steps++;
            return;
        }
}

/* No more faults, no more edits: until nothing is left to do. */
static bool come_to_rest(void)
{
    bool (*const ways[])(void) = {db_step_execute, db_step_answer, timers_fire,    network_arrive,
                                  network_answer,  post_arrive,    hand_out,       repair_all,
                                  skip_time,       post_person,    post_retry_dead};

    world.healing = true;
    for (int side = 0; side < SIDES; side++)
        world.sides[side].closed = false;
    for (unsigned steps = 0; steps < REST_STEPS_MAX && !world.failure; steps++) {
        bool any = false;
        for (size_t i = 0; i < sizeof ways / sizeof *ways && !any; i++)
            any = ways[i]();
        if (!any)
            return true;
        world.steps++;
    }
    fail("rest", "it does not come to rest");
    return false;
}

void world_run(const struct options *options, const uint64_t *words, size_t count)
{
    FILE *trace = world.trace;

    world = (struct world){.options = *options, .now_ms = T0, .trace = trace};
    chance_word = options->seed;
    tables_reset();
    belt_reset();
    timers_reset();
    db_reset();
    network_reset();
    post_reset();
    check_reset();
    platforms_reset();
    start_processes();
    for (size_t i = 0; i < count && !world.failure; i++)
        step(words[i]);
    tell("healing");
    if (!world.failure && come_to_rest())
        check_at_rest();
}
