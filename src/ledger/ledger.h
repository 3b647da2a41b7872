/* ledger.h - the double-entry state machine: a state, a request, an outcome, a record. Pure. */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "ledger/effect.h"
#include "ledger/hold_table.h"
#include "ledger/payment_table.h"
#include "ledger/registry.h"

/*
 * The ledger holds every account, open hold, reversed transfer and open payment in memory. It decides one
 * request at a time and, in the same step, changes its state and writes the record of the
 * effect; replaying those records in order gives the same state again, without deciding.
 *
 * It does no I/O, reads no clock, draws nothing at random. What history says of an id is looked
 * up by the caller and handed in. Memory is reserved at ledger_new() and bounded by its
 * options. One task at a time. The fields are read by src/ledger only.
 */
struct ledger_options {
    uint64_t accounts_max;
    uint64_t holds_max;
    uint64_t reversals_max;
    uint64_t seed;         /* for the layout of hash tables; changes no result */
    uint64_t payments_max; /* open at once; 0: none */
};

/* A transfer that was reversed, in whole or in part. Also its layout in slices. */
struct reversal {
    struct transfer_id target;
    struct money reversed;
    uint64_t applied_batch;
    uint64_t reserved;
};
_Static_assert(sizeof(struct reversal) == 48, "stored as it is in checkpoint slices");

/* The accounts of one kind in one asset, together. */
struct ledger_totals {
    uint64_t account_count;
    struct balance balance;
};

enum {
    ACCOUNT_NONE = UINT32_MAX,
    LEDGER_ASSETS_MAX = 1000 + ASSETS_CUSTOM_MAX,
    LEDGER_TOTALS_MAX = LEDGER_ASSETS_MAX * ACCOUNT_KIND_END,
};

struct ledger {
    struct ledger_options options;
    struct account_state *accounts; /* by number: in order of making */
    uint32_t account_count;
    struct id_map account_map;
    struct hold_table holds;
    uint64_t holds_made; /* the number of the newest hold */
    struct reversal *reversals;
    uint32_t reversal_count;
    struct id_map reversal_map;
    struct payment_table payments; /* decided in src/payment, kept here */
    struct registry registry;
    struct ledger_totals *totals;
    uint64_t hold_replay_from; /* in recovery: holds below were in the checkpoint; empty: 1 */
};

/* STATUS_LIMIT when the address space is refused. */
enum status ledger_new(const struct ledger_options *options, struct ledger **out_ledger) MUST_CHECK;
/* Accepts NULL. */
void ledger_free(struct ledger *ledger);
/* Back to the empty ledger; keeps what was reserved. */
void ledger_reset(struct ledger *ledger);

/* The number of an account, or ACCOUNT_NONE. */
uint32_t ledger_account_find(const struct ledger *ledger, struct account_id id);
/* Good until the next change of the ledger. */
const struct account_state *ledger_account(const struct ledger *ledger, uint32_t number);

/* Bring near what a transfer will touch: first its places in the map, then its accounts. */
void ledger_prefetch_ids(const struct ledger *ledger, const struct transfer *transfer);
void ledger_prefetch_accounts(const struct ledger *ledger, const struct transfer *transfer);

/* When and where a unit is recorded. */
struct ledger_moment {
    struct wall_time stamp;
    uint64_t batch;
    struct locator locator;
};

/*
 * For src/ledger: an account with a new id gets the next number, of which there must be one
 * left. The totals are the caller's to mend.
 */
uint32_t ledger_account_append(struct ledger *ledger, struct ledger_moment moment,
                               const struct account *account);

/* Makes an account; *out_number is that of the account with this id, also for a conflict. */
enum account_outcome ledger_account_create(struct ledger *ledger, struct ledger_moment moment,
                                           const struct account *account, bool *out_repeated,
                                           uint32_t *out_number);

/*
 * Decides and on OK applies an administrative act. out_record has room for any record; its
 * head's type and outcome are set, the rest of the head is the caller's. Returns its size.
 */
union ledger_admin_record {
    struct record_head head;
    struct record_account_change account_change;
    struct record_asset asset;
    struct record_period period;
    struct record_credential credential;
    struct record_rate rate;
    struct record_notice notice;
    struct record_raise raise;
};
uint16_t ledger_admin(struct ledger *ledger, struct ledger_moment moment, const struct admin *admin,
                      union ledger_admin_record *out_record);

/* The totals of an asset and kind; index = ledger_totals_index(). */
static inline uint32_t ledger_totals_index(uint32_t asset, uint16_t kind)
{
    uint32_t dense = asset < 1000 ? asset : 1000 + asset - ASSET_CUSTOM_FIRST;
    return dense * ACCOUNT_KIND_END + kind;
}

#endif
