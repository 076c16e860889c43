/* address.c: see address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

/* Loopback, private, link-local, multicast and unspecified addresses (RFC 6890), also mapped into IPv6. */
static bool v4_is_private(uint32_t address)
{
    static const struct {
        uint32_t net, mask;
    } ranges[] = {
        {0x00000000, 0xff000000}, {0x0a000000, 0xff000000}, {0x64400000, 0xffc00000},
        {0x7f000000, 0xff000000}, {0xa9fe0000, 0xffff0000}, {0xac100000, 0xfff00000},
        {0xc0000000, 0xffffff00}, {0xc0a80000, 0xffff0000}, {0xc6120000, 0xfffe0000},
        {0xe0000000, 0xf0000000}, {0xf0000000, 0xf0000000},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if ((address & ranges[i].mask) == ranges[i].net)
            return true;
    return false;
}

static uint32_t v4_in(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

bool address_is_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return v4_is_private(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6) {
        const uint8_t *b = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
        static const uint8_t zeros[12], mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b}, translated[12] = {[8] = 0xff, 0xff};
        if (memcmp(b, zeros, 12) == 0 || memcmp(b, mapped, 12) == 0 || memcmp(b, nat64, 12) == 0 ||
            memcmp(b, translated, 12) == 0)
            return v4_is_private(v4_in(b + 12));
        if (b[0] == 0x20 && b[1] == 0x02) /* 6to4 */
            return v4_is_private(v4_in(b + 2));
        return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || b[0] == 0xff;
    }
    return true;
}
