/* tally.h - what lane_status says, brought up to date by a batch that landed or a recovery. */
#ifndef WALLET_TALLY_H
#define WALLET_TALLY_H

#include "wallet/lane_state.h"

/* As memory has it: taken when a batch is launched, and shown when that has landed. */
struct lane_sizes tally_sizes(const struct ledger *ledger);

/* These two on the apply task, under the monitor. What the flight counted is durable. */
void tally_landed(struct lane *lane, const struct flight *flight);
void tally_show(struct lane *lane, const struct lane_sizes *sizes);

/* Nothing is counted yet. */
void tally_clear(struct flight *flight);

#endif
