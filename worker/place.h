/* place.h: what the slugs in the platform's file stand for in its GraphQL API: looked up once, and again when one is gone. */
#pragma once
#include "worker.h"

/* Starts the look-up; false when it is under way. What keeps it from being known pauses the route: plans wait for it there. */
bool place_ask(struct worker *worker);
