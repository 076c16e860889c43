/*
 * assertion.h: what may still reach the platform though nobody waits for it any more, and the newest version asserted behind it
 * (protocol.txt §1, "What may arrive late").
 */
#pragma once
#include "worker.h"

/* The work's rows were read: which of its deliveries were lost with an earlier owner. */
void assertion_find_lost(struct work *work);
/* A repair among those up to the lead says that the platform has lost the record: it is created there, as if for the first time. */
bool assertion_recreates(const struct work *work);
/* Adds to `touched` what assertions up to the lead carry; true: everything goes. */
bool assertion_touch(struct work *work);
/* A sending of the lead ended so that it may still arrive. */
void assertion_lost(struct work *work);
/* If the lead is delivered now, is there something left that may arrive behind it? */
bool assertion_is_due(const struct work *work);
/* The work has its result, and still its content: what is noted as lost, what is to be asserted and when. */
void assertion_settle(struct work *work);
