/* naive_api.h - the naive wallet's clients and the API that they call. */
#ifndef SIM_NAIVE_API_H
#define SIM_NAIVE_API_H

#include "sim/naive_world.h"

/* Has every planned op asked for at its time, with its clients' retries and double clicks. */
void naive_clients_start(struct naive_world *world);

/* The answer of a request goes out, and is logged; `tx` may be empty. */
void naive_api_answer(struct naive_world *world, uint32_t request, int64_t status, const char *tx);

/* The names of hosts that serve: by a draw for each thing that is served. */
const char *naive_host(const struct naive_world *world, const char *service, uint64_t key);

/* A span of a trace, most of which nobody keeps. */
void naive_span(struct naive_world *world, const char *trace, const char *service, const char *op,
                const char *edge);

#endif
