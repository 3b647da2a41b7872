/* entropy.h - unpredictable bytes, for ids and keys. */
#ifndef PORT_ENTROPY_H
#define PORT_ENTROPY_H

#include <stddef.h>

/* Any thread; may wait only at boot of the machine; cannot fail (stops the program instead). */
struct entropy {
    void (*fill)(struct entropy *entropy, void *out_bytes, size_t size);
};

static inline void entropy_fill(struct entropy *entropy, void *out_bytes, size_t size)
{
    entropy->fill(entropy, out_bytes, size);
}

#endif
