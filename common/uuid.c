/*
 * uuid.c: RFC 9562 UUIDs.
 *
 * Version 7: 48 bits of milliseconds, version, 12 bits of counter, variant, 62 random bits. The counter starts anew at a random
 * place of its lower half in each millisecond and goes up by one per id; when it is full, the next millisecond is borrowed.
 * Were two ids ever out of order, a page boundary `id > last` would skip an event.
 */
#include "uuid.h"

#include <errno.h>
#include <sys/random.h>

#include "log.h"
#include "mem.h"

#define COUNTER_MAX 0xfff
#define MS_MAX (((int64_t)1 << 48) - 1)

static int64_t v7_ms = -1;
static unsigned v7_counter;

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_dash_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

int uuid_parse(struct uuid *uuid, const char *text, size_t len)
{
    struct uuid parsed;
    size_t byte = 0;
    if (len != UUID_TEXT_LEN)
        return -1;
    for (size_t i = 0; i < UUID_TEXT_LEN;) {
        if (is_dash_place(i)) {
            if (text[i++] != '-')
                return -1;
            continue;
        }
        int high = hex_value(text[i]), low = hex_value(text[i + 1]);
        if (high < 0 || low < 0)
            return -1;
        parsed.bytes[byte++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    *uuid = parsed;
    return 0;
}

void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (is_dash_place(at))
            text[at++] = '-';
        text[at++] = hex[uuid->bytes[i] >> 4];
        text[at++] = hex[uuid->bytes[i] & 15];
    }
    text[at] = '\0';
}

/* Straight from the kernel, so that a forked process does not repeat its parent's bits. */
static void draw(struct uuid *uuid)
{
    while (getrandom(uuid->bytes, sizeof uuid->bytes, 0) != (ssize_t)sizeof uuid->bytes) {
        if (errno != EINTR)
            fatal("the kernel gives no random bytes: %s", strerror(errno));
    }
}

static void set_version(struct uuid *uuid, uint8_t version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | version << 4);
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

static void set_ms(struct uuid *uuid, int64_t unix_ms)
{
    if (unix_ms < 0)
        unix_ms = 0;
    if (unix_ms > MS_MAX)
        unix_ms = MS_MAX;
    for (int i = 0; i < 6; i++)
        uuid->bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
}

void uuid_v7(struct uuid *uuid, int64_t unix_ms)
{
    draw(uuid);
    if (unix_ms <= v7_ms && v7_counter < COUNTER_MAX) {
        v7_counter++;
    } else {
        v7_ms = unix_ms > v7_ms ? unix_ms : v7_ms + 1;
        v7_counter = (unsigned)(uuid->bytes[6] << 8 | uuid->bytes[7]) & (COUNTER_MAX >> 1);
    }
    set_ms(uuid, v7_ms);
    uuid->bytes[6] = (uint8_t)(v7_counter >> 8);
    uuid->bytes[7] = (uint8_t)v7_counter;
    set_version(uuid, 7);
}

int64_t uuid_v7_ms(const struct uuid *uuid)
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | uuid->bytes[i];
    return ms;
}

void uuid_v7_floor(struct uuid *uuid, int64_t unix_ms)
{
    *uuid = (struct uuid){{0}};
    set_ms(uuid, unix_ms);
    set_version(uuid, 7);
}

void uuid_v8(struct uuid *uuid, const uint8_t hash[16])
{
    memcpy(uuid->bytes, hash, 16);
    set_version(uuid, 8);
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, 16);
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return uuid_compare(a, b) == 0;
}

bool uuid_is_nil(const struct uuid *uuid)
{
    static const struct uuid nil;
    return uuid_equal(uuid, &nil);
}
