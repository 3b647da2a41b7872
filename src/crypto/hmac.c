#include "crypto/hmac.h"

#include <nettle/hmac.h>

#include "base/check.h"

_Static_assert(sizeof(struct hmac_sha256_ctx) <= sizeof(struct hmac_key), "room for the states");
_Static_assert(_Alignof(struct hmac_sha256_ctx) <= _Alignof(struct hmac_key), "in its place");

void hmac_key_init(struct hmac_key *key, const struct secret *secret)
{
    CHECK(secret->size > 0 && secret->size <= sizeof secret->bytes);
    hmac_sha256_set_key((struct hmac_sha256_ctx *)key->state, secret->size, secret->bytes);
}

struct digest hmac_key_digest(const struct hmac_key *key, const struct digest_part *parts,
                              size_t count)
{
    struct hmac_key working = *key; /* it is just behind the key, and the other stays so */
    struct hmac_sha256_ctx *context = (struct hmac_sha256_ctx *)working.state;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0) hmac_sha256_update(context, parts[i].size, parts[i].data);
    }
    struct digest digest;
    hmac_sha256_digest(context, sizeof digest.bytes, digest.bytes);
    secret_wipe(&working, sizeof working);
    return digest;
}

struct digest hmac_sha256(const struct secret *key, const struct digest_part *parts, size_t count)
{
    struct hmac_key once;
    hmac_key_init(&once, key);
    struct digest digest = hmac_key_digest(&once, parts, count);
    secret_wipe(&once, sizeof once);
    return digest;
}
