/* One payment at a time per worker: a slow PSP holds up its own payments only. */
#include "wallet/saga.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"
#include "model/position.h"
#include "payment/decide.h"

enum {
    WAIT_MS = 1000,    /* a worker looks whether it is to stop at least so often */
    PUT_BACK_MS = 100, /* a lane that cannot take an answer is given this long */
};

struct worker {
    struct saga *saga;
    struct task *task;
    struct uuid put_back; /* taken and not dealt with; nil: nothing */
};

struct saga {
    struct lane *lane;
    struct lane_ports ports;
    struct psp *psps[SAGA_PSPS_MAX];
    uint32_t psp_count;
    struct monitor *monitor; /* guards the rest */
    bool stopping;
    struct saga_status status;
    struct worker workers[SAGA_WORKERS_MAX];
    uint32_t worker_count;
};

static struct psp *psp_find(const struct saga *saga, const char *name)
{
    for (uint32_t i = 0; i < saga->psp_count; i++) {
        if (strcmp(saga->psps[i]->traits.name, name) == 0) return saga->psps[i];
    }
    return NULL;
}

static struct monotonic_time in_ms(const struct saga *saga, int64_t ms)
{
    return (struct monotonic_time){ clock_monotonic(saga->ports.clock).ns + ms * NS_PER_MS };
}

static bool stopping(struct saga *saga)
{
    saga->ports.sync->lock(saga->monitor);
    bool stop = saga->stopping;
    saga->ports.sync->unlock(saga->monitor);
    return stop;
}

/* Waits a little, unless the saga is to stop. */
static void pause(struct saga *saga)
{
    struct sync *sync = saga->ports.sync;
    struct monotonic_time until = in_ms(saga, PUT_BACK_MS);
    sync->lock(saga->monitor);
    while (!saga->stopping && clock_monotonic(saga->ports.clock).ns < until.ns) {
        (void)sync->wait(saga->monitor, until); /* woken early: looked at again */
    }
    sync->unlock(saga->monitor);
}

/* ---- Commands ---- */

/* A span of the trace in which the payment was asked for. */
static struct trace trace_of(const struct payment *payment, struct uuid span)
{
    return (struct trace){ .id = payment->trace, .span = span_of_id(span) };
}

static bool is_watched(struct saga *saga, const struct payment *payment)
{
    const struct span_subject subject = {
        .trace = payment->trace,
        .payment = payment->id.value,
        .user_ref = payment->user_ref,
    };
    return tracer_wants(saga->ports.tracer, &subject);
}

/* Of the call that is now made for the payment: the same however often it is looked at. */
static struct uuid call_id(const struct payment *payment)
{
    enum { ATTEMPTS = 1 << 16 };
    uint32_t step = payment->step_number * ATTEMPTS + payment->attempts % ATTEMPTS + 1;
    return uuid_derive(payment->id.value, step);
}

static void commit_record(struct saga *saga, const struct payment *payment,
                          const struct request *request, struct wall_time start)
{
    struct span span = {
        .trace = request->trace,
        .parent = span_of_id(call_id(payment)),
        .kind = SPAN_INTERNAL,
        .name = STR("commit"),
        .failed = request->status != STATUS_OK,
        .start = start,
        .end = clock_wall(saga->ports.clock),
    };
    if (request->payment->cause != PAYMENT_CAUSE_ANSWER) {
        span.parent = span_of_id(payment->id.value); /* nobody was called */
    }
    char position[POSITION_TEXT_SIZE];
    span_note_text(&span, STR("tpwallet.position"), position_format(request->position, position));
    span_note_id(&span, STR("tpwallet.payment.id"), payment->id.value);
    const char *outcome = payment_outcome_code(request->payment_result->outcome);
    span_note_text(&span, STR("tpwallet.outcome"), str_from(outcome));
    saga->ports.tracer->record(saga->ports.tracer, &span);
}

/* STATUS_OK: it is decided and durable, whatever the outcome. */
static enum status command_run(struct saga *saga, const struct payment *payment,
                               const struct payment_command *command,
                               struct payment_result *out_result)
{
    struct uuid root = lane_new_id(saga->lane);
    bool watched = is_watched(saga, payment);
    struct wall_time start = watched ? clock_wall(saga->ports.clock) : (struct wall_time){ 0 };
    struct request request = {
        .kind = REQUEST_PAYMENT,
        .principal = PRINCIPAL_SYSTEM,
        .trace = trace_of(payment, root),
        .root = root,
        .count = 1,
        .payment = command,
        .payment_result = out_result,
    };
    enum status status = lane_run(saga->lane, &request);
    if (watched && request.answered) commit_record(saga, payment, &request, start);
    return status;
}

static struct psp_order order_of(const struct payment *payment)
{
    struct psp_order order = {
        .payment = payment->id,
        .step_number = payment->step_number,
        .operation = payment->step,
        .last = (payment->flags & PAYMENT_FLAG_FINAL) != 0,
        .asset = payment->asset,
        .amount = payment->step_amount,
        .trace = trace_of(payment, call_id(payment)),
    };
    memcpy(order.method, payment->method, sizeof order.method);
    memcpy(order.object, payment->psp_object, sizeof order.object);
    return order;
}

static void reason_set(struct psp_reply *reply, struct str reason)
{
    CHECK(reason.len < sizeof reply->reason);
    memset(reply->reason, 0, sizeof reply->reason);
    memcpy(reply->reason, reason.data, reason.len);
}

static void call_count(struct saga *saga, const struct psp_reply *reply, int64_t duration_ns)
{
    saga->ports.sync->lock(saga->monitor);
    if (reply->query) saga->status.queries++;
    if (!reply->query) saga->status.orders++;
    saga->status.answers[reply->answer]++;
    saga->status.call_ns_total += (uint64_t)duration_ns;
    saga->ports.sync->unlock(saga->monitor);
}

static void call_record(struct saga *saga, const struct payment *payment,
                        const struct psp_reply *reply, struct wall_time start)
{
    struct span span = {
        .trace = trace_of(payment, call_id(payment)),
        .parent = span_of_id(payment->id.value),
        .kind = SPAN_CLIENT,
        .name = reply->query ? STR("psp query") : STR("psp order"),
        .method = reply->query ? STR("GET") : STR("POST"),
        .http_status = reply->http_status,
        .failed = reply->answer == PSP_ANSWER_UNKNOWN || reply->answer == PSP_ANSWER_NOT_SENT,
        .start = start,
        .end = reply->at,
    };
    span_note_text(&span, STR("peer.service"), str_from(payment->psp));
    span_note_id(&span, STR("tpwallet.payment.id"), payment->id.value);
    const char *operation = psp_operation_name(payment->step);
    span_note_text(&span, STR("tpwallet.psp.operation"), str_from(operation));
    span_note_number(&span, STR("tpwallet.psp.step"), payment->step_number);
    span_note_text(&span, STR("tpwallet.psp.answer"), str_from(psp_answer_name(reply->answer)));
    span_note_text(&span, STR("error.type"), str_from(reply->reason));
    saga->ports.tracer->record(saga->ports.tracer, &span);
}

static void psp_ask(struct saga *saga, struct psp *psp, const struct payment *payment, bool query,
                    struct psp_reply *out_reply)
{
    struct psp_order order = order_of(payment);
    bool watched = is_watched(saga, payment);
    order.watched = watched;
    struct wall_time start = watched ? clock_wall(saga->ports.clock) : (struct wall_time){ 0 };
    int64_t begin_ns = clock_monotonic(saga->ports.clock).ns;
    *out_reply = (struct psp_reply){ 0 };
    if (query) {
        psp->query(psp, &order, out_reply);
    } else {
        psp->order(psp, &order, out_reply);
    }
    CHECK(out_reply->answer > 0 && out_reply->answer < PSP_ANSWER_END);
    int64_t duration_ns = clock_monotonic(saga->ports.clock).ns - begin_ns;
    out_reply->query = query;
    out_reply->duration_ms = (uint32_t)(duration_ns / NS_PER_MS);
    out_reply->at = clock_wall(saga->ports.clock);
    call_count(saga, out_reply, duration_ns);
    if (watched) call_record(saga, payment, out_reply, start);
}

/* What has to be done for a payment, as one command. */
static void command_make(struct saga *saga, const struct payment *payment,
                         struct payment_command *out_command)
{
    *out_command = (struct payment_command){ .id = payment->id };
    struct psp *psp = psp_find(saga, payment->psp);
    uint32_t window_ms = psp == NULL ? 0 : psp->traits.key_window_ms;
    uint32_t call_ms = psp == NULL ? 0 : psp->traits.call_ms_max;
    struct wall_time now = clock_wall(saga->ports.clock);
    if (now.ns < payment->next_at.ns)
        now = payment->next_at; /* the clock was set back: it is due */
    enum payment_call call = payment_next_call(payment, now, window_ms, call_ms);
    if (call == PAYMENT_CALL_NONE) {
        out_command->cause = PAYMENT_CAUSE_EXPIRE;
        return;
    }
    out_command->cause = PAYMENT_CAUSE_ANSWER;
    out_command->step_number = payment->step_number;
    if (psp == NULL) { /* it was made when this PSP was configured */
        out_command->reply.answer = PSP_ANSWER_NOT_SENT;
        out_command->reply.query = call == PAYMENT_CALL_QUERY;
        out_command->key_window_ms = UINT32_MAX;
        reason_set(&out_command->reply, STR("psp_not_configured"));
        return;
    }
    out_command->horizon_ms = psp->traits.horizon_ms;
    out_command->key_window_ms = psp->traits.key_window_ms;
    psp_ask(saga, psp, payment, call == PAYMENT_CALL_QUERY, &out_command->reply);
}

static void refused_log(struct saga *saga, const struct payment *payment, uint8_t outcome)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(payment->id.value, id);
    const struct log_field fields[] = {
        { STR("payment"), { id, UUID_TEXT_LEN }, 0 },
        { STR("outcome"), str_from(payment_outcome_code(outcome)), 0 },
    };
    log_write(saga->ports.log,
              (struct log_line){
                  .level = LOG_WARNING,
                  .trace = trace_of(payment, payment->id.value),
                  .event = STR("saga.answer_refused"),
                  .message = STR("a PSP's answer came to a payment that had no use for it"),
                  .fields = fields,
                  .field_count = 2,
              });
}

/* What a person may be asked about tomorrow: a payment is in doubt, or nobody but a person can go on. */
static void trouble_log(struct saga *saga, const struct payment *before,
                        const struct payment *payment)
{
    bool doubt = payment->state == PAYMENT_STATE_IN_DOUBT;
    bool manual = payment->state == PAYMENT_STATE_MANUAL;
    if (payment->state == before->state || (!doubt && !manual)) return;
    char id[UUID_TEXT_LEN + 1];
    uuid_format(payment->id.value, id);
    const struct log_field fields[] = {
        { STR("payment"), { id, UUID_TEXT_LEN }, 0 },
        { STR("psp"), str_from(payment->psp), 0 },
        { STR("step"), { NULL, 0 }, payment->step_number },
        { STR("reason"), str_from(payment->reason), 0 },
    };
    log_write(saga->ports.log,
              (struct log_line){
                  .level = LOG_WARNING,
                  .trace = trace_of(payment, payment->id.value),
                  .event = doubt ? STR("payment.in_doubt") : STR("payment.manual"),
                  .message = doubt ? STR("nobody knows whether the PSP did it; it is asked again")
                                   : STR("a payment waits for a person to decide"),
                  .fields = fields,
                  .field_count = 4,
              });
}

/* True when the payment was dealt with; else it has to be put back. */
static bool payment_run(struct saga *saga, const struct payment *payment)
{
    struct payment_command command;
    command_make(saga, payment, &command);
    struct payment_result result = { 0 };
    enum status status = command_run(saga, payment, &command, &result);
    if (status != STATUS_OK) return false;
    uint8_t outcome = result.outcome;
    if (outcome == PAYMENT_OUTCOME_OK) {
        trouble_log(saga, payment, &result.payment);
        return true;
    }
    if (command.cause == PAYMENT_CAUSE_EXPIRE) return false; /* the lane's clock is behind ours */
    saga->ports.sync->lock(saga->monitor);
    saga->status.refused++;
    saga->ports.sync->unlock(saga->monitor);
    refused_log(saga, payment, outcome);
    return true;
}

/* ---- Workers ---- */

/* STATUS_OK: *out_payment is in hand when *out_found. */
static enum status due_take(struct worker *worker, struct payment *out_payment, bool *out_found)
{
    struct saga *saga = worker->saga;
    struct read read = {
        .kind = READ_PAYMENT_DUE,
        .ids = &worker->put_back,
        .count = uuid_is_nil(worker->put_back) ? 0 : 1,
        .limit = 1,
        .payments = out_payment,
        .until = in_ms(saga, WAIT_MS),
    };
    struct request request = { .kind = REQUEST_READ, .principal = PRINCIPAL_SYSTEM, .read = &read };
    enum status status = lane_run(saga->lane, &request);
    if (status != STATUS_OK) return status;
    worker->put_back = (struct uuid){ 0 };
    *out_found = read.found > 0;
    return STATUS_OK;
}

static void busy_add(struct saga *saga, int change)
{
    saga->ports.sync->lock(saga->monitor);
    saga->status.busy += (uint32_t)change;
    saga->ports.sync->unlock(saga->monitor);
}

static void worker_run(void *argument)
{
    struct worker *worker = argument;
    struct saga *saga = worker->saga;
    while (!stopping(saga)) {
        struct payment payment;
        bool found = false;
        enum status status = due_take(worker, &payment, &found);
        if (status == STATUS_STOPPED) return;
        if (status != STATUS_OK) {
            pause(saga);
            continue;
        }
        if (!found) continue;
        busy_add(saga, 1);
        bool done = payment_run(saga, &payment);
        busy_add(saga, -1);
        if (done) continue;
        worker->put_back = payment.id.value;
        saga->ports.sync->lock(saga->monitor);
        saga->status.put_back++;
        saga->ports.sync->unlock(saga->monitor);
        pause(saga);
    }
}

enum status saga_start(struct lane *lane, const struct lane_ports *ports,
                       const struct saga_options *options, struct saga **out_saga,
                       struct error *out_error)
{
    CHECK(options->workers > 0 && options->workers <= SAGA_WORKERS_MAX);
    CHECK(options->psp_count <= SAGA_PSPS_MAX);
    struct saga *saga = reserve_new(sizeof *saga);
    if (saga == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the saga");
    saga->lane = lane;
    saga->ports = *ports;
    saga->psp_count = options->psp_count;
    for (uint32_t i = 0; i < options->psp_count; i++) saga->psps[i] = options->psps[i];
    saga->monitor = ports->sync->monitor_new(ports->sync, "saga");
    while (saga->worker_count < options->workers) {
        struct worker *worker = &saga->workers[saga->worker_count];
        worker->saga = saga;
        enum status status =
            ports->sync->spawn(ports->sync, "saga", worker_run, worker, &worker->task);
        if (status != STATUS_OK) {
            saga_stop(saga);
            return error_set(out_error, status, "the saga's tasks cannot be started");
        }
        saga->worker_count++;
    }
    *out_saga = saga;
    return STATUS_OK;
}

void saga_retire(struct saga *saga)
{
    if (saga == NULL) return;
    struct sync *sync = saga->ports.sync;
    sync->lock(saga->monitor);
    saga->stopping = true;
    sync->wake_all(saga->monitor);
    sync->unlock(saga->monitor);
}

void saga_stop(struct saga *saga)
{
    if (saga == NULL) return;
    struct sync *sync = saga->ports.sync;
    saga_retire(saga);
    for (uint32_t i = 0; i < saga->worker_count; i++) sync->join(saga->workers[i].task);
    sync->monitor_free(saga->monitor);
    reserve_free(saga, sizeof *saga);
}

void saga_get_status(struct saga *saga, struct saga_status *out_status)
{
    saga->ports.sync->lock(saga->monitor);
    *out_status = saga->status;
    saga->ports.sync->unlock(saga->monitor);
}
