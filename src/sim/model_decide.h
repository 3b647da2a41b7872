/* model_decide.h - what every request must come to, decided the naive way. */
#ifndef SIM_MODEL_DECIDE_H
#define SIM_MODEL_DECIDE_H

#include "sim/model_ledger.h"

struct model_effect {
    enum outcome outcome;
    uint32_t target; /* place, or MODEL_NONE */
    uint32_t debit;
    uint32_t credit;
    uint32_t asset;
    struct money amount;
    struct money released;
    struct business_date value_date;
};

/* What a transfer must come to now. Never ID_CONFLICT or LINKED_FAILED. */
struct model_effect model_decide(const struct model *model, const struct transfer *asked,
                                 struct wall_time stamp);

/* What to put back when a linked group fails. */
struct model_undo {
    uint32_t debit;
    uint32_t credit;
    uint32_t target;
    struct account_state debit_before;
    struct account_state credit_before;
    struct model_transfer target_before;
    uint64_t open_holds;
    uint64_t reversals;
};

/* Where a record stands. */
struct model_place {
    struct locator locator;
    struct position position;
};

/* Applies an OK effect of a transfer recorded at `where`; EXPIRE too. */
void model_apply(struct model *model, const struct transfer *asked,
                 const struct model_effect *effect, struct model_place where,
                 struct model_undo *out_undo);
void model_undo(struct model *model, const struct model_undo *undo);

/* What an account or act must come to now; OK is not yet applied. */
enum account_outcome model_account_decide(const struct model *model, const struct account *account,
                                          bool *out_repeated);
enum admin_outcome model_admin_decide(const struct model *model, const struct admin *admin,
                                      struct wall_time stamp);
void model_admin_apply(struct model *model, const struct admin *admin, struct wall_time stamp);

#endif
