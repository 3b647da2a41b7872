/* /v1/payments: commands go to the lane, which decides; open ones are in memory, others on disk. */
#include "api/cached.h"
#include "api/lanes.h"
#include "api/lookup.h"
#include "api/payments_parse.h"
#include "api/payments_render.h"
#include "base/check.h"
#include "wallet/receipt.h"

static struct payment_input input_of(struct work *work)
{
    return (struct payment_input){
        .text = work->call->body,
        .assets = &work->assets,
        .scratch = &work->scratch,
        .now = clock_wall(work->api->ports.clock),
    };
}

static void command_request(struct work *work)
{
    work_request(work, REQUEST_PAYMENT);
    work->request.count = 1;
    work->request.payment = &work->payment_command;
    work->request.payment_result = &work->payment_result;
}

static enum api_progress command_submit(struct work *work)
{
    command_request(work);
    return work_submit(work);
}

/* ---- Answers ---- */

/* The ledger's own outcome is the reason that a client wants to know. */
static void refusal_raise(struct work *work)
{
    struct problem *problem = &work->problem;
    const struct payment_result *result = &work->payment_result;
    enum payment_outcome outcome = result->outcome;
    problem_refuse(problem, payment_outcome_http_status(outcome), payment_outcome_code(outcome),
                   payment_outcome_text(outcome));
    if (outcome == PAYMENT_OUTCOME_LEDGER) {
        enum outcome reason = result->ledger_outcome;
        problem_detail(problem, "%s: %s", outcome_code(reason), outcome_text(reason));
    }
    problem->has_result = true;
    problem->has_id = true;
    problem->id = result->payment.id.value;
    problem->position = result->position;
    problem->at = result->stamp;
    problem->repeated = result->repeated;
}

static void command_write(struct work *work)
{
    if (!work_answered(work)) return;
    const struct payment_result *result = &work->payment_result;
    work->replayed = result->repeated;
    if (result->outcome != PAYMENT_OUTCOME_OK) {
        refusal_raise(work);
        return;
    }
    struct transit *transit = work->api->options.transit;
    if (transit != NULL && payment_in_transit(&result->payment)) transit_wake(transit);
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    render_payment(&render, &result->payment);
    render_name(&render, STR("outcome"), payment_outcome_code(result->outcome));
    render_position(&render, STR("position"), result->position);
    render_time(&render, STR("at"), result->stamp);
    render_bool(&render, STR("repeated"), result->repeated);
    json_write_object_end(&render.json);
    render_end(&render);
}

/* ---- Making one ---- */

/* Who carries it out, when the caller leaves that to the server. */
static bool psp_choose(struct work *work)
{
    struct payment *draft = &work->payment_command.draft;
    bool at_psp = draft->method[0] != '\0';
    if (!at_psp || draft->psp[0] != '\0') return true;
    const struct api_options *options = &work->api->options;
    enum status status = STATUS_NOT_FOUND;
    bool any = options->route_psp != NULL;
    if (any) status = options->route_psp(options->payments_context, draft, draft->psp);
    if (status == STATUS_OK) return true;
    (void)problem_raise(&work->problem, PROBLEM_PSP_UNKNOWN,
                        any ? "name one in `psp`"
                            : "the server wants one: `tpwallet serve --psp NAME=URL`");
    problem_field(&work->problem, "/psp");
    problem_detail(&work->problem, "%s",
                   any ? "no PSP that is configured can carry it out"
                       : "no PSP is configured here");
    return false;
}

static enum api_progress create_start(struct work *work)
{
    const struct payment_input input = input_of(work);
    if (!payment_create_parse(&input, &work->payment_command, &work->problem)) return API_READY;
    if (uuid_is_nil(work->payment_command.draft.id.value) && uuid_is_nil(work->request.key)) {
        (void)problem_raise(&work->problem, PROBLEM_IDEMPOTENCY_KEY_REQUIRED,
                            "give the payment an id, or the request an Idempotency-Key");
        problem_field(&work->problem, "Idempotency-Key");
        return API_READY;
    }
    command_request(work);
    if (!lanes_payment_here(work, &work->payment_command.draft)) return API_READY;
    if (!psp_choose(work)) return API_READY;
    return work_submit(work);
}

static void create_write(struct work *work)
{
    command_write(work);
    work->call->status = work->payment_result.repeated ? 200 : 201;
}

HANDLER(ROUTE_PAYMENTS_CREATE, payments_create) = { .start = create_start, .write = create_write };

/* ---- Commands to one ---- */

static enum api_progress capture_start(struct work *work)
{
    const struct payment_input input = input_of(work);
    if (!payment_capture_parse(&input, &work->payment_command, &work->problem)) return API_READY;
    if (uuid_is_nil(work->request.key)) {
        (void)problem_raise(&work->problem, PROBLEM_IDEMPOTENCY_KEY_REQUIRED,
                            "so that a repeat does not capture a second part");
        problem_field(&work->problem, "Idempotency-Key");
        return API_READY;
    }
    work->payment_command.id.value = work->id;
    return command_submit(work);
}

HANDLER(ROUTE_PAYMENTS_CAPTURE, payments_capture) = { .start = capture_start,
                                                      .write = command_write };

static enum api_progress bare_start(struct work *work, enum payment_cause cause)
{
    work->payment_command = (struct payment_command){ .cause = (uint8_t)cause };
    work->payment_command.id.value = work->id;
    return command_submit(work);
}

static enum api_progress cancel_start(struct work *work)
{
    return bare_start(work, PAYMENT_CAUSE_CANCEL);
}

HANDLER(ROUTE_PAYMENTS_CANCEL, payments_cancel) = { .start = cancel_start, .write = command_write };

static enum api_progress execute_start(struct work *work)
{
    return bare_start(work, PAYMENT_CAUSE_EXECUTE);
}

HANDLER(ROUTE_PAYMENTS_EXECUTE, payments_execute) = { .start = execute_start,
                                                      .write = command_write };

static enum api_progress refresh_start(struct work *work)
{
    return bare_start(work, PAYMENT_CAUSE_HINT);
}

HANDLER(ROUTE_PAYMENTS_REFRESH, payments_refresh) = { .start = refresh_start,
                                                      .write = command_write };

static enum api_progress resolve_start(struct work *work)
{
    const struct payment_input input = input_of(work);
    if (!payment_resolve_parse(&input, &work->payment_command, &work->problem)) return API_READY;
    work->payment_command.id.value = work->id;
    return command_submit(work);
}

HANDLER(ROUTE_PAYMENTS_RESOLVE, payments_resolve) = { .start = resolve_start,
                                                      .write = command_write };

/* ---- Reading ---- */

/* As it stands in the lane, or where it came to rest in the journal. False: raised. */
static bool payment_load(struct work *work, struct payment *out_payment)
{
    struct payment payment;
    const struct read read = {
        .kind = READ_PAYMENTS,
        .count = 1,
        .ids = &work->id,
        .payments = &payment,
        .locators = &work->locator,
    };
    if (!work_read(work, &read)) return false;
    if (locator_is_none(work->locator)) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_detail(&work->problem, "there is no payment with this id");
        return false;
    }
    if (uuid_is_nil(payment.id.value)) { /* it rests */
        struct history_payment found;
        struct error error = { 0 };
        enum status status = history_payment(work->api->ports.store, work->locator, &found, &error);
        if (!work_history_ok(work, status, &error)) return false;
        payment = found.record.payment;
    }
    *out_payment = payment;
    return true;
}

static bool payment_get(struct work *work, struct payment *out_payment)
{
    if (!cached_allowed(work)) return payment_load(work, out_payment);
    struct cache_entry entry;
    if (cached_take(work, CACHE_PAYMENT, &entry)) {
        *out_payment = entry.value.payment;
        work->read.as_of_batch = work->cached_batch;
        return true;
    }
    if (!payment_load(work, out_payment)) return false;
    entry = (struct cache_entry){ .kind = CACHE_PAYMENT,
                                  .version = work->read.as_of_batch,
                                  .value.payment = *out_payment };
    cached_keep(work, &entry);
    return true;
}

static void get_run(struct work *work)
{
    struct payment payment;
    if (!payment_get(work, &payment)) return;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    render_payment(&render, &payment);
    render_as_of(&render, work->read.as_of_batch);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_PAYMENTS_GET, payments_get) = { .start = work_queue, .run = get_run };

/* ---- The proof of one ---- */

static void receipt_run(struct work *work)
{
    struct payment payment;
    struct history_payment found;
    struct error error = { 0 };
    struct log_relay *log = work->api->options.log;
    const struct read read = {
        .kind = READ_PAYMENTS,
        .count = 1,
        .ids = &work->id,
        .payments = &payment,
        .locators = &work->locator,
    };
    if (!work_read(work, &read)) return;
    if (log == NULL || locator_is_none(work->locator)) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_detail(&work->problem, "%s",
                       log == NULL ? "this server keeps no log"
                                   : "there is no payment with this id");
        return;
    }
    struct store *store = work->api->ports.store;
    enum status status = history_payment(store, work->locator, &found, &error);
    if (!work_history_ok(work, status, &error)) return;
    const struct payment_id id = { work->id };
    status = receipt_write(log, store, found.position, id, &work->call->answer, &error);
    if (status == STATUS_NOT_FOUND) {
        (void)problem_raise(&work->problem, PROBLEM_UNAVAILABLE, "ask again in a second");
        problem_detail(&work->problem, "its newest record is not in the signed log yet");
        work->problem.retry_after_s = 1;
        return;
    }
    (void)work_history_ok(work, status, &error); /* the problem is raised */
}

HANDLER(ROUTE_PAYMENTS_RECEIPT, payments_receipt) = { .start = work_queue, .run = receipt_run };

/* ---- Lists ---- */

static struct cursor list_cursor(const struct work *work)
{
    const struct query *query = &work->query;
    struct cursor cursor = cursor_begin(work, ROUTE_PAYMENTS_LIST);
    cursor.filters = cursor_filter(cursor.filters, &query->state, sizeof query->state);
    return cursor;
}

static enum api_progress list_start(struct work *work)
{
    struct cursor cursor = list_cursor(work);
    uint32_t limit = work->query.limit;
    if (!cursor_take(work, &cursor)) return API_READY;
    if (!work_reserve(work, limit * sizeof(struct payment) + 16)) return API_READY;
    work_request(work, REQUEST_READ);
    work->read = (struct read){
        .kind = READ_PAYMENT_PAGE,
        .limit = limit,
        .from = cursor.place,
        .state = work->query.state,
        .payments = arena_take_array(&work->bulk, limit, sizeof(struct payment)),
    };
    CHECK(work->read.payments != NULL);
    work->request.read = &work->read;
    return work_submit(work);
}

static void list_write(struct work *work)
{
    if (!work_answered(work)) return;
    const struct read *read = &work->read;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < read->found; i++) {
        json_write_object_begin(&render.json);
        render_payment(&render, &read->payments[i]);
        json_write_object_end(&render.json);
    }
    struct cursor cursor = list_cursor(work);
    cursor.place = read->from;
    list_end(&render, cursor_next(work, &cursor, read->more), read->as_of_batch);
}

HANDLER(ROUTE_PAYMENTS_LIST, payments_list) = { .start = list_start, .write = list_write };
