#include "sandbox/trace.h"

#include "base/check.h"

enum { BPS_ONE = 10000 };

struct trace_sides trace_sides(enum psp_line_kind kind)
{
    static const struct trace_sides sides[PSP_LINE_KIND_END] = {
        [PSP_LINE_CHARGE] = { BOOK_CARDHOLDERS, BOOK_MERCHANT, true },
        [PSP_LINE_REFUND] = { BOOK_MERCHANT, BOOK_CARDHOLDERS, false },
        [PSP_LINE_PAY_OUT] = { BOOK_MERCHANT, BOOK_BANKS, false },
        [PSP_LINE_CHARGEBACK] = { BOOK_MERCHANT, BOOK_CARDHOLDERS, false },
        [PSP_LINE_CHARGEBACK_REVERSAL] = { BOOK_CARDHOLDERS, BOOK_MERCHANT, true },
        [PSP_LINE_REFUND_FAILURE] = { BOOK_CARDHOLDERS, BOOK_MERCHANT, true },
        [PSP_LINE_PAY_OUT_RETURN] = { BOOK_BANKS, BOOK_MERCHANT, true },
    };
    CHECK(kind > 0);
    CHECK(kind < PSP_LINE_KIND_END);
    return sides[kind];
}

struct money trace_fee(const struct sandbox_fee *fee, struct money gross, bool owed_more)
{
    struct money part = { (gross.minor * fee->bps + BPS_ONE / 2) / BPS_ONE + fee->fixed_minor };
    return owed_more ? money_min(part, gross) : part;
}

static struct fault_case case_of(const struct sandbox *sandbox, uint32_t item,
                                 enum fault_subject subject)
{
    const struct sandbox_item *about = &sandbox->items[item];
    uint32_t count;
    const struct sandbox_method *method = &method_table(&count)[about->method];
    return (struct fault_case){
        .subject = subject,
        .operation = about->kind == SANDBOX_CHARGEBACK ? 0 : about->kind,
        .step_number = about->step_number,
        .payment = about->payment,
        .method_fault = about->parent == SANDBOX_NONE ? method->fault : SANDBOX_FAULT_NONE,
    };
}

void trace_line(struct sandbox *sandbox, enum psp_line_kind kind, uint32_t item, struct money gross)
{
    CHECK(sandbox->line_count < 2 * (uint64_t)sandbox->options.items_max);
    struct trace_sides sides = trace_sides(kind);
    struct money fee = trace_fee(&sandbox->options.fees[kind], gross, sides.owed_more);
    uint32_t asset = sandbox->items[item].asset;
    const struct book_entry moved = { asset, sides.debit, sides.credit, gross };
    const struct book_entry charged = { asset, BOOK_MERCHANT, BOOK_FEES, fee };
    book_post(&sandbox->book, &moved);
    book_post(&sandbox->book, &charged);
    uint32_t ms;
    const struct fault_case event = case_of(sandbox, item, FAULT_LINE);
    sandbox->lines[sandbox->line_count++] = (struct sandbox_line){
        .gross = gross,
        .fee = fee,
        .at = sandbox->now,
        .day = sandbox->day,
        .item = item,
        .kind = (uint8_t)kind,
        .fault = (uint8_t)fault_take(&sandbox->faults, &event, &ms),
    };
}

/* What an agenda entry of a delivery says beside the event: attempt, receivers, forged. */
static uint32_t delivery_pack(const struct sandbox_delivery *delivery)
{
    return delivery->attempt | (delivery->receivers & UINT8_MAX) << 8 |
           (delivery->forged ? 1U << 16 : 0);
}

static void delivery_add(struct sandbox *sandbox, const struct sandbox_delivery *delivery,
                         int64_t after_ms)
{
    struct wall_time due = { sandbox->now.ns + after_ms * NS_PER_MS };
    agenda_add(&sandbox->deliveries, due, delivery->event, delivery_pack(delivery));
}

void trace_event(struct sandbox *sandbox, uint32_t item, bool created)
{
    CHECK(sandbox->event_count < 4 * (uint64_t)sandbox->options.items_max);
    uint32_t event = sandbox->event_count++;
    sandbox->events[event] = (struct sandbox_event){
        .at = sandbox->now,
        .item = item,
        .created = created,
        .state = sandbox->items[item].state,
        .reason = sandbox->items[item].reason,
    };
    if (!sandbox->options.webhooks) return;
    uint32_t ms;
    const struct fault_case about = case_of(sandbox, item, FAULT_WEBHOOK);
    enum sandbox_fault fault = fault_take(&sandbox->faults, &about, &ms);
    if (fault == SANDBOX_FAULT_WEBHOOK_LOST) return;
    const struct sandbox_delivery delivery = {
        .event = event,
        .receivers = UINT8_MAX,
        .forged = fault == SANDBOX_FAULT_WEBHOOK_BAD_SIGNATURE,
    };
    bool waits = fault == SANDBOX_FAULT_WEBHOOK_LATE || fault == SANDBOX_FAULT_WEBHOOK_REORDERED;
    delivery_add(sandbox, &delivery, waits ? ms : 0);
    if (fault == SANDBOX_FAULT_WEBHOOK_DUPLICATE) delivery_add(sandbox, &delivery, 0);
}

const struct sandbox_event *sandbox_event(const struct sandbox *sandbox, uint32_t event)
{
    CHECK(event < sandbox->event_count);
    return &sandbox->events[event];
}

bool sandbox_event_next(struct sandbox *sandbox, struct sandbox_delivery *out_delivery)
{
    const struct agenda_entry *first = agenda_first(&sandbox->deliveries);
    if (first == NULL || first->due.ns > sandbox->now.ns) return false;
    struct agenda_entry taken = agenda_take(&sandbox->deliveries);
    *out_delivery = (struct sandbox_delivery){
        .event = taken.subject,
        .attempt = taken.what & UINT8_MAX,
        .receivers = taken.what >> 8 & UINT8_MAX,
        .forged = (taken.what >> 16 & 1) != 0,
    };
    return true;
}

struct wall_time sandbox_event_due(const struct sandbox *sandbox)
{
    const struct agenda_entry *first = agenda_first(&sandbox->deliveries);
    return first == NULL ? (struct wall_time){ INT64_MAX } : first->due;
}

/* A forged one is refused for good reason: it is sent again as it should have been. */
void sandbox_event_failed(struct sandbox *sandbox, const struct sandbox_delivery *delivery)
{
    static const uint32_t after_ms[SANDBOX_ATTEMPTS_MAX - 1] = { 1000, 5000, 30000, 120000,
                                                                 600000 };
    CHECK(delivery->attempt < SANDBOX_ATTEMPTS_MAX);
    if (delivery->attempt == SANDBOX_ATTEMPTS_MAX - 1) return;
    struct sandbox_delivery again = *delivery;
    again.attempt++;
    again.forged = false;
    delivery_add(sandbox, &again, after_ms[delivery->attempt]);
}
