/* act_record.h - writes down an administrative act that is done outside of the ledger and the API. */
#ifndef WALLET_ACT_RECORD_H
#define WALLET_ACT_RECORD_H

#include "wallet/lane.h"

struct act_done {
    struct principal_id principal;
    struct notice notice;
    const char *reason; /* NULL: none; else reason_is_valid() */
    struct uuid key;    /* written down once for ever under it; nil: each time */
};

/*
 * A unit of its own, durable on STATUS_OK. Waits for the lane; not for its own tasks.
 * STATUS_IN_DOUBT: it may be there; with a key, again tells. Else the lane's statuses.
 */
enum status act_record(struct lane *lane, const struct act_done *act) MUST_CHECK;

#endif
