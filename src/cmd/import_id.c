/* Ids from digests; lengths go into the digest, so that no two inputs read alike. */
#include "cmd/import_id.h"

#include <string.h>

#include "base/check.h"
#include "crypto/digest.h"

static uint64_t digest_word(const struct digest *digest, unsigned word)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) value = value << 8 | digest->bytes[8 * word + i];
    return value;
}

static struct digest set_digest(const struct import_set *set)
{
    uint64_t lens[2] = { set->name.len, set->kind.len };
    const struct digest_part parts[] = {
        { "tpwallet import 1", 17 },
        { lens, sizeof(lens) },
        { set->name.data, set->name.len },
        { set->kind.data, set->kind.len },
    };
    return digest_of_parts(parts, 4);
}

/* middle: 12 bits behind the version; low: 62 bits behind the variant. */
static struct uuid uuid_v8(uint64_t prefix, uint64_t set_bits, uint64_t middle, uint64_t low)
{
    return (struct uuid){
        .hi = prefix << 48 | (set_bits & 0xFFFFFFFF) << 16 | 0x8000 | (middle & 0xFFF),
        .lo = UINT64_C(1) << 63 | (low & (UINT64_MAX >> 2)),
    };
}

struct uuid import_line_id(const struct import_set *set, uint64_t line)
{
    CHECK(line > 0);
    CHECK(line <= IMPORT_LINE_MAX);
    struct digest of_set = set_digest(set);
    const struct digest_part parts[] = { { of_set.bytes, sizeof(of_set.bytes) },
                                         { &line, sizeof(line) } };
    struct digest of_line = digest_of_parts(parts, 2);
    uint64_t low = (line & 0xFFFFFFF) << 34 | digest_word(&of_line, 0) >> 30;
    return uuid_v8(IMPORT_PREFIX_LINE, digest_word(&of_set, 0), line >> 28, low);
}

struct uuid import_key_id(const struct import_set *set, struct str key)
{
    struct digest of_set = set_digest(set);
    const struct digest_part parts[] = { { of_set.bytes, sizeof(of_set.bytes) },
                                         { key.data, key.len } };
    struct digest of_key = digest_of_parts(parts, 2);
    return uuid_v8(IMPORT_PREFIX_KEY, digest_word(&of_set, 0), digest_word(&of_key, 0),
                   digest_word(&of_key, 1));
}
