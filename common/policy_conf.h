/* policy_conf.h: the policy file that the configuration names: POLICIES_FILE, over the defaults. */
#pragma once
#include "conf.h"
#include "policy.h"

/* NULL and sentences in errors. */
struct policy_set *policy_conf_load(struct conf *conf, const struct platform_set *platforms,
                                    struct buf *errors);
/* Platform files and policy file, for --check: 0, or -1 and sentences in errors. */
int policy_conf_check(struct conf *conf, struct buf *errors);
/* NULL, and a line in the log, when the file is refused: the old set stays. Else a line with the version. */
struct policy_set *policy_conf_reload(struct conf *conf, const struct platform_set *platforms);
void policy_conf_log(const struct policy_set *set); /* which policies hold from now on */
