#include "crypto/secret.h"

#include <sodium/utils.h>
#include <string.h>

#include "base/check.h"

enum status secret_take(void *bytes, size_t size, struct secret *out_secret)
{
    CHECK(bytes != NULL || size == 0);
    enum status status = size > SECRET_SIZE_MAX ? STATUS_LIMIT : STATUS_OK;
    if (status == STATUS_OK) {
        secret_wipe(out_secret, sizeof *out_secret);
        if (size > 0) memcpy(out_secret->bytes, bytes, size);
        out_secret->size = size;
    }
    secret_wipe(bytes, size);
    return status;
}

void secret_done(struct secret *secret)
{
    if (secret != NULL) secret_wipe(secret, sizeof *secret);
}

void secret_wipe(void *bytes, size_t size)
{
    if (size > 0) sodium_memzero(bytes, size);
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return a->size == b->size && secret_bytes_equal(a->bytes, b->bytes, a->size);
}

bool secret_bytes_equal(const void *a, const void *b, size_t size)
{
    if (size == 0) return false;
    return sodium_memcmp(a, b, size) == 0;
}
