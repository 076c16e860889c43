/*
 * persons.h: who may be one person: users that were changed are compared with those who share something with them, behind the path
 * and in turns (protocol.txt §9). What is found is a suggestion, for a person to confirm or refuse.
 */
#pragma once

struct persons;
struct resolver;
struct persons *persons_new(struct resolver *resolver);
void persons_free(struct persons **persons); /* after the store: every statement has ended */
