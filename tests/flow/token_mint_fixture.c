/* token_mint_fixture.c: good tokens, made by syncctl as an operator makes them; see api_fixture.h. Each is made once. */
#include <check.h>

#include "api_fixture.h"
#include "mem.h"
#include "pick_fixture.h"
#include "stack_fixture.h"

struct minted {
    const char *key, *token;
};

static struct minted all[256];
static size_t count;

static const char *mint(const char *command)
{
    char line[8192] = "";
    FILE *pipe;

    setenv("JWT_SECRET", stack_setting("JWT_SECRET"), 1);
    setenv("ENVIRONMENT", "test", 0);
    pipe = popen(command, "r");
    ck_assert_msg(pipe && fgets(line, sizeof line, pipe), "this says nothing: %s", command);
    ck_assert_msg(pclose(pipe) == 0, "this fails: %s", command);
    unsetenv("JWT_SECRET");
    line[strcspn(line, "\n")] = '\0';
    return pick_keep(mem_strdup(line));
}

const char *api_token_for(const char *tenant, const char *role, const char *platform, const char *ttl)
{
    const char *command =
        api_text("%s token --tenant '%s' --role %s %s %s --ttl %s", stack_bin("syncctl"), tenant, role,
                 platform ? "--platform" : "", platform ? platform : "", ttl ? ttl : "1h");
    const char *key = api_text("%s %s", stack_dir(), command);

    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].key, key) == 0)
            return all[i].token;
    ck_assert_uint_lt(count, sizeof all / sizeof *all);
    all[count] = (struct minted){key, mint(command)};
    return all[count++].token;
}

const char *api_token(const char *tenant, const char *role)
{
    return api_token_for(tenant, role, NULL, NULL);
}
