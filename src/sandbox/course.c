/* The rules of a PSP: each move changes an item, its charge, the book and the statement at once. */
#include "sandbox/course.h"

#include "base/check.h"
#include "sandbox/trace.h"

/* What is noted in the agenda of turns. */
enum turn { TURN_DECIDE, TURN_EXPIRE, TURN_UNDO, TURN_DISPUTE };

static const struct sandbox_method *method_of(const struct sandbox_item *item)
{
    uint32_t count;
    const struct sandbox_method *methods = method_table(&count);
    CHECK(item->method < count);
    return &methods[item->method];
}

static struct sandbox_item *charge_of(struct sandbox *sandbox, uint32_t item)
{
    uint32_t parent = sandbox->items[item].parent;
    CHECK(parent < sandbox->item_count);
    return &sandbox->items[parent];
}

static void note(struct sandbox *sandbox, uint32_t item, enum turn turn, uint32_t after_ms)
{
    struct wall_time due = { sandbox->now.ns + (int64_t)after_ms * NS_PER_MS };
    agenda_add(&sandbox->turns, due, item, turn);
}

static void state_set(struct sandbox *sandbox, uint32_t item, enum sandbox_state state,
                      enum sandbox_reason reason)
{
    struct sandbox_item *changed = &sandbox->items[item];
    changed->state = (uint8_t)state;
    changed->reason = (uint8_t)reason;
    changed->changed_at = sandbox->now;
}

/* Sums of a charge are parts of what was captured, so they cannot overflow. */
static void add(struct money *sum, struct money amount)
{
    bool added = money_add(*sum, amount, sum);
    CHECK(added);
}

static void subtract(struct money *sum, struct money amount)
{
    bool subtracted = money_subtract(*sum, amount, sum);
    CHECK(subtracted);
}

struct money sandbox_refundable(const struct sandbox_item *item)
{
    struct money left = item->captured;
    subtract(&left, item->refund_pending);
    subtract(&left, item->refunded);
    subtract(&left, item->disputed);
    return left;
}

static bool is_disputed_later(enum method_later later)
{
    return later == LATER_DISPUTED || later == LATER_DISPUTE_WON || later == LATER_DISPUTE_LOST ||
           later == LATER_DISPUTE_REVERSED;
}

/* The charge was captured, wholly or for the first time in part. */
static void captured(struct sandbox *sandbox, uint32_t charge)
{
    const struct sandbox_method *method = method_of(&sandbox->items[charge]);
    if (is_disputed_later((enum method_later)method->later))
        note(sandbox, charge, TURN_DISPUTE, sandbox->options.late_ms);
}

/* ---- an order is done ---- */

static void charge_done(struct sandbox *sandbox, uint32_t item)
{
    struct sandbox_item *charge = &sandbox->items[item];
    charge->captured = charge->amount;
    trace_line(sandbox, PSP_LINE_CHARGE, item, charge->amount);
    captured(sandbox, item);
}

static void capture_done(struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *capture = &sandbox->items[item];
    struct sandbox_item *charge = charge_of(sandbox, item);
    bool first = money_is_zero(charge->captured);
    add(&charge->captured, capture->amount);
    trace_line(sandbox, PSP_LINE_CHARGE, item, capture->amount);
    if (capture->last || money_equal(charge->captured, charge->amount))
        state_set(sandbox, capture->parent, SANDBOX_DONE, REASON_NONE);
    if (first) captured(sandbox, capture->parent);
}

static void cancel_done(struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *charge = charge_of(sandbox, item);
    bool untouched = money_is_zero(charge->captured);
    sandbox->items[item].amount = charge->amount; /* what is released */
    subtract(&sandbox->items[item].amount, charge->captured);
    state_set(sandbox, sandbox->items[item].parent, untouched ? SANDBOX_CANCELLED : SANDBOX_DONE,
              REASON_NONE);
}

static void refund_done(struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *refund = &sandbox->items[item];
    struct sandbox_item *charge = charge_of(sandbox, item);
    subtract(&charge->refund_pending, refund->amount);
    add(&charge->refunded, refund->amount);
    trace_line(sandbox, PSP_LINE_REFUND, item, refund->amount);
    if (method_of(refund)->later == LATER_REFUND_UNDONE)
        note(sandbox, item, TURN_UNDO, sandbox->options.late_ms);
}

static void pay_out_done(struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *pay_out = &sandbox->items[item];
    trace_line(sandbox, PSP_LINE_PAY_OUT, item, pay_out->amount);
    if (method_of(pay_out)->later == LATER_RETURNED)
        note(sandbox, item, TURN_UNDO, sandbox->options.late_ms);
}

static void item_done(struct sandbox *sandbox, uint32_t item)
{
    unsigned kind = sandbox->items[item].kind;
    state_set(sandbox, item, kind == PSP_AUTHORISE ? SANDBOX_RESERVED : SANDBOX_DONE, REASON_NONE);
    switch (kind) {
    case PSP_CHARGE: charge_done(sandbox, item); break;
    case PSP_AUTHORISE: note(sandbox, item, TURN_EXPIRE, sandbox->options.reserved_ms); break;
    case PSP_CAPTURE: capture_done(sandbox, item); break;
    case PSP_CANCEL: cancel_done(sandbox, item); break;
    case PSP_REFUND: refund_done(sandbox, item); break;
    default:
        CHECK(kind == PSP_PAY_OUT); /* chargebacks are not begun by orders */
        pay_out_done(sandbox, item);
        break;
    }
}

static void item_declined(struct sandbox *sandbox, uint32_t item, enum sandbox_reason reason)
{
    const struct sandbox_item *declined = &sandbox->items[item];
    if (declined->kind == PSP_REFUND && declined->state == SANDBOX_PENDING)
        subtract(&charge_of(sandbox, item)->refund_pending, declined->amount);
    state_set(sandbox, item, SANDBOX_DECLINED, reason);
}

/* ---- an order comes ---- */

/* Why the charge's state forbids it; REASON_NONE: it does not. */
static enum sandbox_reason capture_refusal(const struct sandbox_item *charge, struct money amount)
{
    if (charge->kind != PSP_AUTHORISE || charge->state == SANDBOX_PENDING)
        return REASON_NOT_RESERVED;
    if (charge->state == SANDBOX_EXPIRED) return REASON_RESERVATION_EXPIRED;
    if (charge->state == SANDBOX_DONE) return REASON_ALREADY_CAPTURED;
    if (charge->state != SANDBOX_RESERVED) return REASON_NOT_RESERVED;
    struct money left = charge->amount;
    subtract(&left, charge->captured);
    return money_less(left, amount) ? REASON_OVER_REMAINDER : REASON_NONE;
}

static enum sandbox_reason child_refusal(const struct sandbox_item *item,
                                         const struct sandbox_item *charge)
{
    switch (item->kind) {
    case PSP_CAPTURE: return capture_refusal(charge, item->amount);
    case PSP_CANCEL: return capture_refusal(charge, MONEY_ZERO);
    case PSP_REFUND:
        return money_less(sandbox_refundable(charge), item->amount) ? REASON_OVER_REMAINDER
                                                                    : REASON_NONE;
    default: return REASON_NONE;
    }
}

static enum method_first child_first(const struct sandbox_item *item)
{
    switch (method_of(item)->later) {
    case LATER_CAPTURE_DECLINED: return item->kind == PSP_CAPTURE ? FIRST_DECLINED : FIRST_DONE;
    case LATER_REFUND_PENDING: return item->kind == PSP_REFUND ? FIRST_PENDING_DONE : FIRST_DONE;
    case LATER_REFUND_FAILS: return item->kind == PSP_REFUND ? FIRST_PENDING_DECLINED : FIRST_DONE;
    case LATER_REFUND_DECLINED: return item->kind == PSP_REFUND ? FIRST_DECLINED : FIRST_DONE;
    default: return FIRST_DONE;
    }
}

static void begin_by_method(struct sandbox *sandbox, uint32_t item, enum method_first first)
{
    enum sandbox_reason reason = (enum sandbox_reason)method_of(&sandbox->items[item])->reason;
    switch (first) {
    case FIRST_DONE: item_done(sandbox, item); break;
    case FIRST_DECLINED: item_declined(sandbox, item, reason); break;
    case FIRST_PENDING_DONE:
    case FIRST_PENDING_DECLINED:
        note(sandbox, item, TURN_DECIDE, sandbox->options.pending_ms);
        break;
    }
}

void course_begin(struct sandbox *sandbox, uint32_t item)
{
    struct sandbox_item *begun = &sandbox->items[item];
    CHECK(begun->state == SANDBOX_PENDING);
    enum sandbox_reason reason = REASON_NONE;
    enum method_first first = (enum method_first)method_of(begun)->first;
    if (begun->parent != SANDBOX_NONE) {
        reason = child_refusal(begun, charge_of(sandbox, item));
        first = child_first(begun);
    }
    if (reason != REASON_NONE) {
        state_set(sandbox, item, SANDBOX_DECLINED, reason);
    } else {
        if (begun->kind == PSP_REFUND)
            add(&charge_of(sandbox, item)->refund_pending, begun->amount);
        begin_by_method(sandbox, item, first);
    }
    begun->first = (uint8_t)sandbox_answer(begun);
    trace_event(sandbox, item, true);
}

/* ---- late truths ---- */

/* A refund or pay-out that was done was not, after all. */
static void undo(struct sandbox *sandbox, uint32_t item, enum sandbox_reason reason)
{
    const struct sandbox_item *undone = &sandbox->items[item];
    bool refund = undone->kind == PSP_REFUND;
    if (refund) subtract(&charge_of(sandbox, item)->refunded, undone->amount);
    state_set(sandbox, item, SANDBOX_DECLINED, reason);
    trace_line(sandbox, refund ? PSP_LINE_REFUND_FAILURE : PSP_LINE_PAY_OUT_RETURN, item,
               undone->amount);
    trace_event(sandbox, item, false);
}

/* False, and nothing happened: its state does not allow that. */
static bool turn_take(struct sandbox *sandbox, uint32_t item, enum sandbox_turn turn,
                      enum sandbox_reason reason)
{
    CHECK(item < sandbox->item_count);
    const struct sandbox_item *about = &sandbox->items[item];
    if (turn == SANDBOX_TURN_FAIL) {
        bool undone = about->kind == PSP_REFUND || about->kind == PSP_PAY_OUT;
        if (about->state != SANDBOX_DONE || !undone) return false;
        undo(sandbox, item, reason);
        return true;
    }
    if (about->state != SANDBOX_PENDING) return false;
    if (turn == SANDBOX_TURN_COMPLETE)
        item_done(sandbox, item);
    else
        item_declined(sandbox, item, reason);
    trace_event(sandbox, item, false);
    return true;
}

enum status sandbox_turn(struct sandbox *sandbox, uint32_t item, enum sandbox_turn turn,
                         enum sandbox_reason reason)
{
    return turn_take(sandbox, item, turn, reason) ? STATUS_OK : STATUS_CONFLICT;
}

static void expire(struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *reserved = &sandbox->items[item];
    if (reserved->state != SANDBOX_RESERVED) return;
    if (money_is_zero(reserved->captured))
        state_set(sandbox, item, SANDBOX_EXPIRED, REASON_RESERVATION_EXPIRED);
    else
        state_set(sandbox, item, SANDBOX_DONE, REASON_NONE);
    trace_event(sandbox, item, false);
}

/* ---- chargebacks ---- */

/* What took the money that is disputed: the newest capture, or the charge itself. */
static uint32_t disputed_order(const struct sandbox *sandbox, uint32_t charge)
{
    uint32_t at = sandbox->items[charge].newest;
    while (at != SANDBOX_NONE) {
        const struct sandbox_item *child = &sandbox->items[at];
        if (child->kind == PSP_CAPTURE && child->state == SANDBOX_DONE) return at;
        at = child->previous;
    }
    return charge;
}

enum status sandbox_dispute(struct sandbox *sandbox, uint32_t item, struct money amount,
                            uint32_t *out_chargeback)
{
    CHECK(item < sandbox->item_count);
    struct sandbox_item *charge = &sandbox->items[item];
    if (charge->kind != PSP_CHARGE && charge->kind != PSP_AUTHORISE) return STATUS_INVALID;
    if (money_is_zero(amount)) return STATUS_INVALID;
    if (money_less(sandbox_refundable(charge), amount)) return STATUS_CONFLICT;
    if (sandbox->item_count == sandbox->options.items_max) return STATUS_LIMIT;
    uint32_t made = sandbox->item_count++;
    sandbox->items[made] = (struct sandbox_item){
        .payment = charge->payment,
        .step_number = sandbox->items[disputed_order(sandbox, item)].step_number,
        .amount = amount,
        .asset = charge->asset,
        .created_at = sandbox->now,
        .parent = item,
        .newest = SANDBOX_NONE,
        .previous = charge->newest,
        .kind = SANDBOX_CHARGEBACK,
        .method = charge->method,
    };
    charge->newest = made;
    add(&charge->disputed, amount);
    state_set(sandbox, made, SANDBOX_OPENED, REASON_NONE);
    trace_line(sandbox, PSP_LINE_CHARGEBACK, made, amount);
    trace_event(sandbox, made, true);
    *out_chargeback = made;
    return STATUS_OK;
}

enum status sandbox_dispute_decide(struct sandbox *sandbox, uint32_t item, enum sandbox_state state)
{
    CHECK(item < sandbox->item_count);
    const struct sandbox_item *chargeback = &sandbox->items[item];
    if (chargeback->kind != SANDBOX_CHARGEBACK) return STATUS_INVALID;
    enum sandbox_state wanted = state == SANDBOX_REVERSED ? SANDBOX_LOST : SANDBOX_OPENED;
    if (chargeback->state != wanted) return STATUS_CONFLICT;
    CHECK(state == SANDBOX_WON || state == SANDBOX_LOST || state == SANDBOX_REVERSED);
    state_set(sandbox, item, state, REASON_NONE);
    if (state != SANDBOX_LOST) {
        subtract(&charge_of(sandbox, item)->disputed, chargeback->amount);
        trace_line(sandbox, PSP_LINE_CHARGEBACK_REVERSAL, item, chargeback->amount);
    }
    trace_event(sandbox, item, false);
    return STATUS_OK;
}

static void dispute_due(struct sandbox *sandbox, uint32_t charge)
{
    uint32_t made;
    struct money amount = sandbox_refundable(&sandbox->items[charge]);
    if (sandbox_dispute(sandbox, charge, amount, &made) != STATUS_OK)
        return; /* given back, or full */
    if (method_of(&sandbox->items[charge])->later != LATER_DISPUTED)
        note(sandbox, made, TURN_DECIDE, sandbox->options.dispute_ms);
}

static void chargeback_due(struct sandbox *sandbox, uint32_t item)
{
    enum method_later later = (enum method_later)method_of(&sandbox->items[item])->later;
    enum sandbox_state next = later == LATER_DISPUTE_WON ? SANDBOX_WON : SANDBOX_LOST;
    if (sandbox->items[item].state == SANDBOX_LOST) next = SANDBOX_REVERSED;
    if (sandbox_dispute_decide(sandbox, item, next) != STATUS_OK) return; /* decided by hand */
    if (next == SANDBOX_LOST && later == LATER_DISPUTE_REVERSED)
        note(sandbox, item, TURN_DECIDE, sandbox->options.dispute_ms);
}

/* ---- time ---- */

static void decide(struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *about = &sandbox->items[item];
    if (about->kind == SANDBOX_CHARGEBACK) {
        chargeback_due(sandbox, item);
        return;
    }
    const struct sandbox_method *method = method_of(about);
    enum method_first first =
        about->parent == SANDBOX_NONE ? (enum method_first)method->first : child_first(about);
    enum sandbox_turn turn =
        first == FIRST_PENDING_DECLINED ? SANDBOX_TURN_DECLINE : SANDBOX_TURN_COMPLETE;
    /* False: it was decided by hand before. */
    (void)turn_take(sandbox, item, turn, (enum sandbox_reason)method->reason);
}

void course_due(struct sandbox *sandbox, const struct agenda_entry *entry)
{
    uint32_t item = entry->subject;
    CHECK(item < sandbox->item_count);
    switch ((enum turn)entry->what) {
    case TURN_DECIDE: decide(sandbox, item); break;
    case TURN_EXPIRE: expire(sandbox, item); break;
    case TURN_UNDO: {
        enum sandbox_reason reason =
            sandbox->items[item].kind == PSP_REFUND ? REASON_REFUND_FAILED : REASON_RETURNED;
        /* False: it failed by hand before. */
        (void)turn_take(sandbox, item, SANDBOX_TURN_FAIL, reason);
        break;
    }
    case TURN_DISPUTE: dispute_due(sandbox, item); break;
    }
}
