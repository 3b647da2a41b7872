/* secret.h - a secret: bytes that are wiped when done, compared in constant time, never shown. */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Keys of every algorithm here, and what others hand out for HMAC, are shorter. */
enum { SECRET_SIZE_MAX = 256 };

/*
 * Stands where its owner keeps it: neither assign it nor pass it by value, since a copy would
 * not be wiped. There is no way to format one; who must write one out (a key file) reads
 * `bytes` and wipes what was made of it with secret_wipe().
 */
struct secret {
    uint8_t bytes[SECRET_SIZE_MAX];
    size_t size;
};

#define SECRET_SCOPE __attribute__((cleanup(secret_done)))

/* Takes a copy and wipes where it came from. STATUS_LIMIT (wiped all the same): too long. */
enum status secret_take(void *bytes, size_t size, struct secret *out_secret) MUST_CHECK;

/* Wipes it; a secret that is zeroed or done is empty. Accepts NULL. */
void secret_done(struct secret *secret);

/* Zeroes memory in a way that the compiler does not leave out. */
void secret_wipe(void *bytes, size_t size);

/* In a time that depends on the sizes alone. Two empty secrets are equal to nothing. */
bool secret_equal(const struct secret *a, const struct secret *b);
bool secret_bytes_equal(const void *a, const void *b, size_t size);

#endif
