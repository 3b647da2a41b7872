#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/check.h"

struct digest hmac_sha256(const struct secret *key, const struct digest_part *parts, size_t count)
{
    CHECK(key->size > 0 && key->size <= sizeof key->bytes);
    struct digest digest;
    char name[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    CHECK(algorithm != NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    CHECK(context != NULL);
    CHECK(EVP_MAC_init(context, key->bytes, key->size, params) == 1);
    for (size_t i = 0; i < count; i++) {
        CHECK(EVP_MAC_update(context, parts[i].data, parts[i].size) == 1);
    }
    size_t size = 0;
    CHECK(EVP_MAC_final(context, digest.bytes, &size, sizeof digest.bytes) == 1);
    CHECK(size == sizeof digest.bytes);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
    return digest;
}
