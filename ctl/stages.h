/* stages.h: the stages that a configuration has: router, a worker per platform file, resolver. */
#pragma once
#include "ctl.h"

/* -1: the platform files cannot be read, so that the workers' are missing. */
int stages_each(struct conf *conf, void (*each)(const char *stage, void *arg), void *arg);
