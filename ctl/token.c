/*
 * token.c: syncctl token --tenant T --role R [--platform P] [--ttl 1h] [--subject S]
 *
 * Prints a token signed with JWT_SECRET, which the gateway takes until its ttl is over. It cannot be taken back before, so
 * the default is an hour.
 */
#include "auth.h"
#include "clock.h"
#include "ctl.h"
#include "mem.h"
#include "timefmt.h"

#define TTL_MAX_MS INT64_C(31536000000) /* 365 days */

struct arguments {
    const char *tenant, *role, *platform, *ttl, *subject;
    int64_t ttl_ms;
};

static int copy(char *out, size_t size, const char *name, const char *text)
{
    if (strlen(text) >= size)
        return ctl_fail("--%s is longer than %zu bytes: give a shorter one", name, size - 1);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return ctl_fail("--%s holds a control character: leave it out", name);
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

/* What the token will say, or the exit code after a sentence. */
static int fill(struct arguments *given, struct identity *identity)
{
    const char *subject = given->subject ? given->subject : given->platform ? given->platform : "syncctl";

    memset(identity, 0, sizeof *identity);
    if (auth_role_parse(given->role, &identity->role))
        return ctl_fail("--role is \"%s\": say viewer, service, operator or admin", given->role);
    if (timefmt_parse_span(given->ttl, &given->ttl_ms) || given->ttl_ms < 1000 || given->ttl_ms > TTL_MAX_MS)
        return ctl_fail("--ttl is \"%s\": give a span from 1s to 365d, such as 15m or 1h", given->ttl);
    if (copy(identity->subject, sizeof identity->subject, "subject", subject) ||
        copy(identity->tenant, sizeof identity->tenant, "tenant", given->tenant) ||
        copy(identity->platform, sizeof identity->platform, "platform",
             given->platform ? given->platform : ""))
        return 1;
    return 0;
}

static int mint(const struct conf *conf, const struct arguments *given, const struct identity *identity)
{
    const struct auth_keys keys = {.secret = conf->jwt_secret,
                                   .public_key = "",
                                   .issuer = conf->jwt_issuer,
                                   .audience = conf->jwt_audience,
                                   .short_secret_ok = !conf_production(conf)};
    struct buf out;

    buf_init(&out);
    if (conf_check_secret(conf, &out)) {
        ctl_fail("%.*s", (int)strcspn(out.data, "\n"), out.data);
        buf_release(&out);
        return 1;
    }
    if (auth_mint(&keys, identity, clock_db_ms(), given->ttl_ms, &out)) {
        buf_release(&out);
        return ctl_fail("JWT_SECRET cannot sign: set it to at least 32 bytes");
    }
    buf_add_ch(&out, '\n');
    return ctl_print(&out);
}

int ctl_token(int argc, char **argv)
{
    struct arguments given = {.ttl = "1h"};
    const struct ctl_option options[] = {{"tenant", &given.tenant, true},      {"role", &given.role, true},
                                         {"platform", &given.platform, false}, {"ttl", &given.ttl, false},
                                         {"subject", &given.subject, false},   {NULL, NULL, false}};
    struct identity identity;
    struct conf conf;
    int result;

    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    if (fill(&given, &identity))
        return 1;
    if (ctl_load(&conf))
        return 1;
    result = mint(&conf, &given, &identity);
    conf_release(&conf);
    return result;
}
