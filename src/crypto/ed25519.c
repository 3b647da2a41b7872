#include "crypto/ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/check.h"

static EVP_PKEY *key_of(const struct secret *seed)
{
    CHECK(seed->size == ED25519_SEED_SIZE);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed->bytes, seed->size);
    CHECK(key != NULL);
    return key;
}

struct ed25519_public ed25519_public_of(const struct secret *seed)
{
    struct ed25519_public public;
    EVP_PKEY *key = key_of(seed);
    size_t size = sizeof public.bytes;
    CHECK(EVP_PKEY_get_raw_public_key(key, public.bytes, &size) == 1);
    CHECK(size == sizeof public.bytes);
    EVP_PKEY_free(key);
    return public;
}

struct ed25519_signature ed25519_sign(const struct secret *seed, struct str message)
{
    struct ed25519_signature signature;
    EVP_PKEY *key = key_of(seed);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CHECK(context != NULL);
    CHECK(EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1);
    size_t size = sizeof signature.bytes;
    const uint8_t *bytes = (const uint8_t *)message.data;
    CHECK(EVP_DigestSign(context, signature.bytes, &size, bytes, message.len) == 1);
    CHECK(size == sizeof signature.bytes);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return signature;
}

void ed25519_key_init(struct ed25519_key *key, const struct ed25519_public *public)
{
    key->key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public->bytes, sizeof public->bytes);
    CHECK(key->key != NULL);
}

void ed25519_key_done(struct ed25519_key *key)
{
    if (key == NULL) return;
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

bool ed25519_key_verify(const struct ed25519_key *key, struct str message,
                        const struct ed25519_signature *signature)
{
    CHECK(key->key != NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CHECK(context != NULL);
    CHECK(EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->key) == 1);
    int verified = EVP_DigestVerify(context, signature->bytes, sizeof signature->bytes,
                                    (const uint8_t *)message.data, message.len);
    if (verified != 1) ERR_clear_error(); /* a wrong signature is an answer, not an error */
    EVP_MD_CTX_free(context);
    return verified == 1;
}

bool ed25519_verify(const struct ed25519_public *key, struct str message,
                    const struct ed25519_signature *signature)
{
    struct ed25519_key once;
    ed25519_key_init(&once, key);
    bool verified = ed25519_key_verify(&once, message, signature);
    ed25519_key_done(&once);
    return verified;
}
