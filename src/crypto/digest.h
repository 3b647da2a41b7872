/* digest.h - SHA-256 (FIPS 180-4) over Nettle. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
    uint8_t bytes[32];
};

/* Any thread. No heap, and nothing to make ready: short messages cost what their blocks cost. */
struct digest digest_of(const void *data, size_t size);

/* Over several parts as one message. */
struct digest_part {
    const void *data;
    size_t size;
};
struct digest digest_of_parts(const struct digest_part *parts, size_t count);

/* A message that comes piece by piece. Plain: may be copied, needs no end. One thread at a time. */
struct digest_stream {
    uint64_t state[14];
};
void digest_stream_init(struct digest_stream *stream);
void digest_stream_add(struct digest_stream *stream, const void *data, size_t size);
/* Of all that was added; the stream begins anew. */
struct digest digest_stream_end(struct digest_stream *stream);

/* In constant time. */
bool digest_equal(const struct digest *a, const struct digest *b);

#endif
