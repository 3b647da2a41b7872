/* hmac.h - HMAC with SHA-256 (RFC 2104, FIPS 198-1) over Nettle. */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include "crypto/digest.h"
#include "crypto/secret.h"

/*
 * Over several parts as one message: where they meet is not part of it, so separate them. Any
 * thread. CHECKs that the key is not empty. Compare with digest_equal(), in constant time.
 */
struct digest hmac_sha256(const struct secret *key, const struct digest_part *parts, size_t count);

/*
 * A key made ready once, for many messages: preparing costs two blocks of hashing, as much as a
 * short message. Says as much as the key itself: whoever holds it wipes it. Plain, may be copied.
 */
struct hmac_key {
    uint64_t state[42];
};
/* CHECKs that the key is not empty. */
void hmac_key_init(struct hmac_key *key, const struct secret *secret);
/* As hmac_sha256(). Any thread. */
struct digest hmac_key_digest(const struct hmac_key *key, const struct digest_part *parts,
                              size_t count);

#endif
