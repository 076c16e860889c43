/*
 * policies.h: which policies hold for a tenant now: the file's, and over them the tenant's own text, whose versions lie in
 * PostgreSQL (policy_versions). Read when first asked for, kept while in use, and read again within POLL_MS of a change: a new version
 * holds everywhere without a restart.
 *
 *   absent ──policies_need──▶ at hand ──a new version, another file──▶ stale ──policies_need──▶ at hand
 *      ◀──────nobody asked for it while others were ──────┘
 */
#pragma once
#include "policy.h"

struct service;
struct store;
struct policies;

/* Takes base; platforms are the caller's. tenants_max: how many are kept, beside those asked for a moment ago. */
struct policies *policies_new(struct service *service, struct store *store, struct policy_set *base,
                              const struct platform_set *platforms, size_t tenants_max);
void policies_free(struct policies **policies); /* after the store */
/* The files were read again: nothing that was found before holds any more. Takes base. */
void policies_reload(struct policies *policies, struct policy_set *base,
                     const struct platform_set *platforms);
/* Calls back when the policies of these tenants are at hand (perhaps before it returns), or cannot be read now: ready false. */
typedef void (*policies_cb)(bool ready, void *arg);
void policies_need(struct policies *policies, const char *const *tenants, size_t count, policies_cb callback,
                   void *arg);
/* Never NULL; of a tenant that policies_need was called for not long ago. Good until the loop goes on. */
const struct policy_set *policies_find(struct policies *policies, const char *tenant);
/* What holds for who has nothing of its own. */
struct policy_set *policies_base(const struct policies *policies);
