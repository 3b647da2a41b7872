/* sandbox.h - a PSP and bank with books of its own: orders, late truths, statements, events. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id_map.h"
#include "base/money.h"
#include "base/status.h"
#include "base/time.h"
#include "model/psp.h"
#include "sandbox/agenda.h"
#include "sandbox/book.h"
#include "sandbox/fault.h"
#include "sandbox/method.h"

/*
 * What the wallet is compared with: it shares no code with the ledger, and decides by itself what
 * was charged, refunded, paid out and owed. It is a state machine: it does no I/O and reads no
 * clock. Everything follows from the calls, the times passed to sandbox_advance(), the faults'
 * seed, and the test method of each order (sandbox/method.h).
 *
 * An order is named by psp_key(): the same reference with the same content has one effect, and is
 * answered with the order as it stands; with other content it is refused. What makes no sense at
 * all (INVALID) is not kept; what was decided is, also when it was declined.
 *
 *     CHARGE      pending, done or declined
 *     AUTHORISE   as CHARGE; done, it is reserved until captured, cancelled or expired
 *     CAPTURE     of what is reserved, in one or several parts; `last` releases the rest
 *     CANCEL      releases what is reserved and not captured
 *     REFUND      never more than was captured, and not refunded, being refunded or disputed
 *     PAY_OUT     always covered: what is owed may be less than zero, and is then settled the
 *                 other way round
 *     CHARGEBACK  made by a test method or by sandbox_dispute(); takes the money when opened
 *
 * Late truths: an order that is pending is decided by time or by sandbox_turn(); a refund or
 * pay-out that was done may be declined after all.
 *
 * At the end of a day (UTC) what is owed is settled, and the day's statement is made. Every
 * movement is a line of a statement (sandbox/statement.h) and an entry of the book, and
 * sandbox_check() (sandbox/check.h) compares them.
 *
 * Capacity: items_max orders and chargebacks, of some 450 bytes in all each, reserved at the
 * start and touched as used; one more is THROTTLED. One task at a time.
 */
enum { SANDBOX_CHARGEBACK = PSP_OPERATION_END, SANDBOX_NONE = UINT32_MAX };

#define SANDBOX_STATE_TABLE(X)                                                                     \
    X(PENDING, "pending")                                                                          \
    X(RESERVED, "reserved") /* AUTHORISE only, also when a part was captured */                    \
    X(DONE, "done")                                                                                \
    X(DECLINED, "declined") /* at once, later, or after having been done: the reason tells */      \
    X(CANCELLED, "cancelled")                                                                      \
    X(EXPIRED, "expired")                                                                          \
    X(OPENED, "opened") /* CHARGEBACK from here on */                                              \
    X(WON, "won")                                                                                  \
    X(LOST, "lost")                                                                                \
    X(REVERSED, "reversed")

#define SANDBOX_STATE_ENUM(name, text) SANDBOX_##name,
enum sandbox_state { SANDBOX_STATE_TABLE(SANDBOX_STATE_ENUM) SANDBOX_STATE_COUNT };
#undef SANDBOX_STATE_ENUM
const char *sandbox_state_name(enum sandbox_state state);

/* An order or a chargeback. A chargeback bears the reference of what it disputes. */
struct sandbox_item {
    struct payment_id payment; /* of psp_key(); first: what the map finds it by */
    struct money amount;
    struct money captured;       /* CHARGE, AUTHORISE: of amount */
    struct money refund_pending; /* of captured, as the next two */
    struct money refunded;
    struct money disputed;
    struct wall_time created_at;
    struct wall_time changed_at;
    uint32_t step_number;
    uint32_t asset;
    uint32_t parent;   /* CAPTURE, CANCEL, REFUND, CHARGEBACK: the charge; else SANDBOX_NONE */
    uint32_t newest;   /* CHARGE, AUTHORISE: the newest item with this parent, or SANDBOX_NONE */
    uint32_t previous; /* the one before of the same parent; PAY_OUT: the pay-out before */
    uint8_t kind;      /* enum psp_operation or SANDBOX_CHARGEBACK */
    uint8_t state;     /* enum sandbox_state */
    uint8_t reason;    /* enum sandbox_reason */
    uint8_t method;    /* its place in method_table(); a child has its charge's */
    uint8_t first;     /* enum psp_answer that the order got first */
    bool last;
};

/* Money that moved, before it is a psp_line. */
struct sandbox_line {
    struct money gross;
    struct money fee;
    struct wall_time at;
    struct business_date day; /* of the statement it stands in */
    uint32_t item;
    uint8_t kind;  /* enum psp_line_kind */
    uint8_t fault; /* enum sandbox_fault: left out, or twice */
};

/* An item was made or has changed, and stood so: what a webhook tells. */
struct sandbox_event {
    struct wall_time at;
    uint32_t item;
    bool created; /* or updated */
    uint8_t state;
    uint8_t reason;
};

/* An event that is to be sent now. */
struct sandbox_delivery {
    uint32_t event;
    uint32_t attempt;   /* 0 is the first */
    uint32_t receivers; /* whom: bits of the caller's, UINT8_MAX at first */
    bool forged;        /* the signature is to be wrong */
};

/* fee = gross * bps / 10,000, a half rounded up, + fixed; of what is owed more, at most gross. */
struct sandbox_fee {
    uint32_t bps;
    uint32_t fixed_minor;
};

struct sandbox_options {
    uint64_t seed;      /* of places in memory; the faults have their own */
    uint32_t items_max; /* at most SANDBOX_ITEMS_MAX */
    uint32_t pending_ms;
    uint32_t late_ms;     /* from "done" to a late truth or a chargeback */
    uint32_t dispute_ms;  /* from opened to won or lost, and from there to reversed */
    uint32_t reserved_ms; /* until a reservation expires */
    bool webhooks;        /* whether somebody calls sandbox_event_next() */
    struct sandbox_fee fees[PSP_LINE_KIND_END];
};

enum { SANDBOX_ITEMS_MAX = 1 << 24, SANDBOX_ATTEMPTS_MAX = 6 };

extern const struct sandbox_options SANDBOX_OPTIONS_DEFAULT;

struct sandbox {
    struct sandbox_options options;
    struct sandbox_item *items;
    struct sandbox_line *lines;
    struct sandbox_event *events;
    uint32_t item_count;
    uint32_t line_count;
    uint32_t event_count;
    uint32_t newest_pay_out;
    struct id_map map; /* orders by payment; several of one have different step numbers */
    struct agenda turns;
    struct agenda deliveries;
    struct wall_time now;
    struct business_date day; /* whose statement is being filled */
    struct book book;
    struct fault_plan faults;
};

/* STATUS_LIMIT when the address space is refused; nothing is left then. */
enum status sandbox_init(struct sandbox *sandbox, const struct sandbox_options *options,
                         struct wall_time now) MUST_CHECK;
/* Accepts a zeroed struct. */
void sandbox_free(struct sandbox *sandbox);

/* Everything due until then happens, in order; an earlier time changes nothing. */
void sandbox_advance(struct sandbox *sandbox, struct wall_time now);
/* Settles what is owed and makes the statement; what comes after is the next day's. */
void sandbox_day_close(struct sandbox *sandbox);

/*
 * As port/psp.h has it, without faults. INVALID has the reason operation_unknown, asset_unknown,
 * asset_mismatch, amount_invalid, method_unknown, object_unknown or (409) reference_reused.
 */
void sandbox_order(struct sandbox *sandbox, const struct psp_order *order,
                   struct psp_reply *out_reply);
void sandbox_query(const struct sandbox *sandbox, const struct psp_order *order,
                   struct psp_reply *out_reply);

/* What goes wrong with this call about the order; see fault_take(). */
enum sandbox_fault sandbox_fault_take(struct sandbox *sandbox, const struct psp_order *order,
                                      bool query, uint32_t *out_ms);

/* ---- looking around; items are named by their place, in order of coming ---- */

/* SANDBOX_NONE when there is none. */
uint32_t sandbox_find(const struct sandbox *sandbox, struct payment_id payment,
                      uint32_t step_number);
uint32_t sandbox_find_object(const struct sandbox *sandbox, struct str object);
const struct sandbox_item *sandbox_item(const struct sandbox *sandbox, uint32_t item);
const struct sandbox_event *sandbox_event(const struct sandbox *sandbox, uint32_t event);
/* DONE, PENDING or DECLINED. */
enum psp_answer sandbox_answer(const struct sandbox_item *item);
/* Of captured, what can still be refunded or disputed. */
struct money sandbox_refundable(const struct sandbox_item *item);
/*
 * "ch_000000000001", and re_, po_, cb_; with `stripe` pi_, re_, po_, dp_. A capture's and a
 * cancel's is that of its charge. sandbox_find_object() takes both.
 */
struct str sandbox_object(const struct sandbox *sandbox, uint32_t item, bool stripe,
                          char out_text[PSP_TOKEN_SIZE]);

/* ---- what a test makes happen ---- */

/* Of what is pending, done or declined; of a refund or pay-out that is done, declined. */
enum sandbox_turn { SANDBOX_TURN_COMPLETE, SANDBOX_TURN_DECLINE, SANDBOX_TURN_FAIL };
/* STATUS_CONFLICT: its state does not allow that. */
enum status sandbox_turn(struct sandbox *sandbox, uint32_t item, enum sandbox_turn turn,
                         enum sandbox_reason reason) MUST_CHECK;
/* STATUS_INVALID: no charge. STATUS_CONFLICT: more than can be disputed. STATUS_LIMIT: full. */
enum status sandbox_dispute(struct sandbox *sandbox, uint32_t item, struct money amount,
                            uint32_t *out_chargeback) MUST_CHECK;
/* WON or LOST of what is opened, REVERSED of what is lost; STATUS_CONFLICT otherwise. */
enum status sandbox_dispute_decide(struct sandbox *sandbox, uint32_t item, enum sandbox_state state)
    MUST_CHECK;

/* ---- events ---- */

/* False: nothing is to be sent yet. */
bool sandbox_event_next(struct sandbox *sandbox, struct sandbox_delivery *out_delivery);
/* When the next is due; the end of time when none is. */
struct wall_time sandbox_event_due(const struct sandbox *sandbox);
/* It did not arrive: it is sent again after 1, 5, 30, 120 and 600 s, then no more. */
void sandbox_event_failed(struct sandbox *sandbox, const struct sandbox_delivery *delivery);

#endif
