/* A context per call: the calls are per batch or per request, never per transfer. */
#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/check.h"

struct digest digest_of(const void *data, size_t size)
{
    struct digest_part part = { data, size };
    return digest_of_parts(&part, 1);
}

struct digest digest_of_parts(const struct digest_part *parts, size_t count)
{
    CHECK(count <= 8);
    struct digest digest;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CHECK(context != NULL);
    CHECK(EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < count; i++) {
        CHECK(EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1);
    }
    unsigned size = 0;
    CHECK(EVP_DigestFinal_ex(context, digest.bytes, &size) == 1);
    CHECK(size == sizeof digest.bytes);
    EVP_MD_CTX_free(context);
    return digest;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
