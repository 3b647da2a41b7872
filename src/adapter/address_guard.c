#include "adapter/address_guard.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct range4 {
    uint32_t first;
    uint8_t bits;
    const char *reason;
};

/* In the order of the addresses. */
static const struct range4 ranges4[] = {
    { 0x00000000, 8, "special" },     /* this network */
    { 0x0A000000, 8, "private" },     /* 10/8 */
    { 0x64400000, 10, "private" },    /* 100.64/10, shared by carriers; some clouds' metadata */
    { 0x7F000000, 8, "loopback" },    /* 127/8 */
    { 0xA83F8110, 32, "metadata" },   /* 168.63.129.16 */
    { 0xA9FE0000, 16, "link-local" }, /* 169.254/16; most clouds' metadata */
    { 0xAC100000, 12, "private" },    /* 172.16/12 */
    { 0xC0000000, 24, "special" },    /* 192.0.0/24 */
    { 0xC0000200, 24, "special" },    /* documentation */
    { 0xC0586300, 24, "special" },    /* 6to4 relays */
    { 0xC0A80000, 16, "private" },    /* 192.168/16 */
    { 0xC6120000, 15, "special" },    /* benchmarks */
    { 0xC6336400, 24, "special" },    /* documentation */
    { 0xCB007100, 24, "special" },    /* documentation */
    { 0xE0000000, 4, "multicast" },   /* 224/4 */
    { 0xF0000000, 4, "special" },     /* reserved, and broadcast */
};

struct range6 {
    uint8_t first[16];
    uint8_t bits;
    const char *reason;
};

static const struct range6 ranges6[] = {
    { { 0x20, 0x01, 0x00 }, 23, "special" },       /* protocols; Teredo is in it */
    { { 0x20, 0x01, 0x0D, 0xB8 }, 32, "special" }, /* documentation */
    { { 0x20, 0x02 }, 16, "special" },             /* 6to4 */
    { { 0x3F, 0xFF, 0x00 }, 20, "special" },       /* documentation */
    { { 0xFC }, 7, "private" },                    /* unique local */
    { { 0xFE, 0x80 }, 10, "link-local" },
    { { 0xFE, 0xC0 }, 10, "private" }, /* site-local */
    { { 0xFF }, 8, "multicast" },
    { { [15] = 1 }, 128, "loopback" },                   /* ::1 */
    { { 0x01, 0x00, 0, 0, 0, 0, 0, 0 }, 64, "special" }, /* discarded */
};

static const char *special4(uint32_t address)
{
    for (size_t i = 0; i < sizeof ranges4 / sizeof ranges4[0]; i++) {
        uint32_t mask = UINT32_MAX << (32 - ranges4[i].bits);
        if ((address & mask) == ranges4[i].first) return ranges4[i].reason;
    }
    return NULL;
}

static bool starts6(const uint8_t address[16], const uint8_t first[16], unsigned bits)
{
    unsigned whole = bits / 8;
    if (memcmp(address, first, whole) != 0) return false;
    if (bits % 8 == 0) return true;
    unsigned mask = 0xFFU << (8 - bits % 8) & 0xFFU;
    return (address[whole] & mask) == (first[whole] & mask);
}

/* The IPv4 address in the last four bytes. */
static uint32_t inner4(const uint8_t address[16])
{
    return (uint32_t)address[12] << 24 | (uint32_t)address[13] << 16 | (uint32_t)address[14] << 8 |
           address[15];
}

static const char *special6(const uint8_t address[16])
{
    static const uint8_t mapped[16] = { [10] = 0xFF, [11] = 0xFF };
    static const uint8_t nat64[16] = { 0x00, 0x64, 0xFF, 0x9B };
    static const uint8_t global[16] = { 0x20 };
    if (starts6(address, mapped, 96) || starts6(address, nat64, 96))
        return special4(inner4(address));
    for (size_t i = 0; i < sizeof ranges6 / sizeof ranges6[0]; i++) {
        if (starts6(address, ranges6[i].first, ranges6[i].bits)) return ranges6[i].reason;
    }
    return starts6(address, global, 3) ? NULL : "special";
}

const char *address_special(const struct sockaddr *address, size_t size)
{
    if (address->sa_family == AF_INET && size >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return special4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6 && size >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return special6(in.sin6_addr.s6_addr);
    }
    return "not of the internet";
}
