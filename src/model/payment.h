/* payment.h - a business intent: its kinds and states, the moves allowed, and its outcomes. */
#ifndef MODEL_PAYMENT_H
#define MODEL_PAYMENT_H

#include "base/money.h"
#include "base/time.h"
#include "model/id.h"
#include "model/psp.h"

/*
 * PAY_IN      a charge at a PSP, credited to a wallet.
 * PAY_OUT     from a wallet to a bank, through a PSP.
 * WALLET      from a wallet to a wallet.
 * MERCHANT    from a wallet, or from a card through a PSP, to a merchant: reserved first, then
 *             captured in one or more parts, cancelled, or expired.
 * REFUND      gives back of a PAY_IN, WALLET or MERCHANT, at most what was taken and not given back.
 * EXCHANGE    quoted at a locked rate, then carried out through the position account.
 * CHARGEBACK  a PAY_IN or MERCHANT that the card's holder disputes.
 */
#define PAYMENT_KIND_TABLE(X)                                                                      \
    X(PAY_IN, 1, "pay_in")                                                                         \
    X(PAY_OUT, 2, "pay_out")                                                                       \
    X(WALLET, 3, "wallet")                                                                         \
    X(MERCHANT, 4, "merchant")                                                                     \
    X(REFUND, 5, "refund")                                                                         \
    X(EXCHANGE, 6, "exchange")                                                                     \
    X(CHARGEBACK, 7, "chargeback")

#define PAYMENT_KIND_ENUM(name, value, text) PAYMENT_##name = value,
enum payment_kind { PAYMENT_KIND_TABLE(PAYMENT_KIND_ENUM) PAYMENT_KIND_END };
#undef PAYMENT_KIND_ENUM

/*
 * Name, value, text, whether it is open: an open payment waits for something (a PSP, a capture,
 * a person, its time) and is kept in memory; the others rest, and come back only by a move
 * that says so.
 */
#define PAYMENT_STATE_TABLE(X)                                                                     \
    X(NONE, 0, "none", false)                  /* not made; a refused creation rests in FAILED */  \
    X(PENDING, 1, "pending", true)             /* a PSP or another lane is to decide */            \
    X(IN_DOUBT, 2, "in_doubt", true)           /* a step may have been taken or not */             \
    X(MANUAL, 3, "manual", true)               /* nobody but a person can tell */                  \
    X(QUOTED, 4, "quoted", true)               /* a rate is locked */                              \
    X(AUTHORISED, 5, "authorised", true)       /* reserved, nothing captured */                    \
    X(PART_CAPTURED, 6, "part_captured", true) /* some captured, the rest reserved */              \
    X(OPENED, 7, "opened", true)               /* a dispute runs */                                \
    X(CAPTURED, 8, "captured", false)                                                              \
    X(SUCCEEDED, 9, "succeeded", false)                                                            \
    X(FAILED, 10, "failed", false)                                                                 \
    X(CANCELLED, 11, "cancelled", false)                                                           \
    X(EXPIRED, 12, "expired", false)                                                               \
    X(RETURNED, 13, "returned", false) /* a pay-out that came back */                              \
    X(WON, 14, "won", false)                                                                       \
    X(LOST, 15, "lost", false)                                                                     \
    X(REVERSED, 16, "reversed", false) /* what had succeeded, or was decided, was undone */

#define PAYMENT_STATE_ENUM(name, value, text, open) PAYMENT_STATE_##name = value,
enum payment_state { PAYMENT_STATE_TABLE(PAYMENT_STATE_ENUM) PAYMENT_STATE_END };
#undef PAYMENT_STATE_ENUM

/* What a move is made by: the verbs of `tpwallet payment states`. */
#define PAYMENT_CAUSE_TABLE(X)                                                                     \
    X(CREATE, 1, "create")   /* the caller asks for a payment */                                   \
    X(CAPTURE, 2, "capture") /* of a MERCHANT payment: a part, or the last part */                 \
    X(CANCEL, 3, "cancel")   /* of a MERCHANT payment or a quote */                                \
    X(EXECUTE, 4, "execute") /* of a quote */                                                      \
    X(ANSWER, 5, "answer")   /* the PSP has answered, or not: a step's result */                   \
    X(HINT, 6, "hint")       /* a webhook: ask the PSP now */                                      \
    X(EXPIRE, 7, "expire")   /* its time has passed */                                             \
    X(RESOLVE, 8, "resolve") /* a person decides */                                                \
    X(DISPUTE, 9, "dispute") /* the PSP tells of a chargeback, opened or decided */                \
    X(SETTLE, 10, "settle")  /* a line of the PSP's settlement file */                             \
    X(FOLLOW, 11, "follow")  /* another payment (a refund of this one) has moved */                \
    X(ARRIVE, 12, "arrive")  /* another lane has decided about what left for it */

#define PAYMENT_CAUSE_ENUM(name, value, text) PAYMENT_CAUSE_##name = value,
enum payment_cause { PAYMENT_CAUSE_TABLE(PAYMENT_CAUSE_ENUM) PAYMENT_CAUSE_END };
#undef PAYMENT_CAUSE_ENUM

/* A move that a kind of payment may make. The table is payment_moves(); nothing else is allowed. */
struct payment_move {
    uint8_t kind;
    uint8_t from; /* enum payment_state; NONE: it is made */
    uint8_t to;
    uint8_t cause; /* enum payment_cause */
};
const struct payment_move *payment_moves(uint32_t *out_count);
bool payment_move_allowed(const struct payment_move *move);

/*
 * A payment as it stands: an after-image, as it is journaled. References are random ids, never
 * personal data; `method` is a PSP's token, never a card or account number (payment_fault()).
 *
 * wallet: PAY_IN: credited. PAY_OUT, WALLET, MERCHANT, EXCHANGE: debited (nil for a MERCHANT
 * payment from a card). REFUND, CHARGEBACK: as the parent's.
 * counter: WALLET, MERCHANT: credited. EXCHANGE: credited in counter_asset.
 */
struct payment {
    struct payment_id id;
    struct payment_id parent; /* REFUND, CHARGEBACK: what it undoes */
    struct uuid user_ref;     /* the caller's own reference; nil is none */
    struct uuid trace;        /* the W3C trace in which it was asked for */
    struct account_id wallet;
    struct account_id counter;
    struct transfer_id hold;     /* the open hold in the ledger; nil: none */
    struct transfer_id posted;   /* what moved its money last, or has left with it; nil: nothing */
    struct money amount;         /* asked for; EXCHANGE: of `asset` given */
    struct money captured;       /* of it, taken: PAY_IN and PAY_OUT all or nothing */
    struct money refund_pending; /* of captured: refunds on their way or in doubt */
    struct money refunded;       /* of captured: given back */
    struct money disputed;       /* of captured: in open or lost chargebacks */
    struct money counter_amount; /* EXCHANGE: of counter_asset received */
    struct money residue;        /* EXCHANGE: of amount, kept for what cannot be divided */
    struct money step_amount;    /* of the step under way */
    uint64_t rate_numerator;     /* EXCHANGE: counter minor units per minor unit, exact */
    uint64_t rate_denominator;
    struct wall_time created_at;
    struct wall_time expires_at; /* MERCHANT, EXCHANGE: 0 is never */
    struct wall_time step_at;    /* when the intent to take the step was recorded */
    struct wall_time sent_at;    /* when the step was last known to be sent; 0: never */
    struct wall_time next_at;    /* when something is to be done; 0: wait for others */
    uint64_t version;            /* how many records it has, this one included */
    uint32_t asset;
    uint32_t counter_asset; /* EXCHANGE */
    uint32_t step_number;   /* of the step under way or the last one; 0: none yet */
    uint32_t attempts;      /* of the step, all of them: one call has one number */
    uint32_t code;          /* the caller's own class; not interpreted */
    uint32_t slot;          /* its place among open payments; PAYMENT_SLOT_NONE */
    uint8_t kind;           /* enum payment_kind */
    uint8_t state;          /* enum payment_state */
    uint8_t step;           /* enum psp_operation of the step under way; 0: none */
    uint8_t flags;          /* enum payment_flag */
    uint8_t resume;         /* the state to go back to when a step fails */
    uint8_t doublings;      /* of the wait before the next call */
    uint8_t reserved[2];
    char psp[PSP_NAME_SIZE];         /* who carries the steps out; "" when nobody needs to */
    char method[PSP_TOKEN_SIZE];     /* the PSP's token of a card or bank account */
    char psp_object[PSP_TOKEN_SIZE]; /* the PSP's id of it, once known; REFUND: of the charge */
    char reason[PSP_REASON_SIZE];    /* why it failed or waits: a stable code */
};
_Static_assert(sizeof(struct payment) == 528, "journaled as it is");

enum { PAYMENT_SLOT_NONE = UINT32_MAX };

/* Of one payment, in minor units: what every PSP and bank can represent (ISO 20022: 18 digits). */
#define PAYMENT_AMOUNT_MAX ((uint128)999999999999999999)

enum payment_flag {
    PAYMENT_FLAG_FINAL = 1,     /* the capture under way is the last: the rest is released */
    PAYMENT_FLAG_SETTLED = 2,   /* a settlement line was booked for it */
    PAYMENT_FLAG_WAITING = 4,   /* the PSP has the step and will decide later */
    PAYMENT_FLAG_LAPSED = 8,    /* CANCEL under way: because its time has passed */
    PAYMENT_FLAG_SUSPENSE = 16, /* its money came and could not be credited: it is in suspense */
    PAYMENT_FLAG_UNDONE = 32,   /* a person has said that its step was not taken */
    PAYMENT_FLAG_KNOWN = 64,    /* the PSP has said once that it has the step */
};

/*
 * Outcomes of a command, in the order of checking; name, API code, HTTP status, sentence. Every
 * one but OK is a refusal, journaled, and the same for the same id or idempotency key for ever.
 */
#define PAYMENT_OUTCOME_TABLE(X)                                                                   \
    X(OK, "ok", 200, "done")                                                                       \
    X(ID_CONFLICT, "id_conflict", 409, "this id was used before, with other content")              \
    X(NOT_FOUND, "payment_not_found", 404, "there is no such payment")                             \
    X(PARENT_NOT_FOUND, "parent_not_found", 422, "there is no payment with the parent's id")       \
    X(WRONG_KIND, "wrong_kind", 422, "payments of this kind do not allow this")                    \
    X(PARENT_WRONG_KIND, "parent_wrong_kind", 422,                                                 \
      "the parent is not of a kind that can be refunded or disputed")                              \
    X(ASSET_MISMATCH, "asset_mismatch", 422, "the payment and its accounts must be of one asset")  \
    X(ACCOUNT_NOT_FOUND, "account_not_found", 422, "there is no such account")                     \
    X(NOT_A_WALLET, "not_a_wallet", 422, "payments are between wallets, and this account is none") \
    X(CHART_MISSING, "chart_missing", 422,                                                         \
      "the chart of accounts for this asset and PSP was not made")                                 \
    X(RATE_NOT_FOUND, "rate_not_found", 422, "there is no rate for this pair of assets")           \
    X(EXPIRED, "payment_expired", 422, "its time has passed")                                      \
    X(STEP_UNDER_WAY, "step_under_way", 409, "a step of it is under way; ask again later")         \
    X(STATE, "state_forbids", 422, "its state does not allow this")                                \
    X(AMOUNT_OVER_REMAINDER, "amount_over_remainder", 422, "more than is left to capture")         \
    X(AMOUNT_OVER_REFUNDABLE, "amount_over_refundable", 422,                                       \
      "more than was taken and not yet given back")                                                \
    X(NOTHING_TO_MOVE, "nothing_to_move", 422, "the amount comes to zero")                         \
    X(LEDGER, "ledger_refused", 422, "the ledger refused it; the reason is its outcome")           \
    X(CAPACITY, "payment_capacity", 422, "the capacity of open payments is used up")

#define PAYMENT_OUTCOME_ENUM(name, code, http, text) PAYMENT_OUTCOME_##name,
enum payment_outcome { PAYMENT_OUTCOME_TABLE(PAYMENT_OUTCOME_ENUM) PAYMENT_OUTCOME_COUNT };
#undef PAYMENT_OUTCOME_ENUM

/* Static strings; NULL for what is none of the table (names), CHECKed (outcomes). */
const char *payment_kind_name(unsigned kind);
bool payment_kind_parse(struct str text, uint8_t *out_kind);
const char *payment_state_name(unsigned state);
bool payment_state_parse(struct str text, uint8_t *out_state);
bool payment_state_is_open(unsigned state);
/* Whether it is kept in memory: it waits for something, or something is to be done. */
static inline bool payment_is_open(const struct payment *payment)
{
    return payment_state_is_open(payment->state) || payment->next_at.ns != 0;
}
/* Whether its money, `posted`, is on its way to another lane: it is PENDING, and no PSP has a step. */
bool payment_in_transit(const struct payment *payment);
/* The same, and whether it is this departure: what ends that is the payment's own command. */
bool payment_waits_for(const struct payment *payment, struct transfer_id departure);
const char *payment_cause_name(unsigned cause);
const char *payment_outcome_code(enum payment_outcome outcome);
const char *payment_outcome_text(enum payment_outcome outcome);
unsigned payment_outcome_http_status(enum payment_outcome outcome);

/*
 * What a caller asks of a payment; by cause:
 * CREATE   draft: kind, amount, accounts, asset, method, psp, parent, expires_at, code, user_ref.
 * CAPTURE  id, amount (MONEY_MAX: all that is left), last; draft.asset: what the amount is counted
 *          in, 0 when that was not said.
 * CANCEL, EXECUTE, EXPIRE  id.
 * ANSWER   id, step_number, reply (reply.at is when it was got), and of the PSP's traits
 *          horizon_ms and key_window_ms.
 * HINT     id; step_number and reply.answer: of which step the event says what (DONE, DECLINED,
 *          PENDING), 0 when there is no event;
 *          draft.psp: who says so, "" is the operator.
 * RESOLVE  id, state (SUCCEEDED or FAILED), reason.
 * DISPUTE  draft: id of the chargeback, parent, amount, and, when it is a PSP that says so, psp
 *          and asset, which must be the parent's; state OPENED, WON, LOST or REVERSED.
 * ARRIVE   id, departure (the transfer that has left), arrival (what its arrival came to).
 * SETTLE   id, amount (gross), fee, line_kind (enum psp_line_kind); draft.asset and draft.psp: what
 *          they are counted in, and whose statement it is.
 */
struct payment_command {
    uint8_t cause; /* enum payment_cause */
    uint8_t state; /* enum payment_state */
    uint8_t line_kind;
    uint8_t arrival; /* enum outcome */
    bool last;
    uint32_t step_number;
    uint32_t horizon_ms;
    uint32_t key_window_ms;
    struct payment_id id;
    struct money amount;
    struct money fee;
    struct payment draft;
    struct transfer_id departure;
    struct psp_reply reply;
    char reason[PSP_REASON_SIZE];
};

/* What a command came to. */
struct payment_result {
    struct payment payment; /* as it stood when the command was decided */
    struct position position;
    struct wall_time stamp;
    uint8_t outcome;        /* enum payment_outcome */
    uint8_t ledger_outcome; /* enum outcome, with PAYMENT_OUTCOME_LEDGER */
    bool repeated;
};

/*
 * What is wrong with a command on its own, as transfer_fault(). Among it: a method that looks
 * like a card number (12 to 19 digits that satisfy ISO/IEC 7812-1's check digit).
 */
const char *payment_fault(const struct payment_command *command, const char **out_field);

#endif
