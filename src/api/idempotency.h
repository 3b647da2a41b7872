/* idempotency.h - the Idempotency-Key header (IETF httpapi draft) and what it stands for. */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include "base/limits.h"
#include "base/str.h"
#include "model/id.h"

struct idempotency_key {
    size_t len; /* 1 to IDEMPOTENCY_KEY_LEN_MAX */
    char text[IDEMPOTENCY_KEY_LEN_MAX];
};

/*
 * The draft's quoted string ("8e03978e", with \" and \\ as escapes), or the same unquoted, as
 * most clients send it: visible ASCII. Both name the same key. False: neither.
 */
bool idempotency_key_parse(struct str header, struct idempotency_key *out_key) MUST_CHECK;

/* What request->key is made of: SHA-256, cut to 128 bits, of who asks, which operation, key. */
struct uuid idempotency_digest(struct principal_id principal, uint32_t route,
                               const struct idempotency_key *key);

/*
 * What request->fingerprint is made of: the request as it came. Parts are kept apart by their
 * lengths. media is the media type of the body, without parameters, empty for none; reason is
 * the query's, empty for none.
 */
struct uuid idempotency_fingerprint(struct str path, struct str media, struct str body,
                                    struct str reason);

#endif
