/* init_from.h - a ledger that outgrew its folder: moved into a database, webhooks and keys with it. */
#ifndef CMD_INIT_FROM_H
#define CMD_INIT_FROM_H

#include "adapter/journal_copy.h"
#include "cmd/invocation.h"
#include "model/lane_map.h"

struct init_from {
    const struct invocation *invocation; /* its --data is the new folder */
    const char *folder;                  /* the old one: of lane 0 */
    const char *url;
    uint32_t lanes;                    /* of the ledger; filled here, as are the next three */
    struct uuid ledger;                /* nil: it had moved before */
    uint64_t epochs[LANES_MAX];        /* by which each lane was claimed */
    struct journal_copy_result result; /* of all lanes; head: lane 0's */
};

/*
 * Journals, receivers of webhooks with their secrets and how far deliveries got, received webhooks
 * that nothing has come of yet; then the new folder, last, with the verifiable log's key and what
 * it last signed. The old folder can only be read from then on. As journal_move(); also
 * STATUS_CONFLICT: the new folder is there, and not of this move.
 */
enum status init_from_run(struct init_from *from, struct error *out_error) MUST_CHECK;

#endif
