/* fakes_absent.c: what there is nothing of in this world. See simulation.h. */
#include "policies.h"
#include "simulation.h"
#include "worker/verify.h"

/* No tenant has policies of its own. */
void policies_need(struct policies *policies, const char *const *tenants, size_t count, policies_cb callback,
                   void *arg)
{
    (void)policies;
    (void)tenants;
    (void)count;
    callback(true, arg);
}

const struct policy_set *policies_find(struct policies *policies, const char *tenant)
{
    (void)policies;
    (void)tenant;
    return the_policies;
}

/* Nobody compares what platforms have. */
struct verify *verify_new(struct worker *worker)
{
    (void)worker;
    return NULL;
}

void verify_free(struct verify **verify)
{
    (void)verify;
}

void verify_drain(struct verify *verify)
{
    (void)verify;
}

bool verify_wants(const struct verify *verify)
{
    (void)verify;
    return false;
}
