/*
 * stats.c: the metrics registry and its Prometheus text.
 *
 * Series of one name stand together in the list, as the format demands, in order of their first registration. Everything
 * runs on one thread; nothing is locked, and an addition is one add to an int64_t.
 */
#include "stats.h"

#include "log.h"
#include "mem.h"
#include "stats_process.h"

#define SERIES_MAX 4096
#define LATENCY_BUCKETS 18 /* 0.5 ms × 2^0 … 2^17 = 65.536 s */
#define LATENCY_FIRST_US 500

struct stat {
    struct stat *next;
    enum stats_kind kind;
    char *name;
    char *labels; /* "" or one pair, as it stands between the braces */
    char *help;
    int64_t value;                       /* of a histogram: its count */
    int64_t sum_us;                      /* histograms only, as the next */
    int64_t counts[LATENCY_BUCKETS + 1]; /* each observation once: the text adds them up */
};

static struct stat *first;
static unsigned series;

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

static bool is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";

    return *name && strchr(letters, *name) &&
           name[strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ_:")] == '\0';
}

/* The end of one name="value" pair, or NULL: the value has no bare quote, backslash or line end. */
static const char *label_end(const char *at)
{
    const char *value = strstr(at, "=\"");

    if (!value || value == at || strcspn(at, "\",") < (size_t)(value - at))
        return NULL;
    for (value += 2; *value && *value != '"'; value++) {
        if (*value == '\\' && value[1] && strchr("\\\"n", value[1]))
            value++;
        else if (*value == '\\' || *value == '\n')
            return NULL;
    }
    return *value == '"' ? value + 1 : NULL;
}

/* name="value" pairs with commas, or nothing. */
static bool is_label(const char *labels)
{
    if (!*labels)
        return true;
    while ((labels = label_end(labels)) && *labels == ',')
        labels++;
    return labels && !*labels;
}

struct stat *stats_register(enum stats_kind kind, const char *name, const char *labels, const char *help)
{
    struct stat **place = &first, *stat;

    labels = labels ? labels : "";
    if (!is_name(name) || !is_label(labels) || strpbrk(help, "\\\n"))
        bug("metric %s{%s} is not well named", name, labels);
    for (; *place; place = &(*place)->next) {
        bool same = strcmp((*place)->name, name) == 0;

        if (same && (*place)->kind != kind)
            bug("metric %s is registered as two kinds", name);
        if (same && strcmp((*place)->labels, labels) == 0)
            return *place;
        if (same && (!(*place)->next || strcmp((*place)->next->name, name) != 0)) {
            place = &(*place)->next;
            break;
        }
    }
    if (++series > SERIES_MAX)
        bug("more than %d metrics are registered", SERIES_MAX);
    stat = mem_alloc(sizeof *stat);
    stat->kind = kind;
    stat->name = mem_strdup(name);
    stat->labels = mem_strdup(labels);
    stat->help = mem_strdup(help);
    stat->next = *place;
    *place = stat;
    return stat;
}

void stats_add(struct stat *stat, int64_t delta)
{
    if (stat->kind == STATS_HISTOGRAM || (stat->kind == STATS_COUNTER && delta < 0))
        bug("%lld is added to the %s %s", (long long)delta, kind_names[stat->kind], stat->name);
    stat->value += delta;
}

void stats_set(struct stat *stat, int64_t value)
{
    if (stat->kind != STATS_GAUGE)
        bug("the %s %s is set", kind_names[stat->kind], stat->name);
    stat->value = value;
}

void stats_observe_us(struct stat *stat, int64_t us)
{
    int64_t limit = LATENCY_FIRST_US;
    unsigned bucket = 0;

    if (stat->kind != STATS_HISTOGRAM)
        bug("a time is given to the %s %s", kind_names[stat->kind], stat->name);
    if (us < 0)
        us = 0; /* two machines' clocks may disagree about which came first */
    while (bucket < LATENCY_BUCKETS && us > limit) {
        bucket++;
        limit *= 2;
    }
    stat->counts[bucket]++;
    stat->value++;
    stat->sum_us += us;
}

int64_t stats_value(const struct stat *stat)
{
    return stat->value;
}

static void add_seconds(struct buf *out, int64_t us)
{
    buf_addf(out, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

static void write_bucket(struct buf *out, const struct stat *stat, int64_t limit_us, int64_t count)
{
    buf_addf(out, "%s_bucket{%s%sle=\"", stat->name, stat->labels, *stat->labels ? "," : "");
    if (limit_us)
        buf_addf(out, "%lld.%04lld", (long long)(limit_us / 1000000), (long long)(limit_us % 1000000 / 100));
    else
        buf_add_str(out, "+Inf");
    buf_addf(out, "\"} %lld\n", (long long)count);
}

static void write_sample(struct buf *out, const struct stat *stat, const char *suffix)
{
    buf_addf(out, "%s%s", stat->name, suffix);
    if (*stat->labels)
        buf_addf(out, "{%s}", stat->labels);
    buf_add_ch(out, ' ');
}

static void write_histogram(struct buf *out, const struct stat *stat)
{
    int64_t limit_us = LATENCY_FIRST_US, count = 0;

    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        count += stat->counts[i];
        write_bucket(out, stat, limit_us, count);
        limit_us *= 2;
    }
    write_bucket(out, stat, 0, stat->value);
    write_sample(out, stat, "_sum");
    add_seconds(out, stat->sum_us);
    buf_add_ch(out, '\n');
    write_sample(out, stat, "_count");
    buf_addf(out, "%lld\n", (long long)stat->value);
}

void stats_write(struct buf *out)
{
    const char *name = "";

    for (const struct stat *stat = first; stat; stat = stat->next) {
        if (strcmp(name, stat->name) != 0)
            buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", stat->name, stat->help, stat->name,
                     kind_names[stat->kind]);
        name = stat->name;
        if (stat->kind == STATS_HISTOGRAM) {
            write_histogram(out, stat);
            continue;
        }
        write_sample(out, stat, "");
        buf_addf(out, "%lld\n", (long long)stat->value);
    }
    stats_process_write(out);
}

unsigned stats_bucket(int64_t ms)
{
    unsigned bucket = 0;

    while (bucket < STATS_BUCKETS - 1 && ms > stats_bucket_limit_ms(bucket))
        bucket++;
    return bucket;
}

int64_t stats_bucket_limit_ms(unsigned bucket)
{
    return bucket < STATS_BUCKETS - 1 ? INT64_C(1) << bucket : INT64_MAX;
}
