#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/check.h"

void hmac_key_init(struct hmac_key *key, const struct secret *secret)
{
    CHECK(secret->size > 0 && secret->size <= sizeof secret->bytes);
    char name[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    CHECK(algorithm != NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    CHECK(context != NULL);
    CHECK(EVP_MAC_init(context, secret->bytes, secret->size, params) == 1);
    EVP_MAC_free(algorithm); /* the context holds it too */
    key->context = context;
}

void hmac_key_done(struct hmac_key *key)
{
    if (key == NULL) return;
    EVP_MAC_CTX_free(key->context); /* wipes the states that the key was made into */
    key->context = NULL;
}

struct digest hmac_key_digest(struct hmac_key *key, const struct digest_part *parts, size_t count)
{
    struct digest digest;
    EVP_MAC_CTX *context = key->context;
    CHECK(context != NULL);
    CHECK(EVP_MAC_init(context, NULL, 0, NULL) == 1); /* back to just behind the key */
    for (size_t i = 0; i < count; i++) {
        CHECK(EVP_MAC_update(context, parts[i].data, parts[i].size) == 1);
    }
    size_t size = 0;
    CHECK(EVP_MAC_final(context, digest.bytes, &size, sizeof digest.bytes) == 1);
    CHECK(size == sizeof digest.bytes);
    return digest;
}

struct digest hmac_sha256(const struct secret *key, const struct digest_part *parts, size_t count)
{
    struct hmac_key once;
    hmac_key_init(&once, key);
    struct digest digest = hmac_key_digest(&once, parts, count);
    hmac_key_done(&once);
    return digest;
}
