/* method.h - test cards and bank accounts, and what is documented to happen with each. */
#ifndef SANDBOX_METHOD_H
#define SANDBOX_METHOD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "model/psp.h"
#include "sandbox/fault.h"

/* What an order on the method comes to at first. */
enum method_first {
    FIRST_DONE,
    FIRST_DECLINED,
    FIRST_PENDING_DONE, /* pending, then done */
    FIRST_PENDING_DECLINED,
};

/* What comes later, of a method whose first orders are done. */
enum method_later {
    LATER_NOTHING,
    LATER_CAPTURE_DECLINED,
    LATER_REFUND_PENDING,  /* refunds are pending, then done */
    LATER_REFUND_FAILS,    /* refunds are pending, then declined */
    LATER_REFUND_UNDONE,   /* refunds are done, and fail days after */
    LATER_REFUND_DECLINED, /* refunds are declined at once */
    LATER_DISPUTED,        /* a chargeback is opened days after, and stays open */
    LATER_DISPUTE_WON,
    LATER_DISPUTE_LOST,
    LATER_DISPUTE_REVERSED, /* lost, and given back all the same */
    LATER_RETURNED,         /* a pay-out that was done comes back days after */
};

/*
 * Why an order was declined: value of enum sandbox_reason, code.
 */
#define SANDBOX_REASON_TABLE(X)                                                                    \
    X(NONE, "")                                                                                    \
    X(INSUFFICIENT_FUNDS, "insufficient_funds")                                                    \
    X(CARD_DECLINED, "card_declined")                                                              \
    X(EXPIRED_CARD, "expired_card")                                                                \
    X(LOST_CARD, "lost_card")                                                                      \
    X(AUTHENTICATION_REQUIRED, "authentication_required")                                          \
    X(ACCOUNT_CLOSED, "account_closed")                                                            \
    X(OVER_REMAINDER, "over_remainder")                                                            \
    X(NOT_RESERVED, "not_reserved")                                                                \
    X(ALREADY_CAPTURED, "already_captured")                                                        \
    X(RESERVATION_EXPIRED, "reservation_expired")                                                  \
    X(REFUND_FAILED, "refund_failed")                                                              \
    X(RETURNED, "returned")

#define SANDBOX_REASON_ENUM(name, text) REASON_##name,
enum sandbox_reason { SANDBOX_REASON_TABLE(SANDBOX_REASON_ENUM) SANDBOX_REASON_COUNT };
#undef SANDBOX_REASON_ENUM

/*
 * Name, number, first, later, reason, fault of the first call about an order, what happens. A
 * token is "card_NAME" or "bank_NAME"; "pm_card_NAME" and "ba_NAME" are the same. Numbers that
 * Stripe publishes mean here what they mean there; all of them satisfy ISO/IEC 7812-1 or
 * ISO 13616, and none was ever issued.
 */
#define SANDBOX_CARD_TABLE(X)                                                                      \
    X("ok", "4242424242424242", DONE, NOTHING, NONE, NONE, "done")                                 \
    X("declined", "4000000000000002", DECLINED, NOTHING, CARD_DECLINED, NONE, "declined")          \
    X("insufficient_funds", "4000000000009995", DECLINED, NOTHING, INSUFFICIENT_FUNDS, NONE,       \
      "declined: insufficient_funds")                                                              \
    X("lost", "4000000000009987", DECLINED, NOTHING, LOST_CARD, NONE, "declined: lost_card")       \
    X("expired", "4000000000000069", DECLINED, NOTHING, EXPIRED_CARD, NONE,                        \
      "declined: expired_card")                                                                    \
    X("authentication_required", "4000002760003184", DECLINED, NOTHING, AUTHENTICATION_REQUIRED,   \
      NONE, "declined: authentication_required")                                                   \
    X("pending_then_ok", "4000000000009003", PENDING_DONE, NOTHING, NONE, NONE,                    \
      "pending, then done")                                                                        \
    X("pending_then_declined", "4000000000009011", PENDING_DECLINED, NOTHING, CARD_DECLINED, NONE, \
      "pending, then declined")                                                                    \
    X("capture_declined", "4000000000009029", DONE, CAPTURE_DECLINED, CARD_DECLINED, NONE,         \
      "authorised; captures are declined")                                                         \
    X("refund_pending", "4000000000007726", DONE, REFUND_PENDING, NONE, NONE,                      \
      "done; refunds are pending, then done")                                                      \
    X("refund_fails", "4000000000009037", DONE, REFUND_FAILS, REFUND_FAILED, NONE,                 \
      "done; refunds are pending, then declined")                                                  \
    X("refund_fails_late", "4000000000005126", DONE, REFUND_UNDONE, REFUND_FAILED, NONE,           \
      "done; refunds are done, and fail days later")                                               \
    X("refund_declined", "4000000000009045", DONE, REFUND_DECLINED, REFUND_FAILED, NONE,           \
      "done; refunds are declined")                                                                \
    X("disputed", "4000000000000259", DONE, DISPUTED, NONE, NONE,                                  \
      "done; a chargeback is opened days later")                                                   \
    X("dispute_won", "4000000000009052", DONE, DISPUTE_WON, NONE, NONE,                            \
      "done; a chargeback is opened days later, then won")                                         \
    X("dispute_lost", "4000000000009060", DONE, DISPUTE_LOST, NONE, NONE,                          \
      "done; a chargeback is opened days later, then lost")                                        \
    X("dispute_reversed", "4000000000009078", DONE, DISPUTE_REVERSED, NONE, NONE,                  \
      "done; a chargeback is opened days later, lost, then reversed")                              \
    X("slow", "4000000000009086", DONE, NOTHING, NONE, SLOW, "done, slowly")                       \
    X("timeout_before", "4000000000009094", DONE, NOTHING, NONE, TIMEOUT_BEFORE,                   \
      "no answer and no effect the first time; then done")                                         \
    X("timeout_after", "4000000000009102", DONE, NOTHING, NONE, TIMEOUT_AFTER,                     \
      "done, but no answer the first time")                                                        \
    X("error_before", "4000000000009110", DONE, NOTHING, NONE, ERROR_BEFORE,                       \
      "500 and no effect the first time; then done")                                               \
    X("error_after", "4000000000009128", DONE, NOTHING, NONE, ERROR_AFTER,                         \
      "done, but 500 the first time")                                                              \
    X("webhook_lost", "4000000000009136", PENDING_DONE, NOTHING, NONE, WEBHOOK_LOST,               \
      "pending, then done; its first webhook is never sent")

#define SANDBOX_BANK_TABLE(X)                                                                      \
    X("ok", "DE89370400440532013000", DONE, NOTHING, NONE, NONE, "done")                           \
    X("pending_then_ok", "DE14370400440000000002", PENDING_DONE, NOTHING, NONE, NONE,              \
      "pending, then done")                                                                        \
    X("declined", "DE84370400440000000003", DECLINED, NOTHING, ACCOUNT_CLOSED, NONE,               \
      "declined: account_closed")                                                                  \
    X("pending_then_failed", "DE57370400440000000004", PENDING_DECLINED, NOTHING, ACCOUNT_CLOSED,  \
      NONE, "pending, then declined: account_closed")                                              \
    X("returned", "DE30370400440000000005", DONE, RETURNED, RETURNED, NONE,                        \
      "done, and returned days later")                                                             \
    X("timeout_before", "DE03370400440000000006", DONE, NOTHING, NONE, TIMEOUT_BEFORE,             \
      "no answer and no effect the first time; then done")                                         \
    X("timeout_after", "DE73370400440000000007", DONE, NOTHING, NONE, TIMEOUT_AFTER,               \
      "done, but no answer the first time")                                                        \
    X("webhook_lost", "DE46370400440000000008", PENDING_DONE, NOTHING, NONE, WEBHOOK_LOST,         \
      "pending, then done; its first webhook is never sent")

struct sandbox_method {
    const char *name;
    const char *number;
    const char *text;
    bool bank;
    uint8_t first;  /* enum method_first */
    uint8_t later;  /* enum method_later */
    uint8_t reason; /* enum sandbox_reason */
    uint8_t fault;  /* enum sandbox_fault */
};

/* All of them, cards first; *out_count is how many, at most 255. A method is named by its place. */
const struct sandbox_method *method_table(uint32_t *out_count);
/* By token, and by Stripe's own names of test cards ("pm_card_visa"). */
bool method_by_token(struct str token, uint8_t *out_method);
/* By card number or IBAN, without blanks. */
bool method_by_number(struct str number, bool bank, uint8_t *out_method);
/* "card_ok". */
struct str method_token(uint8_t method, char out_text[PSP_TOKEN_SIZE]);

const char *reason_code(enum sandbox_reason reason);
bool reason_parse(struct str code, uint8_t *out_reason);

#endif
