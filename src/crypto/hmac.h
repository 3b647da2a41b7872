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

#endif
