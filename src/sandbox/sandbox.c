#include "sandbox/sandbox.h"

#include <stdio.h>

#include "base/check.h"
#include "base/reserve.h"
#include "model/asset.h"
#include "model/payment.h"
#include "sandbox/course.h"

enum { LINES_PER_ITEM = 2, EVENTS_PER_ITEM = 4, TURNS_PER_ITEM = 2, DELIVERIES_PER_EVENT = 2 };

const struct sandbox_options SANDBOX_OPTIONS_DEFAULT = {
    .items_max = 1 << 20,
    .pending_ms = 2000,
    .late_ms = 3 * 86400 * 1000,
    .dispute_ms = 7 * 86400 * 1000,
    .reserved_ms = 7 * 86400 * 1000,
    .fees = {
        [PSP_LINE_CHARGE] = { .bps = 150, .fixed_minor = 25 },
        [PSP_LINE_PAY_OUT] = { .fixed_minor = 20 },
        [PSP_LINE_CHARGEBACK] = { .fixed_minor = 1500 },
    },
};

const char *sandbox_state_name(enum sandbox_state state)
{
#define NAME_ENTRY(name, text) [SANDBOX_##name] = text,
    static const char *const names[] = { SANDBOX_STATE_TABLE(NAME_ENTRY) };
#undef NAME_ENTRY
    CHECK(state < SANDBOX_STATE_COUNT);
    return names[state];
}

/* ---- life ---- */

enum status sandbox_init(struct sandbox *sandbox, const struct sandbox_options *options,
                         struct wall_time now)
{
    uint64_t max = options->items_max;
    CHECK(max > 0);
    CHECK(max <= SANDBOX_ITEMS_MAX);
    *sandbox = (struct sandbox){ .options = *options,
                                 .newest_pay_out = SANDBOX_NONE,
                                 .now = now,
                                 .day = business_date_of(now) };
    fault_plan_init(&sandbox->faults, options->seed);
    sandbox->items = reserve_new(max * sizeof *sandbox->items);
    sandbox->lines = reserve_new(max * LINES_PER_ITEM * sizeof *sandbox->lines);
    sandbox->events = reserve_new(max * EVENTS_PER_ITEM * sizeof *sandbox->events);
    bool made = sandbox->items != NULL && sandbox->lines != NULL && sandbox->events != NULL;
    enum status status = made ? STATUS_OK : STATUS_LIMIT;
    if (status == STATUS_OK)
        status =
            id_map_init(&sandbox->map, sandbox->items, sizeof *sandbox->items, max, options->seed);
    if (status == STATUS_OK) status = agenda_init(&sandbox->turns, max * TURNS_PER_ITEM);
    if (status == STATUS_OK)
        status = agenda_init(&sandbox->deliveries, max * EVENTS_PER_ITEM * DELIVERIES_PER_EVENT);
    if (status != STATUS_OK) sandbox_free(sandbox);
    return status;
}

void sandbox_free(struct sandbox *sandbox)
{
    uint64_t max = sandbox->options.items_max;
    reserve_free(sandbox->items, max * sizeof *sandbox->items);
    reserve_free(sandbox->lines, max * LINES_PER_ITEM * sizeof *sandbox->lines);
    reserve_free(sandbox->events, max * EVENTS_PER_ITEM * sizeof *sandbox->events);
    id_map_free(&sandbox->map);
    agenda_free(&sandbox->turns);
    agenda_free(&sandbox->deliveries);
    *sandbox = (struct sandbox){ 0 };
}

/* ---- time ---- */

static void settle(struct sandbox *sandbox)
{
    for (uint32_t i = 0; i < sandbox->book.count; i++) {
        const struct book_page *page = &sandbox->book.pages[i];
        struct book_balance owed = book_balance(page, BOOK_MERCHANT);
        const struct book_entry entry = {
            .asset = page->asset,
            .debit = owed.negative ? BOOK_SETTLED : BOOK_MERCHANT,
            .credit = owed.negative ? BOOK_MERCHANT : BOOK_SETTLED,
            .amount = owed.amount,
        };
        book_post(&sandbox->book, &entry);
    }
}

void sandbox_day_close(struct sandbox *sandbox)
{
    settle(sandbox);
    sandbox->day.days++;
}

/* The days that are over when it is `date`. */
static void days_close(struct sandbox *sandbox, struct business_date date)
{
    if (date.days <= sandbox->day.days) return;
    settle(sandbox);
    sandbox->day = date;
}

void sandbox_advance(struct sandbox *sandbox, struct wall_time now)
{
    const struct agenda_entry *first;
    while ((first = agenda_first(&sandbox->turns)) != NULL && first->due.ns <= now.ns) {
        struct agenda_entry entry = agenda_take(&sandbox->turns);
        if (entry.due.ns > sandbox->now.ns) sandbox->now = entry.due;
        days_close(sandbox, business_date_of(sandbox->now));
        course_due(sandbox, &entry);
    }
    if (now.ns > sandbox->now.ns) sandbox->now = now;
    days_close(sandbox, business_date_of(sandbox->now));
}

/* ---- looking around ---- */

uint32_t sandbox_find(const struct sandbox *sandbox, struct payment_id payment,
                      uint32_t step_number)
{
    uint64_t probe = 0;
    uint32_t item = id_map_find_first(&sandbox->map, payment.value, &probe);
    while (item != ID_MAP_NONE && sandbox->items[item].step_number != step_number)
        item = id_map_find_next(&sandbox->map, payment.value, &probe);
    return item == ID_MAP_NONE ? SANDBOX_NONE : item;
}

const struct sandbox_item *sandbox_item(const struct sandbox *sandbox, uint32_t item)
{
    CHECK(item < sandbox->item_count);
    return &sandbox->items[item];
}

struct object_prefix {
    struct str native;
    struct str stripe;
};

static struct object_prefix prefix_of(unsigned kind)
{
    switch (kind) {
    case PSP_REFUND: return (struct object_prefix){ STR("re_"), STR("re_") };
    case PSP_PAY_OUT: return (struct object_prefix){ STR("po_"), STR("po_") };
    case SANDBOX_CHARGEBACK: return (struct object_prefix){ STR("cb_"), STR("dp_") };
    default: return (struct object_prefix){ STR("ch_"), STR("pi_") };
    }
}

static bool names_itself(unsigned kind)
{
    return kind != PSP_CAPTURE && kind != PSP_CANCEL;
}

struct str sandbox_object(const struct sandbox *sandbox, uint32_t item, bool stripe,
                          char out_text[PSP_TOKEN_SIZE])
{
    CHECK(item < sandbox->item_count);
    const struct sandbox_item *about = &sandbox->items[item];
    if (!names_itself(about->kind)) return sandbox_object(sandbox, about->parent, stripe, out_text);
    struct object_prefix prefix = prefix_of(about->kind);
    int len = snprintf(out_text, PSP_TOKEN_SIZE, "%.*s%012u",
                       STR_ARG(stripe ? prefix.stripe : prefix.native), item + 1);
    CHECK(len > 0 && len < PSP_TOKEN_SIZE);
    return (struct str){ out_text, (size_t)len };
}

uint32_t sandbox_find_object(const struct sandbox *sandbox, struct str object)
{
    enum { PREFIX = 3, DIGITS = 12 };
    if (object.len != PREFIX + DIGITS) return SANDBOX_NONE;
    uint64_t number = 0;
    for (size_t i = PREFIX; i < object.len; i++) {
        if (object.data[i] < '0' || object.data[i] > '9') return SANDBOX_NONE;
        number = number * 10 + (uint64_t)(object.data[i] - '0');
    }
    if (number == 0 || number > sandbox->item_count) return SANDBOX_NONE;
    uint32_t item = (uint32_t)(number - 1);
    unsigned kind = sandbox->items[item].kind;
    struct object_prefix prefix = prefix_of(kind);
    bool named = str_starts(object, prefix.native) || str_starts(object, prefix.stripe);
    return named && names_itself(kind) ? item : SANDBOX_NONE;
}

enum psp_answer sandbox_answer(const struct sandbox_item *item)
{
    switch ((enum sandbox_state)item->state) {
    case SANDBOX_PENDING: return PSP_ANSWER_PENDING;
    case SANDBOX_DECLINED:
    case SANDBOX_EXPIRED: return PSP_ANSWER_DECLINED;
    case SANDBOX_RESERVED:
    case SANDBOX_DONE:
    case SANDBOX_CANCELLED:
    case SANDBOX_OPENED:
    case SANDBOX_WON:
    case SANDBOX_LOST:
    case SANDBOX_REVERSED:
    case SANDBOX_STATE_COUNT: break;
    }
    return PSP_ANSWER_DONE;
}

/* ---- orders ---- */

static void text_set(char *out_text, size_t size, const char *text)
{
    int len = snprintf(out_text, size, "%s", text);
    CHECK(len >= 0 && (size_t)len < size);
}

static void reply_item(const struct sandbox *sandbox, uint32_t item, struct psp_reply *out_reply)
{
    const struct sandbox_item *about = &sandbox->items[item];
    *out_reply = (struct psp_reply){
        .answer = (uint8_t)sandbox_answer(about),
        .http_status = 200,
        .asset = about->asset,
        .amount = about->amount,
        .at = sandbox->now,
    };
    (void)sandbox_object(sandbox, item, false, out_reply->object); /* terminated as well */
    text_set(out_reply->reason, sizeof out_reply->reason,
             reason_code((enum sandbox_reason)about->reason));
}

static void reply_refuse(const struct sandbox *sandbox, enum psp_answer answer,
                         uint16_t http_status, const char *reason, struct psp_reply *out_reply)
{
    *out_reply = (struct psp_reply){ .answer = (uint8_t)answer,
                                     .http_status = http_status,
                                     .at = sandbox->now };
    text_set(out_reply->reason, sizeof out_reply->reason, reason);
}

/* The charge that a capture, cancel or refund is about; NULL: fine. */
static const char *parent_find(const struct sandbox *sandbox, const struct psp_order *order,
                               struct sandbox_item *out_item)
{
    uint32_t parent = sandbox_find_object(sandbox, str_from(order->object));
    if (parent == SANDBOX_NONE) return "object_unknown";
    const struct sandbox_item *charge = &sandbox->items[parent];
    if (charge->kind != PSP_CHARGE && charge->kind != PSP_AUTHORISE) return "object_unknown";
    if (charge->asset != order->asset) return "asset_mismatch";
    out_item->parent = parent;
    out_item->method = charge->method;
    return NULL;
}

static const char *method_find(const struct psp_order *order, struct sandbox_item *out_item)
{
    uint32_t count;
    if (!method_by_token(str_from(order->method), &out_item->method)) return "method_unknown";
    bool bank = method_table(&count)[out_item->method].bank;
    return bank == (order->operation == PSP_PAY_OUT) ? NULL : "method_unknown";
}

/* What the order would be as an item; not NULL: why it makes no sense. */
static const char *order_read(const struct sandbox *sandbox, const struct psp_order *order,
                              struct sandbox_item *out_item)
{
    unsigned operation = order->operation;
    if (operation == 0 || operation >= PSP_OPERATION_END) return "operation_unknown";
    if (asset_iso_by_id(order->asset) == NULL) return "asset_unknown";
    bool cancel = operation == PSP_CANCEL;
    if (!cancel && money_is_zero(order->amount)) return "amount_invalid";
    if (order->amount.minor > PAYMENT_AMOUNT_MAX) return "amount_invalid";
    *out_item = (struct sandbox_item){
        .payment = order->payment,
        .step_number = order->step_number,
        .amount = cancel ? MONEY_ZERO : order->amount,
        .asset = order->asset,
        .created_at = sandbox->now,
        .changed_at = sandbox->now,
        .parent = SANDBOX_NONE,
        .newest = SANDBOX_NONE,
        .previous = SANDBOX_NONE,
        .kind = (uint8_t)operation,
        .last = operation == PSP_CAPTURE && order->last,
    };
    bool child = operation == PSP_CAPTURE || cancel || operation == PSP_REFUND;
    return child ? parent_find(sandbox, order, out_item) : method_find(order, out_item);
}

static bool same_content(const struct sandbox_item *a, const struct sandbox_item *b)
{
    bool amounts = a->kind == PSP_CANCEL || money_equal(a->amount, b->amount);
    return a->kind == b->kind && a->asset == b->asset && amounts && a->last == b->last &&
           a->parent == b->parent && a->method == b->method;
}

/* Under its reference, and in the chain of its charge or of the pay-outs. */
static uint32_t item_add(struct sandbox *sandbox, const struct sandbox_item *item)
{
    uint32_t made = sandbox->item_count++;
    struct sandbox_item *added = &sandbox->items[made];
    *added = *item;
    uint32_t *newest = item->kind == PSP_PAY_OUT ? &sandbox->newest_pay_out : NULL;
    if (item->parent != SANDBOX_NONE) newest = &sandbox->items[item->parent].newest;
    if (newest != NULL) {
        added->previous = *newest;
        *newest = made;
    }
    id_map_insert(&sandbox->map, made);
    return made;
}

void sandbox_order(struct sandbox *sandbox, const struct psp_order *order,
                   struct psp_reply *out_reply)
{
    struct sandbox_item item;
    const char *fault = order_read(sandbox, order, &item);
    uint32_t found = sandbox_find(sandbox, order->payment, order->step_number);
    if (found != SANDBOX_NONE) {
        if (fault == NULL && same_content(&sandbox->items[found], &item))
            reply_item(sandbox, found, out_reply);
        else
            reply_refuse(sandbox, PSP_ANSWER_INVALID, 409, "reference_reused", out_reply);
        return;
    }
    if (fault != NULL) {
        reply_refuse(sandbox, PSP_ANSWER_INVALID, 400, fault, out_reply);
        return;
    }
    if (sandbox->item_count == sandbox->options.items_max) {
        reply_refuse(sandbox, PSP_ANSWER_THROTTLED, 503, "capacity", out_reply);
        return;
    }
    uint32_t made = item_add(sandbox, &item);
    course_begin(sandbox, made);
    reply_item(sandbox, made, out_reply);
}

void sandbox_query(const struct sandbox *sandbox, const struct psp_order *order,
                   struct psp_reply *out_reply)
{
    uint32_t item = sandbox_find(sandbox, order->payment, order->step_number);
    if (item == SANDBOX_NONE)
        reply_refuse(sandbox, PSP_ANSWER_NOT_FOUND, 404, "order_not_found", out_reply);
    else
        reply_item(sandbox, item, out_reply);
    out_reply->query = true;
}

enum sandbox_fault sandbox_fault_take(struct sandbox *sandbox, const struct psp_order *order,
                                      bool query, uint32_t *out_ms)
{
    uint8_t method = 0;
    uint32_t count;
    bool known = method_by_token(str_from(order->method), &method);
    const struct fault_case event = {
        .subject = query ? FAULT_QUERY : FAULT_CALL,
        .operation = order->operation,
        .step_number = order->step_number,
        .payment = order->payment,
        .method_fault = known ? method_table(&count)[method].fault : SANDBOX_FAULT_NONE,
    };
    return fault_take(&sandbox->faults, &event, out_ms);
}
