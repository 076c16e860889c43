/*
 * conf.c: the configuration table, loading it, and taking over what may change while a program runs.
 *
 * A program complains only about the variables it reads: one file of variables is shared by all of them, and a secret that
 * only the gateway may read must not stop a router. Rows of others still get a value, the default when theirs is unusable.
 */
#include "conf.h"

#include <strings.h>

#include "conf_row.h"
#include "mem.h"
#include "timefmt.h"

#define SECRET_MIN 32 /* bytes of JWT_SECRET in production: as long as the hash of HS256 */
#define SCHEDULE_MAX 32
#define DEFAULT_SECRET "dev-secret-key"

#define X(name, variable, kind, fallback, min, max, programs, reloads, help) \
    {#variable, kind, fallback, min, max, programs, reloads, help, offsetof(struct conf, name)},
const struct conf_row conf_rows[] = {CONF_TABLE(X)};
#undef X
const size_t conf_row_count = sizeof conf_rows / sizeof *conf_rows;

bool conf_production(const struct conf *conf)
{
    return strcasecmp(conf->environment, "production") == 0 || strcasecmp(conf->environment, "prod") == 0;
}

int conf_parse_addr(const char *text, char *host, size_t size, uint16_t *port)
{
    const char *colon = strrchr(text, ':'), *start = text, *digit;
    size_t len = colon ? (size_t)(colon - text) : 0;
    unsigned number = 0;

    if (len >= 2 && text[0] == '[' && text[len - 1] == ']')
        start++, len -= 2; /* an IPv6 address */
    else if (memchr(text, ':', len))
        return -1;
    if (len == 0 || len >= size || !colon[1])
        return -1;
    for (digit = colon + 1; *digit; digit++) {
        if (*digit < '0' || *digit > '9')
            return -1;
        number = number * 10 + (unsigned)(*digit - '0');
        if (number > 65535)
            return -1;
    }
    memcpy(host, start, len);
    host[len] = '\0';
    *port = (uint16_t)number;
    return 0;
}

static int load_row(struct conf *conf, const struct conf_row *row, unsigned program, struct buf *errors)
{
    const char *text = NULL;
    struct buf ignored;
    bool mine = row->programs & program;
    int failed;

    buf_init(&ignored);
    failed = conf_source_get(conf, row->variable, row->kind == CONF_SECRET, &text, mine ? errors : &ignored);
    if (!failed && text)
        failed = conf_value_set(conf, row, text, mine ? errors : &ignored);
    buf_release(&ignored);
    if ((failed || !text) && conf_value_set(conf, row, row->fallback, errors))
        bug("the default of %s is outside its own range", row->variable);
    return failed && mine ? -1 : 0;
}

static bool is_schedule(const char *text)
{
    int count = 0;

    while (*text) {
        size_t len = strcspn(text, ",");
        char span[24];
        int64_t ms;

        if (len == 0 || len >= sizeof span || ++count > SCHEDULE_MAX)
            return false;
        memcpy(span, text, len);
        span[len] = '\0';
        if (timefmt_parse_span(span, &ms) || ms < 0)
            return false;
        text += len;
        if (*text == ',' && !*++text)
            return false;
    }
    return count > 0;
}

static bool is_log_format(const char *text)
{
    return !strcasecmp(text, "json") || !strcasecmp(text, "logfmt") || !strcasecmp(text, "auto");
}

/* Texts that must be one of a few words or have a form. */
static int check_words(const struct conf *conf, unsigned program, struct buf *errors)
{
    static const char addr_advice[] = "give host:port, such as 127.0.0.1:9100 or [::1]:9100";
    enum log_level level;
    char host[256];
    uint16_t port;
    int before = (int)errors->len;

    if (log_level_parse(conf->log_level, &level))
        conf_value_complain(errors, "LOG_LEVEL", conf->log_level, "say debug, info, warning or error");
    if (!is_log_format(conf->log_format))
        conf_value_complain(errors, "LOG_FORMAT", conf->log_format, "say json, logfmt or auto");
    if (program & CONF_WORKER && !is_schedule(conf->retry_schedule))
        conf_value_complain(errors, "RETRY_SCHEDULE", conf->retry_schedule,
                            "give up to 32 spans with commas, such as 2s,1m,15m,1h");
    if (program & CONF_GATEWAY && conf_parse_addr(conf->listen_addr, host, sizeof host, &port))
        conf_value_complain(errors, "LISTEN_ADDR", conf->listen_addr, addr_advice);
    if (program & CONF_SERVICES && strcasecmp(conf->metrics_addr, "off") != 0 &&
        conf_parse_addr(conf->metrics_addr, host, sizeof host, &port))
        conf_value_complain(errors, "METRICS_ADDR", conf->metrics_addr,
                            "give host:port, such as 127.0.0.1:0, or off");
    return (int)errors->len == before ? 0 : -1;
}

int conf_check_secret(const struct conf *conf, struct buf *errors)
{
    if (!conf_production(conf))
        return 0;
    if (strcmp(conf->jwt_secret, DEFAULT_SECRET) == 0)
        buf_add_str(errors,
                    "JWT_SECRET is not set or is the default, which everybody knows: production needs one of "
                    "your own, for example from `openssl rand -hex 32`\n");
    else if (strlen(conf->jwt_secret) < SECRET_MIN)
        buf_addf(errors,
                 "JWT_SECRET is shorter than %d bytes: production needs a longer one, for example from "
                 "`openssl rand -hex 32`\n",
                 SECRET_MIN);
    else
        return 0;
    return -1;
}

/* What production forbids. syncctl is left out: it asks for a good secret only where it uses it. */
static int check_production(const struct conf *conf, unsigned program, struct buf *errors)
{
    int result = 0;

    if (program & (CONF_GATEWAY | CONF_WORKER))
        result = conf_check_secret(conf, errors);
    if (program & CONF_GATEWAY && conf_production(conf) && !conf->auth_required) {
        buf_add_str(errors,
                    "AUTH_REQUIRED is false: production answers nobody without a token; set it to true, or "
                    "ENVIRONMENT to development\n");
        result = -1;
    }
    return result;
}

/* A body that fits into no memory at all would be 503 for ever, however idle the gateway is. */
static int check_bodies(const struct conf *conf, struct buf *errors)
{
    const struct {
        const char *variable;
        int64_t bytes;
    } bodies[] = {{"BODY_MAX_BYTES", conf->body_max}, {"BULK_BODY_MAX_BYTES", conf->bulk_body_max}};
    int result = 0;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        int64_t needed = bodies[i].bytes + conf->header_max;
        if (needed <= conf->unread_bodies_max)
            continue;
        buf_addf(errors,
                 "%s is %lld bytes, which UNREAD_BODIES_MAX_BYTES (%lld) has no room for: lower the one, or "
                 "give the other at least %lld\n",
                 bodies[i].variable, (long long)bodies[i].bytes, (long long)conf->unread_bodies_max,
                 (long long)needed);
        result = -1;
    }
    return result;
}

/* Everything but the memory, which stays that of `conf`. */
static int load_rows(struct conf *conf, unsigned program, struct buf *errors)
{
    int result = 0;

    for (size_t i = 0; i < conf_row_count; i++)
        if (load_row(conf, &conf_rows[i], program, errors))
            result = -1;
    if (check_words(conf, program, errors))
        result = -1;
    if (program & CONF_GATEWAY && check_bodies(conf, errors))
        result = -1;
    if (check_production(conf, program, errors))
        result = -1;
    return result;
}

int conf_load(struct conf *conf, unsigned program, struct buf *errors)
{
    struct conf_env *before = NULL;
    int result = 0;

    memset(conf, 0, sizeof *conf);
    if (conf_source_read(conf, &before, errors))
        result = -1;
    if (load_rows(conf, program, errors))
        result = -1;
    conf_source_forget(&before);
    return result;
}

void conf_release(struct conf *conf)
{
    conf_source_release(conf);
    memset(conf, 0, sizeof *conf);
}

static size_t member_size(enum conf_kind kind)
{
    switch (kind) {
    case CONF_BOOL:
        return sizeof(bool);
    case CONF_INT:
    case CONF_SPAN_MS:
    case CONF_BYTES:
        return sizeof(int64_t);
    case CONF_TEXT:
    case CONF_SECRET:
    case CONF_URL:
        break;
    }
    return sizeof(const char *); /* each distinct text is kept once: equal pointers are equal texts */
}

int conf_reload(struct conf *conf, unsigned program, struct buf *errors)
{
    struct conf fresh = *conf;
    struct conf_env *before = NULL;

    if (conf_source_read(&fresh, &before, errors) || load_rows(&fresh, program, errors)) {
        conf_source_restore(conf, &before);
        return -1;
    }
    conf_source_forget(&before);
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];
        char *old = (char *)conf + row->offset;
        const char *new = (const char *)&fresh + row->offset;
        size_t size = member_size(row->kind);

        if (memcmp(old, new, size) == 0)
            continue;
        if (row->reloads)
            memcpy(old, new, size);
        else if (row->programs & program)
            buf_addf(errors, "%s has changed: restart to make it hold\n", row->variable);
    }
    return 0;
}

const char *conf_variable(struct conf *conf, const char *variable)
{
    const char *value = NULL;
    struct buf errors;

    buf_init(&errors);
    if (conf_source_get(conf, variable, true, &value, &errors)) {
        errors.data[strcspn(errors.data, "\n")] = '\0';
        log_error("configuration", LOG_STR("mistake", errors.data));
        value = NULL;
    }
    buf_release(&errors);
    return value;
}
