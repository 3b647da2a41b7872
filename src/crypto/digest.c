/* A context per call, or one kept for as long as a digester lives. */
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
    struct digester digester;
    digester_init(&digester);
    struct digest digest = digester_of_parts(&digester, parts, count);
    digester_done(&digester);
    return digest;
}

void digester_init(struct digester *digester)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CHECK(context != NULL);
    CHECK(EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    digester->context = context;
}

void digester_done(struct digester *digester)
{
    EVP_MD_CTX_free(digester->context);
    digester->context = NULL;
}

struct digest digester_of_parts(struct digester *digester, const struct digest_part *parts,
                                size_t count)
{
    CHECK(count <= 8);
    struct digest digest;
    /* Begins a message with the algorithm it has. */
    CHECK(EVP_DigestInit_ex(digester->context, NULL, NULL) == 1);
    for (size_t i = 0; i < count; i++) {
        CHECK(EVP_DigestUpdate(digester->context, parts[i].data, parts[i].size) == 1);
    }
    unsigned size = 0;
    CHECK(EVP_DigestFinal_ex(digester->context, digest.bytes, &size) == 1);
    CHECK(size == sizeof digest.bytes);
    return digest;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
