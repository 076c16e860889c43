/* tls_fixture.h: an HTTPS server whose certificate nobody vouches for. */
#pragma once
#include <sys/types.h>

int tls_port(void); /* one that was free a moment ago */
/* Listens there when this returns; key and certificate are made in dir. For the test to kill. */
pid_t tls_start(int port, const char *dir);
