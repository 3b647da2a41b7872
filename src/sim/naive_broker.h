/* naive_broker.h - outbox, relay, a log in partitions, and the consumer that credits merchants. */
#ifndef SIM_NAIVE_BROKER_H
#define SIM_NAIVE_BROKER_H

#include "sim/naive_world.h"

/* The event of a capture, in the transaction that is being written. */
void naive_outbox_write(struct naive_world *world, uint32_t tx);
/* The event of a hold that was taken, or of a capture whose transaction was rolled back. */
void naive_outbox_held(struct naive_world *world, uint32_t hold);
void naive_outbox_ghost(struct naive_world *world, const struct naive_draft *draft);
/* Looks at the group's offsets, resets, outages: at their times. */
void naive_broker_start(struct naive_world *world);
/* Rows of the outbox and of the log. */
void naive_broker_dump(struct naive_world *world);

#endif
