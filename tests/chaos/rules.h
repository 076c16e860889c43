/* rules.h: what the fake platforms are told; their filter for lower versions is always off. */
#pragma once
#include "schedule.h"

void rules_set(const char *platform, const struct fault *fault); /* NULL: answer well */
const char *rules_url(const char *platform);
