/* Over libsodium, which verifies in half of OpenSSL's time; see docs/decisions/011. */
#include "crypto/ed25519.h"

#include <sodium/core.h>
#include <sodium/crypto_sign_ed25519.h>

#include "base/check.h"

_Static_assert(ED25519_SEED_SIZE == crypto_sign_ed25519_SEEDBYTES, "RFC 8032");
_Static_assert(ED25519_PUBLIC_SIZE == crypto_sign_ed25519_PUBLICKEYBYTES, "RFC 8032");
_Static_assert(ED25519_SIGNATURE_SIZE == crypto_sign_ed25519_BYTES, "RFC 8032");

/* libsodium asks to be begun before anything else, and once before threads are many. */
__attribute__((constructor)) static void begin(void)
{
    int begun = sodium_init();
    CHECK(begun >= 0);
}

/* libsodium's secret key: the seed with the public key behind it. */
struct pair {
    struct ed25519_public public;
    uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];
};

static void pair_of(const struct secret *seed, struct pair *out_pair)
{
    CHECK(seed->size == ED25519_SEED_SIZE);
    int made =
        crypto_sign_ed25519_seed_keypair(out_pair->public.bytes, out_pair->secret, seed->bytes);
    CHECK(made == 0);
}

struct ed25519_public ed25519_public_of(const struct secret *seed)
{
    struct pair pair;
    pair_of(seed, &pair);
    secret_wipe(pair.secret, sizeof pair.secret);
    return pair.public;
}

struct ed25519_signature ed25519_sign(const struct secret *seed, struct str message)
{
    struct pair pair;
    struct ed25519_signature signature;
    pair_of(seed, &pair);
    int made = crypto_sign_ed25519_detached(signature.bytes, NULL, (const uint8_t *)message.data,
                                            message.len, pair.secret);
    secret_wipe(&pair, sizeof pair);
    CHECK(made == 0);
    return signature;
}

bool ed25519_verify(const struct ed25519_public *key, struct str message,
                    const struct ed25519_signature *signature)
{
    return crypto_sign_ed25519_verify_detached(signature->bytes, (const uint8_t *)message.data,
                                               message.len, key->bytes) == 0;
}
