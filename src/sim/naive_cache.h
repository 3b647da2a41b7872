/* naive_cache.h - balances in a cache, and what people are shown of them. */
#ifndef SIM_NAIVE_CACHE_H
#define SIM_NAIVE_CACHE_H

#include "sim/naive_world.h"

/* The balance after this amount, by the script that keeps it in the cache and writes it through. */
int64_t naive_cache_write(struct naive_world *world, uint32_t account, int64_t before,
                          int64_t amount, const struct naive_tx *tx);
/* After a commit: what the cache has of the account is old. */
void naive_cache_invalidate(struct naive_world *world, uint32_t account);
/* Answers a request for a balance. */
void naive_cache_read(struct naive_world *world, uint32_t request);

#endif
