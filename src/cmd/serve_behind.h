/* serve_behind.h - what a server runs beside each lane: PSPs, webhooks, events on a bus, SQL tables, a cache. */
#ifndef CMD_SERVE_BEHIND_H
#define CMD_SERVE_BEHIND_H

#include "cmd/serve_bus.h"
#include "cmd/serve_cache.h"
#include "cmd/serve_payments.h"
#include "cmd/serve_projection.h"
#include "cmd/serve_webhooks.h"
#include "model/lane_map.h"

/* By lane; each with connections of its own, and run by whoever owns the lane. Zeroed: nothing. */
struct serve_behind {
    uint32_t lanes;
    struct serve_payments *payments; /* an array, as each stays where it was opened */
    struct serve_webhooks *webhooks[LANES_MAX];
    struct serve_bus bus[LANES_MAX];
    struct serve_cache cache[LANES_MAX];
    struct serve_projection projection[LANES_MAX];
};

struct serve_behind_options {
    uint32_t lanes;
    struct http_cover covers[LANES_MAX]; /* of calls to the outside, by lane */
};

/*
 * From the options of all of these; groups of consumers are watched by lane 0's owner, for all
 * partitions. As serve_payments_open() and the others; to be closed either way.
 */
enum status serve_behind_open(const struct invocation *invocation,
                              const struct serve_behind_options *options,
                              struct serve_behind *out_behind, struct error *out_error) MUST_CHECK;
/* When nothing of it runs. Accepts a zeroed struct. */
void serve_behind_close(struct serve_behind *behind);

#endif
