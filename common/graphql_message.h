/* graphql_message.h: servers quote what they were sent in their error messages; a message that is kept must not. */
#pragma once
#include "buf.h"

#define GRAPHQL_MESSAGE_MAX 300

/* Adds the message without values of variables, quoted texts, e-mail addresses and long numbers; in one line, at most
 * GRAPHQL_MESSAGE_MAX bytes. Names of types, fields and variables in double quotes stay. */
void graphql_clean_message(struct buf *out, const char *message);
