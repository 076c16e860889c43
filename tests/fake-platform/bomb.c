/* bomb.c: see bomb.h. One block with the fixed codes of RFC 1951, 3.2.6: a letter, then "258 times the same again". */
#include "bomb.h"

#include <stdint.h>

#define REPEAT 258

struct bits {
    struct buf *out;
    unsigned held, count;
};

static void add_bit(struct bits *bits, unsigned bit)
{
    bits->held |= bit << bits->count;
    if (++bits->count < 8)
        return;
    buf_add_ch(bits->out, (char)bits->held);
    bits->held = bits->count = 0;
}

/* Huffman codes begin with their highest bit. */
static void add_code(struct bits *bits, unsigned code, unsigned len)
{
    while (len-- > 0)
        add_bit(bits, code >> len & 1);
}

static uint32_t checksum_of_x(size_t count)
{
    uint32_t crc = UINT32_MAX;

    while (count-- > 0) {
        crc ^= 'x';
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void add_number(struct buf *out, uint32_t number)
{
    for (int byte = 0; byte < 4; byte++)
        buf_add_ch(out, (char)(number >> 8 * byte));
}

void bomb_gzip(struct buf *out, size_t unpacked)
{
    static const char head[10] = {0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, (char)0xff};
    struct bits bits = {.out = out};
    size_t left = unpacked;

    buf_add(out, head, sizeof head);
    add_bit(&bits, 1); /* the last block, with fixed codes */
    add_bit(&bits, 1);
    add_bit(&bits, 0);
    while (left > 0) {
        bool again = left < unpacked && left >= REPEAT;
        if (again) {
            add_code(&bits, 0xc5, 8); /* 285: 258 letters */
            add_code(&bits, 0, 5);    /* as one place before */
        } else {
            add_code(&bits, 0x30 + 'x', 8);
        }
        left -= again ? REPEAT : 1;
    }
    add_code(&bits, 0, 7); /* the end of the block */
    while (bits.count > 0)
        add_bit(&bits, 0);
    add_number(out, checksum_of_x(unpacked));
    add_number(out, (uint32_t)unpacked);
}
