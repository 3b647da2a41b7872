/* /v1/payments/{id}/story: all that is known of a payment, oldest first, gaps marked. */
#include "api/lookup.h"
#include "api/payments_render.h"
#include "api/story_outside.h"
#include "base/check.h"
#include "model/transit.h"
#include "wallet/story_balances.h"

static void trace_write(struct render *render, struct trace trace)
{
    if (uuid_is_nil(trace.id)) return;
    char text[33];
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        text[i] = digits[trace.id.hi >> (60 - 4 * i) & 15];
        text[16 + i] = digits[trace.id.lo >> (60 - 4 * i) & 15];
    }
    text[32] = '\0';
    render_name(render, STR("trace_id"), text);
}

static void actor_write(struct render *render, struct principal_id principal)
{
    bool system = uuid_equal(principal.value, PRINCIPAL_SYSTEM.value);
    bool local = principal_is_local(principal);
    if (system) render_name(render, STR("actor"), "wallet");
    if (local) render_name(render, STR("actor"), "operator");
    bool anonymous = uuid_equal(principal.value, PRINCIPAL_ANONYMOUS.value);
    if (anonymous) render_name(render, STR("actor"), "anonymous");
    if (!system && !local && !anonymous) render_uuid(render, STR("actor"), principal.value);
}

static void side_write(struct render *render, struct str key, const struct story_side *side,
                       uint32_t asset)
{
    if (side->known) render_balance(render, key, &side->balance, asset, side->kind);
}

/* A departure's is the account in the other lane: where it is going, or from where it comes. */
static struct str target_name(const struct record_transfer *record)
{
    struct transit_account way;
    if (record->head.kind != TRANSFER_DEPARTURE) return STR("target");
    return transit_way_parse(record, &way) && !way.out ? STR("from") : STR("to");
}

static void transfer_write(struct render *render, const struct story_transfer *transfer)
{
    const struct record_transfer *record = &transfer->record;
    json_write_object_begin(&render->json);
    render_reference(render, STR("id"), record->id.value);
    render_name(render, STR("kind"), transfer_kind_name(record->head.kind));
    render_name(render, STR("outcome"), outcome_code(record->head.outcome));
    render_reference(render, STR("debit"), record->debit.value);
    render_reference(render, STR("credit"), record->credit.value);
    render_reference(render, target_name(record), transfer->more.target.value);
    if (record->asset != 0) render_asset(render, record->asset);
    bool known = record->asset != 0 && !money_equal(record->amount, MONEY_MAX);
    if (known) render_amount(render, STR("amount"), record->amount, record->asset);
    side_write(render, STR("debit_balance"), &transfer->debit_after, record->asset);
    side_write(render, STR("credit_balance"), &transfer->credit_after, record->asset);
    json_write_object_end(&render->json);
}

/* What the PSP said, or the line of its statement. */
static void psp_write(struct render *render, const struct record_payment *record)
{
    const struct payment *payment = &record->payment;
    if (record->head.kind == PAYMENT_CAUSE_SETTLE) {
        render_name(render, STR("line"), psp_line_kind_name(record->answer));
        render_amount(render, STR("fee"), record->fee, payment->asset);
    }
    if (record->head.kind != PAYMENT_CAUSE_ANSWER) return;
    json_write_key(&render->json, STR("psp_call"));
    json_write_object_begin(&render->json);
    render_name(render, STR("psp"), payment->psp);
    render_name(render, STR("step"), psp_operation_name(payment->step));
    render_number(render, STR("step_number"), payment->step_number);
    render_bool(render, STR("query"), (record->head.flags & RECORD_FLAG_QUERY) != 0);
    render_name(render, STR("answer"), psp_answer_name(record->answer));
    if (record->http_status != 0) render_number(render, STR("http_status"), record->http_status);
    render_number(render, STR("duration_ms"), record->duration_ms);
    json_write_object_end(&render->json);
}

static void unit_write(struct render *render, const struct story_unit *unit)
{
    const struct payment *payment = &unit->record.payment;
    json_write_object_begin(&render->json);
    render_time(render, STR("at"), unit->stamp);
    render_position(render, STR("position"), unit->position);
    render_name(render, STR("cause"), payment_cause_name(unit->record.head.kind));
    actor_write(render, unit->context.principal);
    trace_write(render, unit->context.trace);
    render_name(render, STR("state"), payment_state_name(payment->state));
    if (payment->reason[0] != '\0') render_name(render, STR("reason"), payment->reason);
    render_amount(render, STR("captured"), payment->captured, payment->asset);
    if (!money_is_zero(payment->refunded)) {
        render_amount(render, STR("refunded"), payment->refunded, payment->asset);
    }
    psp_write(render, &unit->record);
    render_reference(render, STR("with_payment"), unit->other.value);
    if (payment->next_at.ns != 0) render_time(render, STR("due_at"), payment->next_at);
    json_write_key(&render->json, STR("transfers"));
    json_write_array_begin(&render->json);
    for (uint32_t i = 0; i < unit->transfer_count; i++) transfer_write(render, &unit->transfers[i]);
    json_write_array_end(&render->json);
    json_write_object_end(&render->json);
}

static void gaps_write(struct render *render, const struct story *story, struct wall_time now)
{
    struct story_gap gaps[STORY_GAPS_MAX];
    uint32_t count = story_gaps(story, now, gaps);
    json_write_key(&render->json, STR("gaps"));
    json_write_array_begin(&render->json);
    for (uint32_t i = 0; i < count; i++) {
        json_write_object_begin(&render->json);
        render_name(render, STR("missing"), gaps[i].what);
        render_name(render, STR("text"), gaps[i].sentence);
        render_time(render, STR("due_by"), gaps[i].due_by);
        json_write_object_end(&render->json);
    }
    json_write_array_end(&render->json);
}

static void not_told(struct render *render, const char *what, const char *text)
{
    json_write_object_begin(&render->json);
    render_name(render, STR("what"), what);
    render_name(render, STR("text"), text);
    json_write_object_end(&render->json);
}

/* What would belong to the story, and is not in it: never left out in silence. */
static void not_told_write(struct render *render, const struct story *story,
                           const struct outside *outside)
{
    json_write_key(&render->json, STR("not_told"));
    json_write_array_begin(&render->json);
    if (story_balances_missing(story) > 0) {
        not_told(
            render, "balances",
            "some accounts have had more than 2000 entries since, which is too far to go back; "
            "ask for the account's balance at the unit's position");
    }
    if (outside->webhooks_not_told != NULL)
        not_told(render, "webhooks", outside->webhooks_not_told);
    if (outside->deliveries_not_told != NULL)
        not_told(render, "deliveries", outside->deliveries_not_told);
    json_write_array_end(&render->json);
}
_Static_assert(STORY_ENTRIES_MAX == 2000, "as the text says");

static void story_write(struct work *work, const struct story *story, struct outside *outside)
{
    struct render render;
    const struct payment *last = &story->units[story->count - 1].record.payment;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("payment"));
    json_write_object_begin(&render.json);
    render_payment(&render, last);
    json_write_object_end(&render.json);
    json_write_key(&render.json, STR("units"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < story->count; i++) unit_write(&render, &story->units[i]);
    json_write_array_end(&render.json);
    render_number(&render, STR("left_out"), story->left_out);
    gaps_write(&render, story, clock_wall(work->api->ports.clock));
    outside_write(work, &render, story, outside);
    not_told_write(&render, story, outside);
    render_as_of(&render, work->read.as_of_batch);
    json_write_object_end(&render.json);
    render_end(&render);
}

enum {
    ARENA_SLACK = 256, /* what the arena needs to align */
    STORY_MEMORY_SIZE = STORY_UNITS_MAX * sizeof(struct story_unit) +
                        STORY_ACCOUNTS_MAX * sizeof(struct account_state) +
                        STORY_ENTRIES_PAGE * sizeof(struct history_entry) + sizeof(struct outside) +
                        ARENA_SLACK,
};

/* False: the problem is raised. */
static bool balances_find(struct work *work, struct story *story)
{
    struct uuid ids[STORY_ACCOUNTS_MAX];
    uint32_t count = story_accounts(story, ids);
    if (count == 0) return true;
    struct account_state *states =
        arena_take_array(&work->bulk, STORY_ACCOUNTS_MAX, sizeof(struct account_state));
    struct history_entry *entries =
        arena_take_array(&work->bulk, STORY_ENTRIES_PAGE, sizeof(struct history_entry));
    CHECK(states != NULL);
    CHECK(entries != NULL);
    const struct read read = {
        .kind = READ_ACCOUNTS, .count = count, .ids = ids, .accounts = states
    };
    uint64_t as_of_batch = work->read.as_of_batch; /* the story's own stays the answer's */
    if (!work_read(work, &read)) return false;
    work->read.as_of_batch = as_of_batch;
    struct error error = { 0 };
    enum status status =
        story_balances(work->api->ports.store, story, states, count, entries, &error);
    return work_history_ok(work, status, &error);
}

static enum api_progress story_start(struct work *work)
{
    work->slow = true;
    return work_queue(work);
}

static void story_run(struct work *work)
{
    struct payment payment;
    const struct read read = {
        .kind = READ_PAYMENTS,
        .count = 1,
        .ids = &work->id,
        .payments = &payment,
        .locators = &work->locator,
    };
    if (!work_read(work, &read)) return;
    if (locator_is_none(work->locator)) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_detail(&work->problem, "there is no payment with this id");
        return;
    }
    if (!work_reserve(work, STORY_MEMORY_SIZE)) return;
    struct story story = {
        .units = arena_take_array(&work->bulk, STORY_UNITS_MAX, sizeof(struct story_unit)),
    };
    CHECK(story.units != NULL);
    struct error error = { 0 };
    enum status status = story_read(work->api->ports.store, work->locator, &story, &error);
    if (!work_history_ok(work, status, &error) || !balances_find(work, &story)) return;
    struct outside *outside = arena_take_array(&work->bulk, 1, sizeof *outside);
    CHECK(outside != NULL);
    outside_read(work, &story, outside);
    story_write(work, &story, outside);
}

HANDLER(ROUTE_PAYMENTS_STORY, payments_story) = { .start = story_start, .run = story_run };
