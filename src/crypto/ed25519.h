/* ed25519.h - signatures with Ed25519 (RFC 8032, pure) over libsodium. */
#ifndef CRYPTO_ED25519_H
#define CRYPTO_ED25519_H

#include "base/str.h"
#include "crypto/secret.h"

enum { ED25519_SEED_SIZE = 32, ED25519_PUBLIC_SIZE = 32, ED25519_SIGNATURE_SIZE = 64 };

struct ed25519_public {
    uint8_t bytes[ED25519_PUBLIC_SIZE];
};
struct ed25519_signature {
    uint8_t bytes[ED25519_SIGNATURE_SIZE];
};

/*
 * Any thread. The seed is what RFC 8032 calls the private key; CHECKs that it has
 * ED25519_SEED_SIZE bytes. Signing is deterministic and needs no randomness.
 */
struct ed25519_public ed25519_public_of(const struct secret *seed);
struct ed25519_signature ed25519_sign(const struct secret *seed, struct str message);

/*
 * False for every other message, key and signature, for bytes that are no key at all, and for a
 * key of small order, whose signatures say nothing of who signed.
 */
bool ed25519_verify(const struct ed25519_public *key, struct str message,
                    const struct ed25519_signature *signature);

#endif
