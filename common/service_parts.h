/* service_parts.h: what the files service*.c share. For nobody else. */
#pragma once
#include <stdint.h>

#include "service.h"

/* service_options.c: handles --help, --version, --check and the program's own options; loads the configuration. Exits on
 * all that ends a program before it has begun. */
void service_options_read(const struct service_spec *spec, int argc, char **argv, struct conf *conf);
enum log_format service_log_format(const struct conf *conf);
enum log_level service_log_level(const struct conf *conf);

/* service_http.c: the listener of METRICS_ADDR. NULL when that is off; fatal() when it cannot be had. */
struct service_http;
struct service_http *service_http_new(struct service *service);
void service_http_free(struct service_http **http);
void service_scrape(struct service *service); /* calls the scrape hooks */

/* service_notify.c: datagrams to the service manager (sd_notify(3)); nothing happens where there is none. */
void service_notify(const char *state);
int64_t service_notify_watchdog_ms(
    void); /* how often WATCHDOG=1 is due: half of what the manager allows; 0: never */

/* service_process.c */
#define SERVICE_INSTANCE_LEN 64
void service_process_limit(const struct conf *conf);
void service_process_name(char instance[SERVICE_INSTANCE_LEN + 1]); /* host:pid:start of [A-Za-z0-9.:-] */
