/* transfer.h - a transfer as asked for, and the outcomes it can have, in documented order. */
#ifndef MODEL_TRANSFER_H
#define MODEL_TRANSFER_H

#include "base/money.h"
#include "base/time.h"
#include "model/id.h"

/*
 * DIRECT   moves at once from the debit to the credit account.
 * HOLD     reserves (pending) until it is posted, voided, or timeout_s after its stamp.
 * POST     posts the hold `target`: whole (amount MONEY_MAX) or in part; the rest is released,
 *          or stays reserved with TRANSFER_FLAG_KEEP_REST.
 * VOID     releases the hold `target`.
 * REVERSAL compensates the DIRECT, POST or REVERSAL transfer `target` by the opposite entry:
 *          whole of what is not yet reversed (amount MONEY_MAX) or in part.
 * EXPIRE   made by the ledger itself when a hold's time has passed.
 * DEPARTURE a hold of what leaves for another lane, or is to come from one; never expires. Made by
 *          lanes alone: see model/transit.h.
 */
#define TRANSFER_KIND_TABLE(X)                                                                     \
    X(DIRECT, 1, "direct")                                                                         \
    X(HOLD, 2, "hold")                                                                             \
    X(POST, 3, "post")                                                                             \
    X(VOID, 4, "void")                                                                             \
    X(REVERSAL, 5, "reversal")                                                                     \
    X(EXPIRE, 6, "expire")                                                                         \
    X(DEPARTURE, 7, "departure")

#define TRANSFER_KIND_ENUM(name, value, text) TRANSFER_##name = value,
enum transfer_kind { TRANSFER_KIND_TABLE(TRANSFER_KIND_ENUM) TRANSFER_KIND_END };
#undef TRANSFER_KIND_ENUM

/* Whether it reserves, to be posted or voided by what has it as its target. */
static inline bool transfer_kind_holds(uint8_t kind)
{
    return kind == TRANSFER_HOLD || kind == TRANSFER_DEPARTURE;
}

/*
 * LINKED            succeeds or fails as one with the transfer after it.
 * BALANCING_DEBIT   DIRECT and HOLD only: moves at most `amount`, no more than the debit account
 *                   has available.
 * BALANCING_CREDIT  the same for the credit account.
 * KEEP_REST         POST only: what is not posted stays reserved.
 * OWNED             of a payment, or on its way between lanes: no POST, VOID or REVERSAL that is not
 *                   itself OWNED may have it as its target. Set by those alone;
 *                   transfer_fault() refuses it from others.
 */
#define TRANSFER_FLAG_TABLE(X)                                                                     \
    X(LINKED, 1, "linked")                                                                         \
    X(BALANCING_DEBIT, 2, "balancing_debit")                                                       \
    X(BALANCING_CREDIT, 4, "balancing_credit")                                                     \
    X(KEEP_REST, 8, "keep_rest")                                                                   \
    X(OWNED, 16, "owned")

#define TRANSFER_FLAG_ENUM(name, value, text) TRANSFER_FLAG_##name = value,
enum transfer_flag { TRANSFER_FLAG_TABLE(TRANSFER_FLAG_ENUM) };
#undef TRANSFER_FLAG_ENUM

/*
 * What a caller asks for; also the binary wire form, 128 bytes little-endian. Every field is
 * content: a repeat must be equal in all of them.
 *
 * id       nil: derived from the request's idempotency key and its place in the request.
 * debit, credit   DIRECT, HOLD and DEPARTURE only, and not the same; nil otherwise (they follow from
 *          the target).
 * asset    of the same kinds: of both accounts. POST and REVERSAL: 0 (it follows from the target), or
 *          what amount is counted in, so that a wrong exponent cannot pass: it must be the
 *          target's, else ASSET_MISMATCH. VOID: 0.
 * amount   at least 1. MONEY_MAX is "all": for POST and REVERSAL, and as balancing maximum; a
 *          VOID always has it, other transfers never.
 * target   POST, VOID: the hold. REVERSAL: the transfer to reverse. DEPARTURE: the account, in
 *          another lane, that it is for or is to come from. Otherwise nil.
 * user_ref the caller's own reference, indexed; nil is none.
 * value_date 0: the date of the stamp.
 * timeout_s  HOLD only; 0 is never.
 * code     the caller's own class of transfer; not interpreted.
 */
struct transfer {
    struct transfer_id id;
    struct account_id debit;
    struct account_id credit;
    struct money amount;
    struct transfer_id target;
    struct uuid user_ref;
    uint32_t asset;
    uint32_t timeout_s;
    struct business_date value_date;
    uint32_t code;
    uint8_t kind;  /* enum transfer_kind, never EXPIRE */
    uint8_t flags; /* enum transfer_flag */
    uint8_t reserved[14];
};
_Static_assert(sizeof(struct transfer) == 128, "the binary wire form");

/*
 * Outcomes, in the order in which they are checked: the first that applies is the one given.
 * Name, API code, HTTP status, sentence. Every one but OK is a refusal; all but ID_CONFLICT
 * are journaled and returned again for the same id, for ever.
 */
#define OUTCOME_TABLE(X)                                                                           \
    X(OK, "ok", 201, "done")                                                                       \
    X(ID_CONFLICT, "id_conflict", 409, "this id was used before, with other content")              \
    X(LINKED_FAILED, "linked_failed", 422, "another transfer of its linked group was refused")     \
    X(TARGET_NOT_FOUND, "target_not_found", 422, "there is no transfer with the target id")        \
    X(TARGET_REFUSED, "target_refused", 422, "the target transfer was itself refused")             \
    X(TARGET_WRONG_KIND, "target_wrong_kind", 422, "the target is not of a kind that allows this") \
    X(TARGET_OWNED, "target_owned", 422,                                                           \
      "the target belongs to a payment, which alone may post, void or reverse it")                 \
    X(DEBIT_ACCOUNT_NOT_FOUND, "debit_account_not_found", 422, "there is no such debit account")   \
    X(CREDIT_ACCOUNT_NOT_FOUND, "credit_account_not_found", 422,                                   \
      "there is no such credit account")                                                           \
    X(ASSET_MISMATCH, "asset_mismatch", 422,                                                       \
      "the transfer and both accounts must be of one asset")                                       \
    X(PERIOD_CLOSED, "period_closed", 422, "the value date lies in a closed period")               \
    X(HOLD_ALREADY_POSTED, "hold_already_posted", 422, "the hold was posted before")               \
    X(HOLD_ALREADY_VOIDED, "hold_already_voided", 422, "the hold was voided before")               \
    X(HOLD_EXPIRED, "hold_expired", 422, "the time of the hold has passed")                        \
    X(DEBIT_ACCOUNT_CLOSED, "debit_account_closed", 422, "the debit account is closed")            \
    X(CREDIT_ACCOUNT_CLOSED, "credit_account_closed", 422, "the credit account is closed")         \
    X(DEBIT_ACCOUNT_FROZEN, "debit_account_frozen", 422, "the debit account is frozen")            \
    X(CREDIT_ACCOUNT_FROZEN, "credit_account_frozen", 422, "the credit account is frozen")         \
    X(AMOUNT_OVER_HOLD, "amount_over_hold", 422, "more than the hold still reserves")              \
    X(AMOUNT_OVER_REVERSIBLE, "amount_over_reversible", 422,                                       \
      "more than is not yet reversed of the target")                                               \
    X(NOTHING_TO_MOVE, "nothing_to_move", 422, "the amount comes to zero")                         \
    X(AMOUNT_OVERFLOW, "amount_overflow", 422, "a balance would pass 128 bits")                    \
    X(DEBITS_EXCEED_CREDITS, "debits_exceed_credits", 422,                                         \
      "insufficient funds: the debit account's debits would exceed its credits")                   \
    X(CREDITS_EXCEED_DEBITS, "credits_exceed_debits", 422,                                         \
      "the credit account's credits would exceed its debits")                                      \
    X(CAPACITY, "capacity", 422, "the ledger's capacity of open holds or reversals is used up")    \
    X(WITHDRAWN, "withdrawn", 422, "it was taken back before the other lane had accepted it")      \
    X(NOT_A_WALLET, "not_a_wallet", 422,                                                           \
      "it is of a payment from another lane, and this account is no wallet")

#define OUTCOME_ENUM(name, code, http, text) OUTCOME_##name,
enum outcome { OUTCOME_TABLE(OUTCOME_ENUM) OUTCOME_COUNT };
#undef OUTCOME_ENUM
_Static_assert(OUTCOME_COUNT < 256, "one byte in a record");

/* Static strings. CHECKs that outcome is in range. */
const char *outcome_code(enum outcome outcome);
const char *outcome_text(enum outcome outcome);
unsigned outcome_http_status(enum outcome outcome);

/* By name as the API spells it, both ways. NULL and false for what is none of the table. */
const char *transfer_kind_name(unsigned kind);
bool transfer_kind_parse(struct str text, uint8_t *out_kind);
const char *transfer_flag_name(unsigned flag);
bool transfer_flag_parse(struct str text, uint8_t *out_flag);

/*
 * What is wrong with a transfer on its own, whatever the ledger's state. NULL when nothing is;
 * otherwise a sentence, and *out_field (static) names the field as the API spells it. A
 * transfer that fails here never reaches the ledger and is not journaled.
 */
const char *transfer_fault(const struct transfer *transfer, const char **out_field);

/* What a transfer came to. */
struct transfer_result {
    struct transfer_id id;
    struct money amount;      /* what moved or was reserved, or released by VOID */
    struct position position; /* of its unit; the first time's for a repeat */
    struct wall_time stamp;   /* of its batch */
    uint8_t outcome;          /* enum outcome */
    bool repeated;            /* it was there before, and nothing was done now */
    uint8_t reserved[2];
    uint32_t asset; /* of amount; 0 only when refused before it was known */
};

#endif
