/* psp.h - what is asked of a payment service provider, and what it can be understood to say. */
#ifndef MODEL_PSP_H
#define MODEL_PSP_H

#include "base/money.h"
#include "base/time.h"
#include "model/id.h"

enum {
    PSP_NAME_SIZE = 16,   /* "sandbox", "stripe": a-z 0-9 and '-', terminated */
    PSP_TOKEN_SIZE = 64,  /* ids and tokens of a PSP: printable ASCII without space, terminated */
    PSP_REASON_SIZE = 32, /* a stable code: a-z 0-9 and '_', terminated */
};

/* Whether it can be a PSP's name: 1 to PSP_NAME_SIZE - 1 of a-z, 0-9 and '-'. */
bool psp_name_is_valid(struct str name);

/* Value, text. */
#define PSP_OPERATION_TABLE(X)                                                                     \
    X(CHARGE, 1, "charge")       /* authorise and capture in one */                                \
    X(AUTHORISE, 2, "authorise") /* reserve on a card */                                           \
    X(CAPTURE, 3, "capture")     /* take what was reserved, or a part; `last` releases the rest */ \
    X(CANCEL, 4, "cancel")       /* release what was reserved */                                   \
    X(REFUND, 5, "refund")       /* give back of a charge or capture */                            \
    X(PAY_OUT, 6, "pay_out")     /* to a bank account */

#define PSP_OPERATION_ENUM(name, value, text) PSP_##name = value,
enum psp_operation { PSP_OPERATION_TABLE(PSP_OPERATION_ENUM) PSP_OPERATION_END };
#undef PSP_OPERATION_ENUM
const char *psp_operation_name(unsigned operation);

/*
 * One step of a payment at its PSP. The PSP's idempotency key is made of payment and
 * step_number, never of the attempt: psp_key().
 */
struct psp_order {
    struct payment_id payment;
    uint32_t step_number;
    uint8_t operation; /* enum psp_operation */
    bool last;         /* CAPTURE: the rest is released */
    uint32_t asset;
    struct money amount;
    struct trace trace;
    bool watched;                /* spans of the trace are made */
    char method[PSP_TOKEN_SIZE]; /* CHARGE, AUTHORISE: card; PAY_OUT: bank account */
    char object[PSP_TOKEN_SIZE]; /* CAPTURE, CANCEL, REFUND: the PSP's id of what this is about */
};

enum { PSP_KEY_SIZE = 48 };
/* "0190a1b2-…-c3d4:3", terminated: our reference, and the key under which a PSP dedupes. */
struct str psp_key(struct payment_id payment, uint32_t step_number, char out_text[PSP_KEY_SIZE]);
/* False: it is none of ours. */
bool psp_key_parse(struct str text, struct payment_id *out_payment, uint32_t *out_step_number);

/*
 * How an answer, or its absence, is to be understood.
 *
 * DONE       it is done, and the PSP says so.
 * PENDING    the PSP has it and will decide later.
 * DECLINED   the PSP has decided: not done, never will be under this key.
 * NOT_FOUND  of a query: the PSP knows nothing of it (inside its horizon that proves nothing).
 * NOT_SENT   nothing reached the PSP: no connection, its certificate was refused, our breaker
 *            is open. The same order may be sent again.
 * THROTTLED  the PSP refused to look at it (429, 503 with Retry-After): as NOT_SENT.
 * INVALID    the PSP says that the order makes no sense (a 4xx that is no decline): not done,
 *            and sending it again is no use; a person has to look.
 * UNKNOWN    anything else: a timeout after sending, a connection lost, 5xx, an answer that
 *            cannot be understood. It may be done.
 */
#define PSP_ANSWER_TABLE(X)                                                                        \
    X(DONE, 1, "done")                                                                             \
    X(PENDING, 2, "pending")                                                                       \
    X(DECLINED, 3, "declined")                                                                     \
    X(NOT_FOUND, 4, "not_found")                                                                   \
    X(NOT_SENT, 5, "not_sent")                                                                     \
    X(THROTTLED, 6, "throttled")                                                                   \
    X(INVALID, 7, "invalid")                                                                       \
    X(UNKNOWN, 8, "unknown")

#define PSP_ANSWER_ENUM(name, value, text) PSP_ANSWER_##name = value,
enum psp_answer { PSP_ANSWER_TABLE(PSP_ANSWER_ENUM) PSP_ANSWER_END };
#undef PSP_ANSWER_ENUM
const char *psp_answer_name(unsigned answer);

struct psp_reply {
    uint8_t answer;       /* enum psp_answer */
    bool query;           /* it answers a query, not the order itself */
    uint16_t http_status; /* 0: none was got */
    uint32_t asset;       /* with DONE and PENDING: as the PSP says, to be compared with ours */
    struct money amount;
    uint32_t duration_ms;    /* what the call took */
    uint32_t retry_after_ms; /* with THROTTLED; 0: it did not say */
    struct wall_time at;
    char object[PSP_TOKEN_SIZE];  /* the PSP's id; "" when it gave none */
    char reason[PSP_REASON_SIZE]; /* with DECLINED, INVALID, UNKNOWN, NOT_SENT: a stable code */
};

/* ---- Statements ---- */

#define PSP_LINE_KIND_TABLE(X)                                                                     \
    X(CHARGE, 1, "charge")                                                                         \
    X(REFUND, 2, "refund")                                                                         \
    X(PAY_OUT, 3, "pay_out")                                                                       \
    X(CHARGEBACK, 4, "chargeback")                                                                 \
    X(CHARGEBACK_REVERSAL, 5, "chargeback_reversal")                                               \
    X(REFUND_FAILURE, 6, "refund_failure")                                                         \
    X(PAY_OUT_RETURN, 7, "pay_out_return")

#define PSP_LINE_KIND_ENUM(name, value, text) PSP_LINE_##name = value,
enum psp_line_kind { PSP_LINE_KIND_TABLE(PSP_LINE_KIND_ENUM) PSP_LINE_KIND_END };
#undef PSP_LINE_KIND_ENUM
const char *psp_line_kind_name(unsigned kind);
bool psp_line_kind_parse(struct str text, uint8_t *out_kind);

/*
 * A line of a daily statement. gross is what the kind says; fee is the PSP's; for CHARGE,
 * CHARGEBACK_REVERSAL, REFUND_FAILURE and PAY_OUT_RETURN the PSP owes us gross - fee more, for
 * the others gross + fee less.
 */
struct psp_line {
    char id[PSP_TOKEN_SIZE];      /* the line's own, unique at the PSP for ever */
    char reference[PSP_KEY_SIZE]; /* ours: psp_key() */
    char object[PSP_TOKEN_SIZE];
    uint8_t kind; /* enum psp_line_kind */
    uint32_t asset;
    struct money gross;
    struct money fee;
    struct wall_time at;
};

#endif
