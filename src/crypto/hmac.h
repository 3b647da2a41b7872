/* hmac.h - HMAC with SHA-256 (RFC 2104, FIPS 198-1) over OpenSSL 3. */
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
 * A key made ready once, for many messages: preparing costs more than hashing a short message.
 * Holds what the key was made into, and wipes it when done. One thread at a time.
 */
struct hmac_key {
    void *context; /* NULL: zeroed or done */
};
/* CHECKs that the key is not empty. */
void hmac_key_init(struct hmac_key *key, const struct secret *secret);
/* Accepts NULL, a zeroed one and one that is done. */
void hmac_key_done(struct hmac_key *key);
/* As hmac_sha256(). */
struct digest hmac_key_digest(struct hmac_key *key, const struct digest_part *parts, size_t count);

#endif
