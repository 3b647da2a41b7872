/* model_ledger.h - the naive twin: what the ledger must be, from the journal and nothing else. */
#ifndef SIM_MODEL_LEDGER_H
#define SIM_MODEL_LEDGER_H

#include "model/account.h"
#include "model/admin.h"
#include "model/transfer.h"

/*
 * Plain arrays of everything that ever was, in journal order, changed by the simplest code
 * that follows model/transfer.h and model/admin.h. It decides every journaled request again,
 * from what was asked, and so knows the outcome and effect the journal must state. Nothing is
 * forgotten: accounts keep a version per unit, so that any moment can be compared. The
 * decisions stand in model_decide.h, the reading of batches in model_journal.h.
 *
 * It shares no code with src/ledger and src/wallet: a mistake would be shared with it.
 */
enum { MODEL_NONE = UINT32_MAX, MODEL_RAISES_MAX = 64 /* ids that the crowd gives */ };

struct model_options {
    uint64_t accounts_max;
    uint64_t holds_max;
    uint64_t reversals_max;
};

/* An account as a unit left it. */
struct model_version {
    struct position position;
    struct account_state state;
};

struct model_account {
    struct account_state state; /* applied_batch is not kept */
    struct position position;   /* of the unit that made it */
    struct locator locator;
    struct model_version *versions;
    uint32_t version_count;
    uint32_t version_room;
    bool changed; /* since the last version */
};

/* An account that was asked for and refused: its id is taken all the same. */
struct model_refused_account {
    struct account asked;
    enum account_outcome outcome;
    struct position position;
    struct wall_time stamp;
};

struct model_transfer {
    struct transfer asked;
    struct money amount;    /* effect; as asked when refused */
    struct money remaining; /* HOLD */
    struct money reversed;
    struct position position;
    struct position closed_position; /* HOLD: of what closed it */
    struct locator closed_at;
    struct locator locator;
    struct wall_time stamp;
    struct wall_time expires_at; /* HOLD; 0: never */
    enum outcome outcome;
    uint32_t debit; /* places of the resolved accounts; MODEL_NONE when refused too early */
    uint32_t credit;
    uint32_t asset;
    uint32_t first_answers; /* how many were told that they did it: at most one */
    uint8_t closed_by;      /* HOLD: kind of what closed it; 0 while open */
};

/* A request with an idempotency key, and what its administrative act came to. */
struct model_context {
    struct uuid key;
    struct uuid fingerprint;
    struct uuid root;
    bool has_admin;
    char admin_reason[REASON_SIZE];
    enum admin_outcome admin_outcome;
    uint32_t asset_id;
    struct position position; /* of the first unit under it */
    struct wall_time stamp;
};

struct model {
    struct model_options options;
    struct model_account *accounts;
    uint32_t account_count;
    struct model_refused_account *refused_accounts;
    uint32_t refused_account_count;
    uint32_t refused_account_room;
    struct model_transfer *transfers;
    uint32_t transfer_count;
    uint32_t transfer_room;
    uint32_t *transfer_slots; /* by id: place + 1, open addressing */
    uint32_t slot_count;
    struct model_context *contexts;
    uint32_t context_count;
    uint32_t context_room;
    struct asset *assets;
    uint32_t asset_count;
    struct credential *credentials;
    uint32_t credential_count;
    struct raise raises[MODEL_RAISES_MAX]; /* one of each id; with 0 traces: lowered */
    uint32_t raise_count;
    struct business_date closed_through;
    uint64_t open_holds;
    uint64_t reversals; /* transfers ever reversed */
};

/* Stops the program when memory is lacking; so does everything that adds. */
struct model *model_new(const struct model_options *options);
/* Accepts NULL. */
void model_free(struct model *model);

/* Places, or MODEL_NONE. */
uint32_t model_transfer_find(const struct model *model, struct transfer_id id);
uint32_t model_account_find(const struct model *model, struct account_id id);
uint32_t model_refused_account_find(const struct model *model, struct account_id id);
uint32_t model_context_find(const struct model *model, struct uuid key);
/* NULL when there is none. */
const struct asset *model_asset_by_id(const struct model *model, uint32_t id);

/* The account as of the end of a unit; NULL when it was made later. */
const struct account_state *model_account_at(const struct model_account *account,
                                             struct position at);
/* Whether a comes before b, or is b. */
bool model_not_after(struct position a, struct position b);

/* Adds to the arrays. The id must be new. */
uint32_t model_transfer_add(struct model *model, const struct model_transfer *transfer);
uint32_t model_account_add(struct model *model, const struct model_account *account);
void model_refused_account_add(struct model *model, const struct model_refused_account *account);
struct model_context *model_context_add(struct model *model, const struct model_context *context);

/* Ends a unit: keeps a version of every account changed in it. */
void model_unit_end(struct model *model, struct position position);

/* Whether two transfers ask for the same (ids are not compared). */
bool model_same_content(const struct transfer *a, const struct transfer *b);
bool model_same_account(const struct account *a, const struct account *b);

#endif
