/* postgres_fixture.h: the stack's PostgreSQL, made to hang. */
#pragma once
#include <stdbool.h>

/* All of it stands still: it takes connections and statements in, and says nothing. It moves again after a minute by itself. */
void postgres_hang(bool still);
