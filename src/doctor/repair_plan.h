/* repair_plan.h - what is to be done about an incident: typed steps, checked, as one canonical text. */
#ifndef DOCTOR_REPAIR_PLAN_H
#define DOCTOR_REPAIR_PLAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "crypto/digest.h"
#include "doctor/repair_policy.h"

/*
 * One source for the list: name, text, whether we carry it out ourselves, what must be so before it,
 * how it shows that it is done, what undoes it, and what does it in a wallet like ours ("": it
 * depends). Steps stand in this order: stop, fix, repair, and what follows from the repair.
 */
#define PLAN_STEP_TABLE(X)                                                                         \
    X(STOP, "stop", false, "what is to be stopped still runs", "nothing more of it comes in",      \
      "resume what was suspended", "tpwallet kafka pause --into BOOK; tpwallet account freeze ID") \
    X(FIX, "fix", false, "the cause is the one of the diagnosis",                                  \
      "the same requests, sent to a test system, take effect once", "roll the change back", "")    \
    X(COMPENSATE, "compensate", true,                                                              \
      "the target is posted, of these accounts and this amount, not reversed",                     \
      "the ledger has a transfer of this id and amount", "reverse the entry",                      \
      "tpwallet doctor apply")                                                                     \
    X(SEND_BACK, "send_back", true,                                                                \
      "the target has arrived in the other lane, of these accounts and this amount",               \
      "the ledger has a transfer of this id and amount, and it has arrived", "pay it again",       \
      "tpwallet doctor apply")                                                                     \
    X(PURGE, "purge", false, "the entries of this plan are in the ledger",                         \
      "tpwallet cache check finds no difference", "none: a cache is filled again from the ledger", \
      "tpwallet cache rebuild")                                                                    \
    X(REBUILD, "rebuild", false, "the entries of this plan are in the ledger",                     \
      "tpwallet projection check finds no difference",                                             \
      "none: a projection follows from the postings", "tpwallet projection clear")                 \
    X(REDELIVER, "redeliver", false, "receivers deduplicate by the event's id",                    \
      "tpwallet kafka lag and tpwallet webhook endpoint list show nothing left",                   \
      "none: receivers deduplicate",                                                               \
      "tpwallet kafka replay --into BOOK; tpwallet webhook endpoint redrive ID")                   \
    X(POLL, "poll", false, "the PSP answers", "tpwallet payment list shows none of them in doubt", \
      "none: it only asks", "tpwallet payment refresh ID")                                         \
    X(ROTATE, "rotate", false, "the new key is where it is used", "the old key is refused",        \
      "none: the old key stays dead",                                                              \
      "tpwallet webhook endpoint rotate ID; tpwallet key revoke ID")                               \
    X(LEAVE, "leave", false, "it cannot be told to the cent what is owed",                         \
      "a person has decided, and said why", "none: nothing was done", "")

#define PLAN_STEP_ENUM(name, text, ours, before, probe, undo, command) PLAN_##name,
enum plan_step_kind { PLAN_STEP_TABLE(PLAN_STEP_ENUM) PLAN_STEP_KINDS };
#undef PLAN_STEP_ENUM

enum {
    PLAN_STEPS_MAX = 20000,
    PLAN_SIZE_MAX = 32 << 20,
    PLAN_TEXT_MAX = 1000,
    PLAN_ATTEMPTS_MAX = 100, /* at one entry that the ledger refuses */
};

/* Texts are in the arena of whoever made or read the plan. */
struct plan_step {
    enum plan_step_kind kind;
    struct str what;   /* in words, for people */
    struct uuid id;    /* of the entry: derived, so that applying twice is nothing */
    struct str target; /* of an entry: the transaction that is taken back */
    struct str debit;  /* accounts of the entry that is made */
    struct str credit;
    struct str ccy;
    struct signed_amount amount; /* more than nothing */
    struct str fault;            /* whose consequence it is */
};

struct repair_plan {
    struct str incident;
    struct str label;    /* the weakest of the causes */
    struct str proposer; /* the public key of who made it, as text */
    struct digest diagnosis;
    struct digest rules;
    struct digest policy;
    struct wall_time made_at;
    struct wall_time expires_at;
    uint32_t approvals; /* needed */
    uint32_t step_count;
    struct plan_step *steps;
};

const char *plan_step_name(enum plan_step_kind kind);
bool plan_step_is_ours(enum plan_step_kind kind);
/* What is the same for all steps of a kind. Texts are static. */
struct plan_step_words {
    const char *name;
    bool ours;
    const char *precondition;
    const char *probe;
    const char *undo;
    const char *command; /* "": it depends */
};
const struct plan_step_words *plan_step_words(enum plan_step_kind kind);

/*
 * The id of an entry: SHA-256 of incident, root transaction, accounts, asset, template and the rules'
 * digest, each behind its length, as a UUIDv8. Of a SEND_BACK without incident and rules: nothing
 * else in the ledger keeps two plans from sending the same money back.
 */
struct uuid plan_entry_id(const struct repair_plan *plan, const struct plan_step *step);

/*
 * The id that the entry is tried under: the first time its own, later ones derived of it. The ledger
 * keeps a refusal for ever under its id.
 */
struct uuid plan_attempt_id(const struct plan_step *step, uint32_t attempt);

/*
 * Whether it may be a plan at all: a label that gets one, over within the policy's hours, entries with amounts and different
 * accounts, ids as derived and none twice, within the policy's totals, of which each asset needs
 * one, and number of entries; people enough who did not propose it; the approvals that it needs are
 * written into it. STATUS_DENIED: the label or a limit; STATUS_INVALID.
 */
enum status repair_plan_check(struct repair_plan *plan, const struct repair_policy *policy,
                              struct error *out_error) MUST_CHECK;

/* The one text of a plan; its SHA-256 is what is approved. */
void repair_plan_json(const struct repair_plan *plan, struct buf *out);
/* STATUS_INVALID; also for a text that is not the one text of its plan. The arena: 8 x the size. */
enum status repair_plan_parse(struct str text, struct arena *arena, struct repair_plan *out_plan,
                              struct error *out_error) MUST_CHECK;

#endif
