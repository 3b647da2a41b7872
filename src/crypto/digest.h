/* digest.h - SHA-256 (FIPS 180-4) over OpenSSL 3. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
    uint8_t bytes[32];
};

/* Any thread. Stops the program when OpenSSL has no SHA-256 or no memory. */
struct digest digest_of(const void *data, size_t size);

/* Over several parts as one message. count is at most 8. */
struct digest_part {
    const void *data;
    size_t size;
};
struct digest digest_of_parts(const struct digest_part *parts, size_t count);

/*
 * The same, again and again: short messages take less than half the time, since OpenSSL is asked
 * for the algorithm once. For one thread at a time; digester_init() stops the program as above.
 */
struct digester {
    void *context;
};
void digester_init(struct digester *digester);
/* Accepts a zeroed struct. */
void digester_done(struct digester *digester);
struct digest digester_of_parts(struct digester *digester, const struct digest_part *parts,
                                size_t count);
static inline struct digest digester_of(struct digester *digester, const void *data, size_t size)
{
    struct digest_part part = { data, size };
    return digester_of_parts(digester, &part, 1);
}

/* In constant time. */
bool digest_equal(const struct digest *a, const struct digest *b);

#endif
