#include "adapter/redis_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/check.h"

enum { VALUE_FORMAT = 2, NUMBER_DIGITS = 20 };

/* ---- Numbers ---- */

const char *redis_number_text(uint64_t number, char text[REDIS_NUMBER_SIZE])
{
    int len = snprintf(text, REDIS_NUMBER_SIZE, "%020" PRIu64, number);
    CHECK(len == NUMBER_DIGITS);
    return text;
}

bool redis_number_read(struct str text, uint64_t *out_number)
{
    uint64_t number = 0;
    if (text.len != NUMBER_DIGITS) return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return false;
    }
    *out_number = number;
    return true;
}

/* ---- Values ---- */

const char *redis_value_suffix(enum cache_kind kind, struct uuid id, char text[REDIS_KEY_SIZE])
{
    char id_text[UUID_TEXT_LEN + 1];
    uuid_format(id, id_text);
    int len = snprintf(text, REDIS_KEY_SIZE, ":%c:%s", kind == CACHE_ACCOUNT ? 'a' : 'p', id_text);
    CHECK(len > 0 && len < REDIS_KEY_SIZE);
    return text;
}

static size_t content_size(enum cache_kind kind)
{
    return kind == CACHE_ACCOUNT ? sizeof(struct account_state) : sizeof(struct payment);
}

size_t redis_value_size(enum cache_kind kind)
{
    return offsetof(struct redis_value, value) + content_size(kind);
}

/* Its id is in its content, so its place is, too. The stem's zero byte ends it. */
static struct digest value_seal(const struct redis_seal *seal, const struct redis_value *value)
{
    const struct digest_part parts[] = {
        { "value", sizeof "value" },
        { seal->stem, strlen(seal->stem) + 1 },
        { value, offsetof(struct redis_value, seal) },
        { &value->value, content_size((enum cache_kind)value->kind) },
    };
    return hmac_key_digest(seal->key, parts, sizeof parts / sizeof parts[0]);
}

void redis_value_make(const struct redis_seal *seal, const struct cache_entry *entry,
                      struct redis_value *out_value)
{
    size_t size = content_size(entry->kind);
    memset(out_value, 0, sizeof *out_value);
    memcpy(&out_value->value, &entry->value, size);
    out_value->format = VALUE_FORMAT;
    out_value->kind = entry->kind;
    out_value->version = entry->version;
    out_value->sealed_ns = seal->now.ns;
    out_value->check = XXH3_64bits(&out_value->value, size);
    out_value->seal = value_seal(seal, out_value);
}

struct cache_entry redis_value_entry(const struct redis_value *value)
{
    struct cache_entry entry = { .kind = (enum cache_kind)value->kind, .version = value->version };
    memcpy(&entry.value, &value->value, content_size(entry.kind));
    return entry;
}

bool redis_value_read(struct str bytes, enum cache_kind kind, struct uuid id,
                      struct redis_value *out_value)
{
    if (bytes.len != redis_value_size(kind)) return false;
    struct redis_value value;
    memset(&value, 0, sizeof value);
    memcpy(&value, bytes.data, bytes.len);
    bool whole = value.format == VALUE_FORMAT && value.kind == kind &&
                 value.check == XXH3_64bits(&value.value, content_size(kind));
    if (!whole) return false;
    const struct cache_entry entry = redis_value_entry(&value);
    if (!uuid_equal(cache_entry_id(&entry), id)) return false;
    *out_value = value;
    return true;
}

bool redis_value_sealed(const struct redis_seal *seal, const struct redis_value *value)
{
    struct digest expected = value_seal(seal, value);
    if (!digest_equal(&expected, &value->seal)) return false;
    return seal->now.ns - value->sealed_ns <= (int64_t)seal->ttl_ms * NS_PER_MS;
}

/* ---- Frontiers ---- */

struct digest redis_frontier_seal(const struct redis_seal *seal,
                                  const struct redis_frontier *frontier)
{
    static const char end[1] = { '\0' };
    const struct digest_part parts[] = {
        { "frontier", sizeof "frontier" },
        { seal->stem, strlen(seal->stem) + 1 },
        { frontier->generation.data, frontier->generation.len },
        { end, sizeof end },
        { frontier->batch.data, frontier->batch.len },
        { end, sizeof end },
        { frontier->at.data, frontier->at.len },
    };
    return hmac_key_digest(seal->key, parts, sizeof parts / sizeof parts[0]);
}

bool redis_frontier_read(const struct redis_seal *seal, const struct redis_frontier *frontier,
                         struct cache_frontier *out_frontier)
{
    struct digest expected = redis_frontier_seal(seal, frontier);
    struct digest found;
    uint64_t batch;
    uint64_t at_ns;
    if (frontier->seal.len != sizeof found.bytes) return false;
    memcpy(found.bytes, frontier->seal.data, sizeof found.bytes);
    if (!digest_equal(&expected, &found)) return false;
    if (!redis_number_read(frontier->batch, &batch) || !redis_number_read(frontier->at, &at_ns) ||
        at_ns > INT64_MAX)
        return false;
    *out_frontier = (struct cache_frontier){ batch, { (int64_t)at_ns } };
    return true;
}
