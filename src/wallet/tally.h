/* tally.h - what lane_status says, brought up to date by a batch that landed or a recovery. */
#ifndef WALLET_TALLY_H
#define WALLET_TALLY_H

#include "wallet/lane_state.h"

/* Both on the apply task, under the monitor. */

/* What the flight counted is added; it is durable. */
void tally_landed(struct lane *lane, const struct flight *flight);
/* How much there is of everything, as memory has it. */
void tally_sizes(struct lane *lane);

/* Nothing is counted yet. */
void tally_clear(struct flight *flight);

#endif
