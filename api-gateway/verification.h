/*
 * verification.h: verifications of what platforms have, as people ask for them: verification_post makes them, verification_get shows
 * and changes them. The platform's worker runs them.
 */
#pragma once
#include "gateway.h"

/* Answers with the verification as it is now. status: 200, or 202 of one that was made. */
void verification_reply(struct gateway *gateway, struct http_request *request, const char *tenant,
                        const struct uuid *id, int status);
