/*
 * address.h: which addresses are nobody's in public: a platform's name that leads to one could reach what is inside.
 *
 * What would break: an address that is missed here is a door to the metadata service of a cloud, or to our own stores.
 */
#pragma once
#include <stdbool.h>
#include <sys/socket.h>

/* Private, loopback, link-local, multicast, unspecified or of an unknown family; also where one is written into an IPv6 address. */
bool address_is_private(const struct sockaddr *address);
