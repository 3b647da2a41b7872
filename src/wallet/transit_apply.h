/* transit_apply.h - money between lanes on the apply task: accounts made, arrivals taken back, a list. */
#ifndef WALLET_TRANSIT_APPLY_H
#define WALLET_TRANSIT_APPLY_H

#include "wallet/applier.h"

/*
 * Before a departure or an arrival is decided: makes this lane's account for it, as a unit of its
 * own, when it is the first that needs it. What cannot be made (no such asset, no capacity) is
 * left: then the transfer is refused for that. STATUS_UNAVAILABLE: no room in this batch.
 */
enum status transit_apply_accounts(struct lane *lane, const struct request *request,
                                   const struct transfer *transfer, struct error *out_error)
    MUST_CHECK;

/* READ_TRANSITS. */
enum status transit_apply_read(struct lane *lane, struct read *read, struct error *out_error)
    MUST_CHECK;

#endif
