/* /v1/payments/{id}/story: all that the journal knows of a payment, oldest first, gaps marked. */
#include "wallet/story.h"
#include "api/lookup.h"
#include "api/payments_render.h"
#include "base/check.h"

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

static void transfer_write(struct render *render, const struct story_transfer *transfer)
{
    const struct record_transfer *record = &transfer->record;
    json_write_object_begin(&render->json);
    render_reference(render, STR("id"), record->id.value);
    render_name(render, STR("kind"), transfer_kind_name(record->head.kind));
    render_name(render, STR("outcome"), outcome_code(record->head.outcome));
    render_reference(render, STR("debit"), record->debit.value);
    render_reference(render, STR("credit"), record->credit.value);
    render_reference(render, STR("target"), transfer->more.target.value);
    if (record->asset != 0) render_asset(render, record->asset);
    bool known = record->asset != 0 && !money_equal(record->amount, MONEY_MAX);
    if (known) render_amount(render, STR("amount"), record->amount, record->asset);
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

static void story_write(struct work *work, const struct story *story)
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
    render_as_of(&render, work->read.as_of_batch);
    json_write_object_end(&render.json);
    render_end(&render);
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
    enum { SLACK = 64 }; /* what the arena needs to align */
    if (!work_reserve(work, STORY_UNITS_MAX * sizeof(struct story_unit) + SLACK)) return;
    struct story story = {
        .units = arena_take_array(&work->bulk, STORY_UNITS_MAX, sizeof(struct story_unit)),
    };
    CHECK(story.units != NULL);
    struct error error = { 0 };
    enum status status = story_read(work->api->ports.store, work->locator, &story, &error);
    if (!work_history_ok(work, status, &error)) return;
    story_write(work, &story);
}

HANDLER(ROUTE_PAYMENTS_STORY, payments_story) = { .start = story_start, .run = story_run };
