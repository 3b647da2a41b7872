/* repair_ready.h - whether a ledger would take a plan's entries as it is now, and under which ids. */
#ifndef CMD_REPAIR_READY_H
#define CMD_REPAIR_READY_H

#include "base/id_map.h"
#include "cmd/answer.h"
#include "cmd/session.h"
#include "doctor/repair_plan.h"

/* An entry of the plan as the ledger has it, or would take it. */
struct ready_entry {
    const struct plan_step *step;
    uint32_t lane;                /* that it is made in: its debit account's */
    uint32_t to;                  /* its credit account's: another one gets it from there */
    struct uuid id;               /* of the attempt that was made, or is the next one */
    char amount[MONEY_TEXT_SIZE]; /* in major units, as the ledger writes it */
    bool there;
};

struct ready_account;

/* Members are its own, but for entries and entry_count. */
struct repair_ready {
    const struct repair_plan *plan;
    struct session *sessions; /* by lane */
    uint32_t lanes;
    uint32_t lane; /* that is looked at */
    struct error *error;
    struct ready_entry *entries;
    uint32_t entry_count;
    struct ready_account *accounts; /* each as it would be after the entries before */
    uint32_t account_count;
    struct id_map account_map;
    struct buf target;
    struct buf answer;
    struct arena arena;
};

/*
 * The plan, the sessions (one for each lane; those of repair_ready_lanes() are open when it looks)
 * and error outlive it. STATUS_LIMIT. repair_ready_done() in any case.
 */
enum status repair_ready_init(struct repair_ready *ready, const struct repair_plan *plan,
                              struct session *sessions, uint32_t lanes, struct error *error)
    MUST_CHECK;
void repair_ready_done(struct repair_ready *ready);

/* The lanes that the plan has accounts in, by bit. */
uint64_t repair_ready_lanes(const struct repair_plan *plan, uint32_t lanes);
/*
 * Looks at every entry, lane by lane, its target and its accounts, in order, as if those before it were made: an
 * entry that was made under any attempt is there; one that was refused is to be tried under the
 * next id. STATUS_CONFLICT: the ledger would refuse one; error names it, the account or target and
 * the reason. Changes nothing. As session_call() otherwise. Looking again forgets what was found.
 */
enum status repair_ready_look(struct repair_ready *ready) MUST_CHECK;

/* How far an entry is that goes from a lane to another, after it was made. */
enum ready_way {
    READY_ON_ITS_WAY,
    READY_ARRIVED,
    READY_REFUSED,   /* by the other lane: it came back */
    READY_WITHDRAWN, /* it was taken back before the other lane decided */
};
/* As session_call(). STATUS_UNAVAILABLE also: the answer is not understood. */
enum status repair_ready_way(struct repair_ready *ready, const struct ready_entry *entry,
                             enum ready_way *out_way) MUST_CHECK;

/* Which entry cannot be made, and what it would do; STATUS_CONFLICT. */
enum status repair_ready_unmet(const struct repair_ready *ready, const struct ready_entry *entry,
                               const char *reason, const char *hint) MUST_CHECK;

#endif
