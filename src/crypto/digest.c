/* Nettle's state is on the stack of whoever asks; see docs/decisions/011. */
#include "crypto/digest.h"

#include <nettle/sha2.h>
#include <sodium/utils.h>

_Static_assert(sizeof(struct sha256_ctx) <= sizeof(struct digest_stream), "room for the state");
_Static_assert(_Alignof(struct sha256_ctx) <= _Alignof(struct digest_stream), "in its place");
_Static_assert(sizeof(struct digest) == SHA256_DIGEST_SIZE, "SHA-256");

static struct sha256_ctx *state_of(struct digest_stream *stream)
{
    return (struct sha256_ctx *)stream->state;
}

struct digest digest_of(const void *data, size_t size)
{
    struct digest_part part = { data, size };
    return digest_of_parts(&part, 1);
}

struct digest digest_of_parts(const struct digest_part *parts, size_t count)
{
    struct digest_stream stream;
    digest_stream_init(&stream);
    for (size_t i = 0; i < count; i++) digest_stream_add(&stream, parts[i].data, parts[i].size);
    return digest_stream_end(&stream);
}

void digest_stream_init(struct digest_stream *stream)
{
    sha256_init(state_of(stream));
}

void digest_stream_add(struct digest_stream *stream, const void *data, size_t size)
{
    if (size > 0) sha256_update(state_of(stream), size, data);
}

struct digest digest_stream_end(struct digest_stream *stream)
{
    struct digest digest;
    sha256_digest(state_of(stream), sizeof digest.bytes, digest.bytes);
    return digest;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return sodium_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
