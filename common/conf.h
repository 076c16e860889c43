/*
 * conf.h: the configuration: environment first, every variable in one table (conf_table.c).
 *
 * From that table come --help, .env.example and the README's table (`syncctl config --format=help|env|markdown|mdoc`). A row says
 * which programs read it, whether SIGHUP reloads it, and what it means. What the environment does not set may stand in the
 * file named by ENV_FILE, lines NAME=value: a process cannot see a change of its environment, but of that file. Secrets may come as NAME_FILE, the path of a file
 * whose content (less one trailing newline) is the value; both set is an error. An empty variable counts as not set.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "log.h"

enum conf_kind { CONF_TEXT, CONF_SECRET, CONF_INT, CONF_BOOL, CONF_SPAN_MS, CONF_BYTES, CONF_URL };

/* Which program reads a variable; bits. */
enum {
    CONF_GATEWAY = 1, CONF_ROUTER = 2, CONF_WORKER = 4, CONF_RESOLVER = 8, CONF_MONITOR = 16, CONF_CTL = 32,
    CONF_SERVICES = 31, CONF_ALL = 63
};

/* X(name, ENVIRONMENT_VARIABLE, kind, default text, min, max, programs, reloads, help) — rows in conf_table.h; `struct conf`
 * has one member per row: const char * for text, secret and URL; int64_t for int, span (ms) and bytes; bool for bool. */
#include "conf_table.h"

#define CONF_MEMBER_CONF_TEXT const char *
#define CONF_MEMBER_CONF_SECRET const char *
#define CONF_MEMBER_CONF_URL const char *
#define CONF_MEMBER_CONF_INT int64_t
#define CONF_MEMBER_CONF_SPAN_MS int64_t
#define CONF_MEMBER_CONF_BYTES int64_t
#define CONF_MEMBER_CONF_BOOL bool

struct conf {
#define X(name, variable, kind, fallback, min, max, programs, reloads, help) CONF_MEMBER_##kind name;
    CONF_TABLE(X)
#undef X
    struct conf_memory *memory; /* of every text handed out; conf_source.c */
};

/* Reads the environment into conf (memory of conf; conf_release frees). -1 with one sentence per mistake in `errors`: unknown
 * word, out of range, both NAME and NAME_FILE, unreadable file; and what production forbids (default or short JWT_SECRET,
 * AUTH_REQUIRED=false). `program` is one CONF_ bit: rows of others are still read (they are part of the table). */
int conf_load(struct conf *conf, unsigned program, struct buf *errors);
void conf_release(struct conf *conf);
/* Takes over the rows that may change while running. 0: done, and `errors` has one sentence per changed row that needs a
 * restart; -1: mistakes, everything stays as it was. Texts handed out earlier stay valid until conf_release. */
int conf_reload(struct conf *conf, unsigned program, struct buf *errors);
/* The value of a variable named in a data file (platform base URLs, credentials: NAME or NAME_FILE); NULL when not set. The
 * text is kept until conf_release. */
const char *conf_variable(struct conf *conf, const char *variable);
bool conf_production(const struct conf *conf); /* ENVIRONMENT says production: no short secrets, no core dumps */
/* The rule of production for JWT_SECRET alone, for syncctl, which asks for it only where it signs; 0 or -1 and a sentence. */
int conf_check_secret(const struct conf *conf, struct buf *errors);
/* "host:port" or "[IPv6]:port", port 0 allowed; -1: not of that form or the host does not fit. */
int conf_parse_addr(const char *text, char *host, size_t size, uint16_t *port);
void conf_print_help(struct buf *out, unsigned program);
void conf_print_env(struct buf *out);      /* .env.example */
void conf_print_markdown(struct buf *out); /* README's table */
void conf_print_mdoc(struct buf *out, unsigned program); /* items of a list in a manual page, mdoc(7) */
unsigned conf_program(const char *name); /* "worker" → CONF_WORKER; 0: there is none of that name */
