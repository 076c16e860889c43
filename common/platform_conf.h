/* platform_conf.h: the platform files of a configuration: PLATFORM_DIR, with the variables that the files name. */
#pragma once
#include "conf.h"
#include "platform.h"

/* As platform_set_load. */
struct platform_set *platform_conf_load(struct conf *conf, struct buf *errors);
/* For service_spec.check: -1 and the sentences when the files are refused. */
int platform_conf_check(struct conf *conf, struct buf *errors);
/* For a reload: the new set, or NULL when it is refused, which is logged: the old one stays. */
struct platform_set *platform_conf_reload(struct conf *conf);
