/* A key is text of the client's; the journal only ever sees digests. */
#include "api/idempotency.h"

#include "base/check.h"
#include "crypto/digest.h"

static bool key_add(struct idempotency_key *key, char byte)
{
    if (key->len == sizeof key->text || byte < ' ' || byte > '~') return false;
    key->text[key->len++] = byte;
    return true;
}

static bool quoted_take(struct str header, struct idempotency_key *key)
{
    if (header.len < 2 || header.data[header.len - 1] != '"') return false;
    for (size_t i = 1; i + 1 < header.len; i++) {
        char byte = header.data[i];
        if (byte == '"') return false;
        if (byte == '\\') {
            i++;
            if (i + 1 >= header.len) return false;
            byte = header.data[i];
            if (byte != '"' && byte != '\\') return false;
        }
        if (!key_add(key, byte)) return false;
    }
    return key->len > 0;
}

bool idempotency_key_parse(struct str header, struct idempotency_key *out_key)
{
    CHECK(out_key != NULL);
    out_key->len = 0;
    if (header.len == 0) return false;
    if (header.data[0] == '"') return quoted_take(header, out_key);
    for (size_t i = 0; i < header.len; i++) {
        if (header.data[i] == ' ' || header.data[i] == '"') return false;
        if (!key_add(out_key, header.data[i])) return false;
    }
    return true;
}

/* Never nil, which would mean "no key". */
static struct uuid digest_cut(const struct digest *digest)
{
    struct uuid cut;
    memcpy(&cut, digest->bytes, sizeof cut);
    cut.lo |= uuid_is_nil(cut);
    return cut;
}

struct uuid idempotency_digest(struct principal_id principal, uint32_t route,
                               const struct idempotency_key *key)
{
    struct digest_part parts[] = {
        { &principal, sizeof principal },
        { &route, sizeof route },
        { key->text, key->len },
    };
    struct digest digest = digest_of_parts(parts, sizeof parts / sizeof parts[0]);
    return digest_cut(&digest);
}

struct uuid idempotency_fingerprint(struct str path, struct str media, struct str body,
                                    struct str reason)
{
    uint64_t head[2] = { path.len, media.len };
    uint64_t tail = reason.len;
    struct digest_part parts[] = {
        { head, sizeof head },
        { path.data, path.len },
        { media.data, media.len },
        { body.data, body.len },
        { reason.data, reason.len },
        { &tail, reason.len == 0 ? 0 : sizeof tail }, /* no reason: the body ends the message */
    };
    struct digest digest = digest_of_parts(parts, sizeof parts / sizeof parts[0]);
    return digest_cut(&digest);
}
