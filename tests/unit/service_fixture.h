/*
 * service_fixture.h: a tiny service in a process of its own, for tests to start, ask, signal and end.
 *
 * Its check "store" passes while the file `up` exists, "belt" always; its reload hook writes JWT_ISSUER into the file
 * `issuer`; its drain hook writes `draining` and is done 0.3 s later unless tiny_hangs. `instance`, `out` and `log` hold what
 * their names say. Every wait ends after ten seconds with a failed test.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

extern char tiny_dir[64];
extern pid_t tiny_pid; /* 0 when none runs */
extern bool tiny_hangs;
extern unsigned short tiny_port; /* of its metrics listener */

void tiny_set_up(void); /* an empty environment but for ENVIRONMENT=test, an empty directory */
void tiny_tear_down(void);
void tiny_start(int argc, char **argv);
void tiny_start_service(void); /* for coreldove, until it runs and tiny_port is known */
int tiny_exit_status(void);    /* waits for its end */

void tiny_write(const char *name, const char *content); /* a file in tiny_dir, whole at once */
const char *tiny_content(const char *name);
const char *tiny_wait_for(const char *name, const char *text); /* until the file holds the text; the place in it */

int tiny_connect(void);
const char *tiny_ask(const char *request); /* the whole answer, until the service closes */
const char *tiny_get(const char *path);
void tiny_wait_until_get(const char *path, const char *part);
void tiny_expect(const char *answer, const char *part);

int tiny_notify_socket(const char *name); /* a path or @name, and NOTIFY_SOCKET set to it */
void tiny_expect_notice(int fd, const char *state);
