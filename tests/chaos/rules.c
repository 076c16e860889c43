/* rules.c: see rules.h; the rules are those of tests/fake-platform/faults.h. */
#include "rules.h"

#include <string.h>

#include "buf.h"
#include "log.h"
#include "stack.h"

const char *rules_url(const char *platform)
{
    return stack_setting(strcmp(platform, "bizoholic") == 0   ? "BIZOHOLIC_FRONTEND_URL"
                         : strcmp(platform, "coreldove") == 0 ? "CORELDOVE_FRONTEND_URL"
                                                              : "BIZOSAAS_BRAIN_URL");
}

/* What the platform does; `every` is behind it. */
static const char *behaviour(enum fault_kind kind)
{
    switch (kind) {
    case FAULT_AWAY_503:
        return "\"status\":503";
    case FAULT_SLOW_429:
        return "\"status\":429,\"retry_after\":\"1\"";
    case FAULT_SLOW:
        return "\"delay_ms\":700";
    case FAULT_HANG:
        return "\"action\":\"hang\",\"apply\":true";
    case FAULT_RESET:
        return "\"action\":\"reset\"";
    case FAULT_RESET_LATE:
        return "\"action\":\"reset_mid_answer\"";
    case FAULT_TRUNCATE:
        return "\"action\":\"truncate\"";
    case FAULT_HTML:
        return "\"action\":\"html\"";
    case FAULT_TOO_FEW:
        return "\"action\":\"too_few\"";
    default:
        bug("%s is nothing a platform does", fault_kind_name(kind));
    }
}

static void add_rules(struct buf *body, const struct fault *fault)
{
    const char *what = behaviour(fault->kind);

    if (fault->kind == FAULT_TOO_FEW) { /* of a single call the answer would be empty */
        buf_addf(body, "{\"match\":{\"path\":\"/api/sync/bulk\",\"every\":%lld},%s}",
                 (long long)fault->number, what);
        return;
    }
    buf_addf(body, "{\"match\":{\"every\":%lld},%s}", (long long)fault->number, what);
    if (fault->kind == FAULT_AWAY_503 || fault->kind == FAULT_SLOW_429)
        buf_addf(body, ",{\"match\":{\"entity\":\"user\",\"every\":%lld},%s}", (long long)fault->number + 2,
                 what);
}

/* A rule that names nothing strikes single calls, and bulks as a whole; one that names an entity, single calls and a bulk's items. */
void rules_set(const char *platform, const struct fault *fault)
{
    struct buf url = BUF_INIT, body = BUF_INIT;
    struct json *answer;

    buf_addf(&url, "%s/control", rules_url(platform));
    buf_add_str(&body, "{\"ignore_lower_versions\":false,\"rules\":[");
    if (fault)
        add_rules(&body, fault);
    buf_add_str(&body, "]}");
    answer = stack_ask("POST", url.data, body.data);
    if (!answer || !json_get(answer, "rules"))
        fatal("the fake %s does not take %s", platform, body.data);
    json_free(answer);
    buf_release(&url);
    buf_release(&body);
}
